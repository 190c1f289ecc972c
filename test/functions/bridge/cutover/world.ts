import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { AuroraKeySets } from '../../../../functions/bridge/aurora/aurora-key-sets.ts'
import { AuroraRecords } from '../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { type Claimed, claim } from '../../../../functions/bridge/cutover/claim.ts'
import { DynamoKeySets } from '../../../../functions/bridge/dynamo/dynamo-key-sets.ts'
import { DynamoRecords } from '../../../../functions/bridge/dynamo/dynamo-records.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import type { Change, Intent, Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { silent } from '../../../support/log.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync } from '../sync/harness.ts'

type Item = Record<string, AttributeValue>

/** Both sides of the bridge on real servers, each with its API's store, and the stream between them by hand. */
export const openWorld = async (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
  how?: Parameters<typeof openTestSync>[2],
) => {
  const sync = await openTestSync(entities, tables, how)
  const deadline = new Deadline()
  const parts = { client: sync.client, tables: sync.tables, deadline }
  const modern = new DynamoStore({ ...parts, idempotencyTable: 'none', log: silent })
  const sides = {
    aurora: new AuroraRecords({
      db: sync.aurora.db,
      store: sync.aurora.store,
      sink: new AuroraSink(entities, sync.aurora),
      catalogue: sync.aurora.writer.catalogue,
    }),
    dynamo: new DynamoRecords(parts),
  }
  const sink = new AuroraSink(entities, sync.aurora)
  const { db, writer } = sync.aurora
  /** @param between comes behind the content of keys that are taken, and before whose they are */
  const rowSets = (between?: () => Promise<unknown>) =>
    new AuroraKeySets({
      ...{ db, catalogue: writer.catalogue, deadline },
      sink: {
        applyIsolating: async (...of) => {
          const outcome = await sink.applyIsolating(...of)
          await between?.()
          return outcome
        },
      },
    })
  const sets = { aurora: rowSets(), dynamo: new DynamoKeySets(parts) }
  const stores = { aurora: sync.aurora.store, dynamo: modern }
  const identified = (entity: Entity, key: string) => ({
    ...{ entity: entity.name, key, source: 'api', at: new Date().toISOString() },
  })
  return {
    sync,
    sides,
    sets,
    rowSets,
    stores,
    create: (entity: Entity, side: Owner, row: Row, key: string = randomUUID()) => {
      const change: Change = { ...identified(entity, key), op: 'upsert', version: 1n, row }
      return stores[side].write(entity, change)
    },
    replace: (entity: Entity, side: Owner, key: string, row: Row) => {
      const intent: Intent = { ...identified(entity, key), op: 'upsert', version: 'next', row }
      return stores[side].write(entity, intent)
    },
    remove: (entity: Entity, side: Owner, key: string) => {
      const intent: Intent = { ...identified(entity, key), op: 'delete', version: 'next' }
      return stores[side].write(entity, intent)
    },
    claim: (entity: Entity, key: string, to: Owner): Promise<Claimed> => claim(entity, key, to, sides),
    item: (entity: Entity, key: string): Promise<Item | undefined> => sync.item(entity, key),
    /** The record that a stream would have of what has become of an item. */
    recordOf: (entity: Entity, key: string, before: Item | undefined, after: Item | undefined) => {
      const made = streamRecord({
        table: tables[entity.item.table] ?? '',
        eventName: after === undefined ? 'REMOVE' : before === undefined ? 'INSERT' : 'MODIFY',
        ...(before && { oldImage: before }),
        ...(after && { newImage: after }),
      })
      return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.item.keyAttribute]: { S: key } } } }
    },
    close: (): Promise<void> => sync.close(),
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>
