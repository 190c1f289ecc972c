import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { AuroraStore } from '../../../../functions/bridge/aurora/aurora-store.ts'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { binary } from '../../../../functions/bridge/model/attributes/binary.ts'
import { boolean } from '../../../../functions/bridge/model/attributes/boolean.ts'
import { datetime } from '../../../../functions/bridge/model/attributes/datetime.ts'
import { decimal } from '../../../../functions/bridge/model/attributes/decimal.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { json } from '../../../../functions/bridge/model/attributes/json.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import type { FoundRow, ReadRows } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { adopted } from '../../fixtures/specimen.ts'

const number = (digits: string) => new DecimalText(digits)
const optional = true
/** None of its columns is there: what it has is elsewhere. */
const tea = (read: ReadRows): Entity =>
  defineEntity({
    name: 'tea',
    plural: 'teas',
    keyName: 'teaId',
    table: 'teas',
    identity: autoIncrement('id'),
    attributes: {
      title: text({ column: 'no_title', as: 'the title', maxLength: 20, optional }),
      price: decimal({ column: 'no_price', precision: 10, scale: 2, optional }),
      grams: integer({ column: 'no_grams', optional }),
      loose: boolean({ column: 'no_loose', optional }),
      picked: datetime({ column: 'no_picked', optional }),
      notes: json({ column: 'no_notes', optional }),
      seal: binary({ column: 'no_seal', maxBytes: 9, optional }),
    },
    children: {
      leaves: childRows({
        table: 'no_leaves',
        parentColumn: 'tea_id',
        positionColumn: 'place',
        attributes: { kind: text({ column: 'kind', as: 'the kind', maxLength: 9 }) },
        optional,
      }),
    },
    read,
    example: {},
  })
const nothing: Row = {
  title: null,
  price: null,
  grams: null,
  loose: null,
  picked: null,
  notes: null,
  seal: null,
  leaves: [],
}

