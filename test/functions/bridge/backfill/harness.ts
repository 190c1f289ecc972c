import { triggerStates } from '../../../../functions/bridge/aurora/triggers/trigger-state.ts'
import { applyRecords } from '../../../../functions/bridge/backfill/apply-records.ts'
import { runBackfill } from '../../../../functions/bridge/backfill/backfill.ts'
import { type BackfillParts, planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import { LEASE } from '../../../../functions/bridge/jobs/jobs.ts'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openJobTables } from '../jobs/job-tables.ts'
import type { TestSync } from '../sync/harness.ts'

/** What a fill is run with, over both stores of a test. */
export const openTestFills = async (sync: TestSync, entities: readonly Entity[]) => {
  const jobs = await openJobTables()
  const { db } = sync.aurora
  const deadline = new Deadline()
  const { sink: _, source: __, patience: ___, ...shared } = sync.parts
  const marks = jobs.marks(db)
  const { source, outward, changes } = openRelay({
    ...shared,
    ...{ db, writer: sync.aurora.writer, client: sync.client, tables: sync.tables, entities },
    inward: () => sync.parts,
    pages: true,
  })
  const parts: BackfillParts = {
    mirror: sync.parts,
    marks,
    forward: {
      source,
      mirror: { ...outward, reclaim: (entity, keys) => changes.append(entity, keys) },
    },
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
    jobsTable: jobs.jobsTable,
    /** The same jobs for who comes once a lease is over, whose holder is gone. */
    later: () => jobs.jobs({ now: () => Date.now() + 2 * LEASE }),
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
    /** What the relay would do of keys that the log names. */
    carry: async (entity: Entity, keys: readonly string[]): Promise<void> => {
      if (keys.length === 0) return
      const items = keys.map((key) => ({ key: { S: key } }))
      const page = { items, next: undefined, readAt: Date.now(), looked: keys.length }
      await applyRecords(entity, page, parts.forward)
    },
    close: () => jobs.close(),
  }
}

export type TestFills = Awaited<ReturnType<typeof openTestFills>>
