import { AuroraSource } from '../../../../functions/bridge/aurora/aurora-source.ts'
import { Catalogue } from '../../../../functions/bridge/aurora/catalogue.ts'
import { triggerStates } from '../../../../functions/bridge/aurora/triggers/trigger-state.ts'
import {
  type BackfillParts,
  planBackfill,
  runBackfill,
} from '../../../../functions/bridge/backfill/backfill.ts'
import { EntitySink } from '../../../../functions/bridge/dynamo/entity-sink.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openJobTables } from '../jobs/job-tables.ts'
import type { TestSync } from '../sync/harness.ts'

/** What a fill is run with, over both stores of a test. */
export const openTestFills = async (sync: TestSync, entities: readonly Entity[]) => {
  const jobs = await openJobTables()
  const { db } = sync.aurora
  const deadline = new Deadline()
  const source = new AuroraSource({ db, entities, catalogue: new Catalogue(db), deadline })
  const sink = new EntitySink({ client: sync.client, entities, tables: sync.tables, deadline })
  const parts: BackfillParts = {
    mirror: sync.parts,
    forward: { source, mirror: { ...sync.parts, source, sink } },
    missingTriggers: async (entity) =>
      (await triggerStates(db, [entity])).flatMap(({ states }) =>
        states.filter(({ state }) => state !== 'there').map(({ name }) => name),
      ),
    db,
    client: sync.client,
    tables: sync.tables,
    jobs: jobs.jobs(),
    database: sync.aurora.database,
    deadline,
  }
  return {
    parts,
    fill: async (
      entity: Entity,
      options: Parameters<typeof planBackfill>[2] = {},
      more: Partial<Parameters<typeof runBackfill>[1]> = {},
    ) =>
      runBackfill(await planBackfill(entity, parts, { again: true, ...options }), {
        ...parts,
        by: 'test',
        ...more,
      }),
    close: () => jobs.close(),
  }
}

export type TestFills = Awaited<ReturnType<typeof openTestFills>>