describe('rows that an entity’s own code reads', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['tea'] })
    await aurora.legacy.query(`CREATE TABLE teas (id BIGINT AUTO_INCREMENT PRIMARY KEY, ${adopted()})`)
    await aurora.legacy.query(
      'CREATE TABLE leaflets (tea BIGINT, price DECIMAL(10, 2), loose TINYINT(1), picked DATETIME, grams INT)',
    )
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query('DELETE FROM teas')
    for (const [id, key] of ['a', 'b', 'c', null].entries())
      await aurora.legacy.query('INSERT INTO teas (id, backsync_key, backsync_version) VALUES (?, ?, ?)', [
        id + 1,
        key,
        id + 1,
      ])
  })
  /** As code that nobody has checked for types. */
  const reading = (row: (of: FoundRow) => unknown) =>
    tea(async ({ rows }) => {
      const entries: unknown[][] = rows.map((one) => [one.key, row(one)])
      return Object.fromEntries(entries)
    })
  const get = (entity: Entity, key = 'a') => aurora.store.get(entity, key)
  const faultOf = (entity: Entity, key = 'a') =>
    get(entity, key).then(
      () => undefined,
      (error: unknown) => error,
    )

  it('are what it says of them, under the bridge’s own keys, versions and order', async () => {
    const seen: FoundRow[] = []
    const entity = reading((one) => {
      seen.push(one)
      return { title: `${one.key} ${one.legacyId}` }
    })
    const page = await aurora.store.list(entity, { limit: 3, position: undefined })
    const rest = await aurora.store.list(entity, { limit: 3, position: page.next })

    expect([...page.items, ...rest.items]).toEqual([
      { key: 'a', row: { ...nothing, title: 'a 1' }, version: 1n, updatedAt: null },
      { key: 'b', row: { ...nothing, title: 'b 2' }, version: 2n, updatedAt: null },
      { key: 'c', row: { ...nothing, title: 'c 3' }, version: 3n, updatedAt: null },
      { key: '4', row: { ...nothing, title: '4 4' }, version: 4n, updatedAt: null },
    ])
    expect(rest.next).toBeUndefined()
    expect(seen[0]).toEqual({ key: 'a', legacyId: '1', primaryKey: { id: 1n }, version: 1n, updatedAt: null })
    expect(await get(entity, '2')).toMatchObject({ key: 'b', row: { title: 'b 2' } })
    expect(await get(entity, 'unknown')).toBeUndefined()
    await expect(aurora.store.list(entity, { limit: 1, position: 'nowhere' })).rejects.toMatchObject({
      code: 'position.invalid',
    })
  })

  it('may be in an object, in the form of their kinds or as the driver gives columns', async () => {
    await aurora.legacy.query("INSERT INTO leaflets VALUES (1, 12.5, 1, '2026-11-22 10:00:00', 100)")
    const entity = tea(async ({ rows, database }) => {
      const found = await sql<
        Record<string, unknown>
      >`SELECT price, loose, picked, grams FROM leaflets`.execute(database)
      const [columns = {}] = found.rows
      return Object.fromEntries(
        rows.map(({ key }) => [
          key,
          { ...columns, notes: { n: 1, list: [2n] }, seal: Buffer.from('x'), leaves: [{ kind: 'bud' }] },
        ]),
      )
    })
    const plain = reading(() => ({ price: 12.5, loose: true, picked: '2026-11-22T10:00:00', grams: 100n }))

    const expected = {
      price: number('12.5'),
      loose: true,
      picked: '2026-11-22T10:00:00',
      grams: number('100'),
    }
    const stored = await get(entity)
    expect(stored?.row.price).toMatchObject({ canonical: '12.5' })
    expect(stored?.row).toMatchObject({
      loose: true,
      picked: expected.picked,
      grams: expected.grams,
      notes: { n: number('1'), list: [number('2')] },
      leaves: [{ kind: 'bud' }],
    })
    expect((await get(plain))?.row).toMatchObject(expected)
  })

  it.each<[string, unknown, RegExp]>([
    ['what its kind does not know', { grams: 'many' }, /grams \(integer\) must be a number/],
    ['more than its column could hold', { title: 'x'.repeat(21) }, /the title \(text\)/],
    ['what is no attribute', { titel: 'x' }, /titel is no attribute/],
    ['a list that is none', { leaves: 'x' }, /leaves is no list/],
    ['a member that is none', { leaves: [7] }, /leaves\.0/],
    ['what a member has not', { leaves: [{ sort: 'x' }] }, /leaves\.0\.sort is no attribute/],
    ['a row that is none', 'a row', /it is no object/],
  ])('can not be shown for %s, and hide no other', async (_, row, message) => {
    const entity = reading(({ key }) => (key === 'b' ? row : {}))
    const page = await aurora.store.list(entity, { limit: 9, position: undefined })

    expect(page.items.map(({ key }) => key)).toEqual(['a', 'c', '4'])
    expect(page.unreadable).toMatchObject([{ key: 'b', error: { code: 'row.unreadable' } }])
    expect(await faultOf(entity, 'b')).toMatchObject({
      code: 'row.unreadable',
      message: expect.stringMatching(message),
    })
  })

  it('are not there where it leaves them out, and the list goes on behind them', async () => {
    const entity = reading(({ key }) => (key === 'b' || key === 'a' ? undefined : {}))
    const page = await aurora.store.list(entity, { limit: 2, position: undefined })
    const rest = await aurora.store.list(entity, { limit: 2, position: page.next })

    expect([page.items, rest.items.map(({ key }) => key)]).toEqual([[], ['c', '4']])
    expect(await get(entity)).toBeUndefined()
  })

  it('are told by its error where it fails, and by the database’s own', async () => {
    const failing = tea(async () => {
      throw new RangeError('hunter2')
    })
    expect(await faultOf(failing)).toMatchObject({
      code: 'hook.failed',
      message: 'read of tea has failed: RangeError',
    })
    const wrong = tea(async ({ database }) => {
      await sql`SELECT * FROM nowhere`.execute(database)
      return {}
    })
    expect(await faultOf(wrong)).toMatchObject({ code: 'mysql.1146', kind: 'configuration' })
  })

  it('are given up where it does not end', async () => {
    class Hurried extends Deadline {
      override remaining(): number {
        return 1_500 + 100
      }
    }
    const store = new AuroraStore(aurora.db, new GuardedWriter(aurora.db, new Hurried()))
    await expect(
      store.get(
        tea(() => new Promise(() => {})),
        'a',
      ),
    ).rejects.toMatchObject({
      code: 'deadline.exceeded',
    })
  })

  it('cost a call more than others, and the transaction that makes it one moment', async () => {
    const entity = reading(() => ({}))
    const before = aurora.calls()
    await get(entity)

    // Begin, what is there, commit: and what the code itself sends.
    expect(aurora.calls() - before).toBe(3)
  })
})
