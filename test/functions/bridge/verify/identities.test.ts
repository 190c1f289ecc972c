import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { recordKinds } from '../../../support/runs.ts'
import { keyedOf } from '../../fixtures/keyed.ts'
import { linkedOf } from '../../fixtures/linked.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestFills } from '../backfill/harness.ts'
import { openTestSync, type TestSync } from '../sync/harness.ts'
import { openTestVerify, type TestVerify } from './harness.ts'

type Held = { readonly entity: Entity; readonly key: string; readonly row: Row }

const AT = '2026-11-22T03:00:00.123Z'

type World = {
  readonly entities: readonly Entity[]
  readonly tables: readonly string[]
  readonly held: readonly Held[]
}

const linkedWorld = (record: RecordKind): World => {
  const { linked, linkedTables, world } = linkedOf(record)
  return { entities: linked, tables: linkedTables, held: world }
}
const keyedWorld = (record: RecordKind): World => {
  const all = keyedOf(record).map(([, one]) => one)
  const held = all.flatMap(({ entity, keys, rows }) =>
    keys.flatMap((key, at): Held[] => {
      const row = rows[at]
      return row === undefined ? [] : [{ entity, key, row }]
    }),
  )
  return { entities: all.map(({ entity }) => entity), tables: all.flatMap(({ tables }) => tables), held }
}

describe.each<readonly [string, RecordKind, (record: RecordKind) => World]>(
  recordKinds.flatMap((record) => [
    ['that refer to each other', record, linkedWorld],
    ['with keys of every kind', record, keyedWorld],
  ]),
)('verifying entities %s, with records in a %s', (_, record, worldOf) => {
  const { entities, tables, held } = worldOf(record)
  const names = Object.fromEntries(entities.map(({ item: { table } }) => [table, `Of-${table}`]))
  let sync: TestSync
  let verify: TestVerify
  const itemOf = ({ entity, key, row }: Held) =>
    toItem(entity, { entity: entity.name, key, op: 'upsert', version: 1n, source: 'api', at: AT, row }, row)

  beforeAll(async () => {
    sync = await openTestSync(entities, names)
    verify = await openTestVerify(sync)
    for (const text of tables) await sync.aurora.legacy.query(text)
    for (const one of held) await sync.put(one.entity, itemOf(one))
    const records = held.map((one, at) => {
      const { entity, key } = one
      const made = streamRecord({
        table: names[entity.item.table] ?? '',
        ...{ sequence: String(at + 1), eventName: 'INSERT', newImage: itemOf(one) },
      })
      return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.keyName]: { S: key } } } }
    })
    await sync.deliver(...records)
    // The records here have binary keys as bytes, and not as Lambda has them.
    const fills = await openTestFills(sync, entities)
    for (const entity of entities) await fills.fill(entity)
    await fills.close()
  }, 60_000)
  afterAll(() => Promise.all([sync.close(), verify.close()]))

  it.each(entities.map((entity) => [entity.name, entity] as const))(
    'finds %s equal by the sums alone, and the one that differs by its key',
    async (name, entity) => {
      const own = held.filter((one) => one.entity === entity)
      const equal = await verify.verify(entity)
      expect([name, equal.kinds, equal.looked.narrow, equal.outcome.verification]).toEqual([
        ...[name, [], 0],
        expect.objectContaining({ rows: own.length, items: own.length }),
      ])

      const [one] = own
      if (one === undefined) throw new Error(name)
      await sync.put(entity, { ...itemOf(one), version: { N: '2' } })
      expect((await verify.verify(entity)).kinds).toEqual([`${one.key}: auroraBehind`])

      await sync.remove(entity, one.key)
      expect((await verify.verify(entity)).kinds).toEqual([`${one.key}: onlyAurora`])
    },
  )
})
