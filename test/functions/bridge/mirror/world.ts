import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Connection } from 'mysql2/promise'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import { type Carried, type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { StoreMarks } from '../../../../functions/bridge/sync/store-marks.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openJobTables, readAll } from '../jobs/job-tables.ts'

export type MirrorWorld = World & {
  readonly relayParts: RelayParts
  readonly legacy: Connection
  newMarks(): StoreMarks
  /** Keeps what DynamoDB was told of marks. @returns restores it */
  keepMarks(): Promise<() => Promise<void>>
  /** Takes that away, as if DynamoDB were new. */
  forgetMarks(): Promise<void>
  carry(): Promise<Carried>
}

const isOfMarks = ({ part }: Item): boolean => part?.S === 'marks'

/**
 * Both sides on real servers, with the triggers and the relay between them.
 *
 * @param schema statements of a legacy program's, before the triggers are made
 */
export const openMirror = async (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
  schema: readonly string[] = [],
  how?: Parameters<typeof openWorld>[2],
): Promise<MirrorWorld> => {
  const world = await openWorld(entities, tables, how)
  const { sync } = world
  const { sink: _, source: __, patience: ___, ...shared } = sync.parts
  const inward = () => ({
    ...sync.parts,
    reclaim: (entity: string, keys: readonly string[]) => relayParts.changes.append(entity, keys),
  })
  const jobs = await openJobTables()
  const relayParts: RelayParts = {
    ...openRelay({
      ...shared,
      ...{ db: sync.aurora.db, writer: sync.aurora.writer, client: sync.client, tables: sync.tables },
      ...{ entities, inward },
    }),
    marks: jobs.marks(sync.aurora.db),
  }
  for (const statement of schema) await sync.aurora.legacy.query(statement)
  await installMirror(sync.aurora, entities)
  return {
    ...world,
    relayParts,
    legacy: sync.aurora.legacy,
    /** As another relay would remember nothing. */
    newMarks: () => jobs.marks(sync.aurora.db),
    keepMarks: async () => {
      const [kept] = (await readAll(jobs.client, jobs.jobsTable)).filter(isOfMarks)
      return async () => {
        if (kept !== undefined)
          await jobs.client.send(new PutItemCommand({ TableName: jobs.jobsTable, Item: kept }))
      }
    },
    forgetMarks: async () => {
      for (const { job, part } of (await readAll(jobs.client, jobs.jobsTable)).filter(isOfMarks))
        if (job !== undefined && part !== undefined)
          await jobs.client.send(new DeleteItemCommand({ TableName: jobs.jobsTable, Key: { job, part } }))
    },
    carry: () => relay(relayParts),
    close: async () => {
      await Promise.all([world.close(), jobs.close()])
    },
  }
}
