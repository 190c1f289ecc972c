import { DummyDriver, Kysely, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler } from 'kysely'
import { AuroraRecords } from '../../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../../functions/bridge/aurora/aurora-sink.ts'
import { AuroraStore } from '../../../../../functions/bridge/aurora/aurora-store.ts'
import { FormerRecords } from '../../../../../functions/bridge/aurora/former-records.ts'
import { GuardedWriter } from '../../../../../functions/bridge/aurora/guarded-writer.ts'
import type { Change, Row } from '../../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../../functions/bridge/model/entity.ts'
import { BridgeError } from '../../../../../functions/bridge/model/errors.ts'

const AT = '2026-11-22T03:00:00.123Z'

/**
 * What is sent of an entity to a server that holds nothing: of each thing that can be done the
 * statements in their order.
 */
export const sentFor = async (
  entities: readonly Entity[],
  entity: Entity,
  keys: readonly string[],
  row: Row,
): Promise<Record<string, readonly string[]>> => {
  let sent: string[] = []
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (of) => new MysqlIntrospector(of),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
    log: ({ query }) => {
      sent.push(query.sql.replace(/\s+/g, ' '))
    },
  })
  const writer = new GuardedWriter(db)
  const store = new AuroraStore(db, writer)
  const sink = new AuroraSink(entities, { writer, store })
  const records = new AuroraRecords({ db, store, sink, catalogue: writer.catalogue })
  const change = (key: string, version: number): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT },
    ...{ op: 'upsert', row },
  })
  const gone = (key: string): Change => ({
    ...{ entity: entity.name, key, version: 3n, source: 'stream', at: AT },
    op: 'delete',
  })
  const [key = ''] = keys
  const claimed = { owner: 'dynamo', epoch: 4n } as const
  const works: Record<string, () => Promise<unknown>> = {
    'creates for a client': () =>
      writer.apply(
        entity,
        keys.map((one) => change(one, 1)),
      ),
    'updates by the stream': () =>
      sink.applyIsolating(
        entity.name,
        keys.map((one) => change(one, 2)),
      ),
    'deletes by the stream': () => sink.applyIsolating(entity.name, keys.map(gone)),
    'deletes for a client': () => writer.apply(entity, [gone(key)]),
    'asks what is held': () => sink.unheld(entity.name, [change(key, 2)]),
    'asks what refers': async () => sink.references.blocked?.(entity.name, keys.map(gone)),
    'reads one': () => store.get(entity, key),
    'reads its head': () => store.head(entity, key),
    'reads its tombstone': () => store.tombstone(entity, key),
    'reads a list': () => store.list(entity, { limit: 5, position: undefined }),
    'releases a key': () => records.release(entity, key, claimed, { was: 1n }),
    'takes a key': () =>
      records.take(
        entity,
        { key, state: 'held', row, version: 2n, at: AT, owner: 'dynamo', epoch: 1n },
        claimed,
      ),
    'insists on a key': () => records.insist(entity, key, claimed, 7n),
    'gives a key back': () => records.restore(entity, key, 4n),
    'takes over what was there': () => new FormerRecords(db).take(entity, [{ key, version: 2n, at: AT }]),
    'takes over what is proved': () =>
      new FormerRecords(db).takeProved(entity, [{ key, version: 2n, at: AT }]),
  }
  const all: Record<string, readonly string[]> = {}
  for (const [name, work] of Object.entries(works)) {
    sent = []
    // Nothing is held, so that some of it ends in an error: what was sent by then counts.
    await work().catch((error: unknown) => {
      if (!(error instanceof BridgeError)) throw error
    })
    all[`${entity.name} ${name}`] = sent
  }
  return all
}
