import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import * as z from 'zod'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural, uuidKey } from '../../../../functions/bridge/model/identity.ts'
import { type LegacyCall, legacyFunction } from '../../../../functions/bridge/model/legacy-function.ts'
import { arnOf, type Opened, openTestFunctions, type TestFunctions } from './harness.ts'

/* Functions that get calls as they are, and write by plain SQL: rows of each identity, and what they refer to. */

const write = legacyFunction({
  functionArn: arnOf('plain'),
  toEvent: ([call]) => call && { ...call, version: String(call.version), item: undefined },
  meaning: (answer) => z.object({ is: z.literal('applied'), legacyId: z.number().optional() }).parse(answer),
})
const of = { keyName: 'id', legacyFunction: write } as const
const harbour = defineEntity({
  ...{ ...of, name: 'harbour', plural: 'harbours', table: 'harbours', identity: autoIncrement('id') },
  attributes: { label: text({ column: 'label', maxLength: 20 }) },
  example: { label: 'North' },
})
const berth = defineEntity({
  ...{ ...of, name: 'berth', plural: 'berths', table: 'berths', keyName: 'code' },
  identity: natural(['code'], { collation: 'utf8mb4_bin' }),
  attributes: {
    code: text({ column: 'code', maxLength: 20 }),
    harbourId: reference({ column: 'harbour_id', to: harbour, as: 'harbour' }),
  },
  example: { code: 'a', harbour: '1' },
})
const boat = defineEntity({
  ...{ ...of, name: 'boat', plural: 'boats', table: 'boats', identity: uuidKey('id') },
  attributes: { berthCode: reference({ column: 'berth_code', to: berth, optional: true }) },
  example: {},
})

const KEY = '01990000-0000-7000-8000-000000000001'
const AT = '2026-11-22T03:00:00.123Z'

describe('rows of each identity that a function writes', () => {
  let functions: TestFunctions
  let own: Opened
  const calls: Pick<LegacyCall, 'op' | 'key' | 'ids'>[] = []
  const statements: Readonly<Record<string, (call: LegacyCall) => readonly [string, readonly unknown[]]>> = {
    'harbour create': ({ row }) => ['INSERT INTO harbours (label) VALUES (?)', [row?.label]],
    'harbour replace': ({ row, legacyId }) => [
      'UPDATE harbours SET label = ? WHERE id = ?',
      [row?.label, legacyId],
    ],
    'harbour delete': ({ legacyId }) => ['DELETE FROM harbours WHERE id = ?', [legacyId]],
    'berth create': ({ key, ids }) => [
      'INSERT INTO berths (code, harbour_id) VALUES (?, ?)',
      [key, ids.harbour],
    ],
    'berth replace': ({ key, ids }) => [
      'UPDATE berths SET harbour_id = ? WHERE code = ?',
      [ids.harbour, key],
    ],
    'berth delete': ({ key }) => ['DELETE FROM berths WHERE code = ?', [key]],
    'boat create': ({ key, row }) => [
      "INSERT INTO boats (id, berth_code) VALUES (UNHEX(REPLACE(?, '-', '')), ?)",
      [key, row?.berthCode],
    ],
    'boat delete': ({ key }) => ["DELETE FROM boats WHERE id = UNHEX(REPLACE(?, '-', ''))", [key]],
  }
  beforeAll(async () => {
    functions = await openTestFunctions([harbour, berth, boat], {})
    const { legacy } = functions.aurora
    for (const statement of [
      'CREATE TABLE harbours (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20) NOT NULL)',
      `CREATE TABLE berths (code VARCHAR(20) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, harbour_id INT NOT NULL,
        FOREIGN KEY (harbour_id) REFERENCES harbours (id))`,
      'CREATE TABLE boats (id BINARY(16) NOT NULL PRIMARY KEY, berth_code VARCHAR(20) COLLATE utf8mb4_bin NULL)',
    ])
      await legacy.query(statement)
    own = functions.open({
      caller: {
        invoke: async (_, event) => {
          const call: LegacyCall = JSON.parse(event)
          calls.push({ op: call.op, key: call.key, ids: call.ids })
          const [sql, values] = statements[`${call.entity} ${call.op}`]?.(call) ?? [
            'SELECT no_such_thing',
            [],
          ]
          const [result] = await legacy.query(sql, [...values])
          const answer = {
            is: 'applied',
            legacyId: Number(Reflect.get(Object(result), 'insertId')) || undefined,
          }
          return { is: 'answered', answer, text: '' }
        },
      },
    })
  })
  afterAll(() => functions.close())

  const upsert = (entity: Entity, key: string, row: Row, version = 1): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, op: 'upsert', row },
  })
  const remove = (entity: Entity, key: string, version: number): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, op: 'delete' },
  })
  const apply = (change: Change) => own.sink.applyIsolating(change.entity, [change])
  const rows = async (sql: string) => (await functions.aurora.legacy.query<RowDataPacket[]>(sql))[0]

  it('wait for what they refer to, and are told its id', async () => {
    const early = await apply(upsert(berth, 'b,1', { code: 'b,1', harbourId: KEY }))
    expect(early.refused).toMatchObject([{ error: { code: 'parent.missing', kind: 'dependency' } }])
    expect(calls).toEqual([])

    expect(await apply(upsert(harbour, KEY, { label: 'North' }))).toMatchObject({ applied: 1 })
    expect(await apply(upsert(berth, 'b,1', { code: 'b,1', harbourId: KEY }))).toMatchObject({ applied: 1 })
    const [{ id } = { id: 0 }] = await rows('SELECT id FROM harbours')
    expect(calls).toEqual([
      { op: 'create', key: KEY, ids: {} },
      { op: 'create', key: 'b,1', ids: { harbour: String(id) } },
    ])
    expect(await own.store.get(berth, 'b,1')).toMatchObject({ version: 1n, row: { harbourId: KEY } })
  })

  it('are replaced and deleted by their keys, and a delete waits for those that refer', async () => {
    expect(await apply(upsert(berth, 'b,1', { code: 'b,1', harbourId: KEY }, 2))).toMatchObject({
      applied: 1,
    })
    const blocked = await own.sink.references.blocked?.('harbour', [remove(harbour, KEY, 2)])
    expect(blocked?.size).toBe(1)
    expect(await apply(remove(berth, 'b,1', 3))).toMatchObject({ applied: 1, refused: [] })
    expect(await apply(upsert(berth, 'b,1', { code: 'b,1', harbourId: KEY }, 2))).toMatchObject({
      applied: 0,
    })
    expect(await apply(remove(harbour, KEY, 2))).toMatchObject({ applied: 1, refused: [] })
    expect(await rows('SELECT 1 FROM harbours UNION ALL SELECT 1 FROM berths')).toEqual([])
  })

  it('with a UUID as their key are found by that', async () => {
    const key = '01990000-0000-7000-8000-00000000000a'
    expect(await apply(upsert(boat, key, { berthCode: null }))).toMatchObject({ applied: 1, refused: [] })
    expect(await apply(upsert(boat, key, { berthCode: null }))).toMatchObject({ applied: 0, refused: [] })
    expect(await own.store.get(boat, key)).toMatchObject({ key, version: 1n })
    expect(await apply(remove(boat, key, 2))).toMatchObject({ applied: 1 })
    expect(await own.store.get(boat, key)).toBeUndefined()
    expect(await rows('SELECT entity_key FROM backsync_calls')).toEqual([])
  })
})
