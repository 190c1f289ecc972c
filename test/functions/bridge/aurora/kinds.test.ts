import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { toRow } from '../../../../functions/bridge/http/body.ts'
import type { Json } from '../../../../functions/bridge/model/attributes/attribute.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { jsonValue, parseExactJson } from '../../../../functions/bridge/model/exact-json.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { isProving, runs, times } from '../../../support/runs.ts'
import { createEveryKind, everyKind, kinds } from '../../fixtures/every-kind.ts'
import { openTestTables } from '../dynamo/tables.ts'

const AT = '2026-11-22T03:00:00.123Z'
type Body = Readonly<Record<string, Json>>

/** What a client gets to see of a row, as text on the wire, and what a body of it is read as. */
const shown = (row: Row): Body =>
  Object.fromEntries(
    Object.entries(everyKind.fields).map(([name, field]) => [name, field.toJson(row[name] ?? null)]),
  )
const sent = (body: Body): Row => toRow(everyKind, jsonValue(parseExactJson(JSON.stringify(body))) ?? null)

const upsert = (key: string, row: Row, version: bigint): Change => ({
  entity: everyKind.name,
  key,
  op: 'upsert',
  version,
  source: 'api',
  at: AT,
  row,
})

describe('every kind over its column', () => {
  let aurora: TestAurora
  let dynamo: Awaited<ReturnType<typeof openTestTables>>

  beforeAll(async () => {
    aurora = await openTestAurora()
    await createEveryKind(aurora.legacy)
    dynamo = await openTestTables(everyKind.item.table, everyKind.item.keyAttribute)
  })
  afterAll(async () => {
    await dynamo.close()
    await aurora.close()
  })
  beforeEach(async () => {
    for (const table of ['every_kind_parts', 'every_kind']) await aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const strict = "SET sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE', time_zone = '+00:00'"
  const lax = "SET sql_mode = '', time_zone = '+00:00'"
  const columnOf = (name: string): string => kinds[name]?.attribute.column ?? name

  /** By plain SQL, a row per value. @returns their ids */
  const insert = async (name: string, values: readonly unknown[], mode = strict): Promise<string[]> => {
    await aurora.legacy.query(mode)
    await aurora.legacy.query(`INSERT INTO every_kind (\`${columnOf(name)}\`) VALUES ?`, [
      values.map((value) => [value]),
    ])
    const [rows] = await aurora.legacy.query<RowDataPacket[]>('SELECT id FROM every_kind ORDER BY id')
    return rows.map(({ id }) => String(id))
  }

  /** All columns of all rows as the server itself has them: doubles with every digit, the rest as text and bytes. */
  const columns = async (): Promise<unknown> => {
    const exact = Object.values(kinds).map(({ type, attribute: { column } }) => {
      if (type === 'FLOAT') return `\`${column}\` + 0e0 AS \`${column}\``
      // MySQL rounds to a scale by sums of its own, and may miss by what no reader of the column gets to see.
      return type.startsWith('DOUBLE(') ? `CAST(\`${column}\` AS CHAR) AS \`${column}\`` : `\`${column}\``
    })
    const [rows] = await aurora.legacy.execute(`SELECT id, ${exact.join(', ')} FROM every_kind ORDER BY id`)
    return rows
  }

  const show = async (store: EntityStore, key: string): Promise<Body | undefined> => {
    const found = await store.get(everyKind, key)
    return found && shown(found.row)
  }

  /** A PUT of the body, at the store. */
  const put = (store: EntityStore, key: string, body: Body): Promise<unknown> =>
    store.write(everyKind, {
      entity: everyKind.name,
      key,
      op: 'upsert',
      version: 'next',
      source: 'api',
      at: AT,
      row: sent(body),
    })

  it.each(Object.entries(kinds))(
    'gives what can be put back and changes nothing, whatever plain SQL has put there: %s',
    async (name, { held }) => {
      let version = 1n
      await fc.assert(
        fc.asyncProperty(fc.array(held, { minLength: 1, maxLength: 40 }), async (values) => {
          await aurora.legacy.query('DELETE FROM every_kind')
          const ids = await insert(name, values)
          const before = await columns()
          const { items, unreadable } = await aurora.store.list(everyKind, {
            limit: 100,
            position: undefined,
          })
          expect(unreadable).toBeUndefined()
          const bodies = items.map(({ row }) => shown(row))
          version += 1n
          const { applied } = await aurora.writer.apply(
            everyKind,
            bodies.map((body, at) => upsert(ids[at] ?? '', sent(body), version)),
          )

          expect(applied).toBe(values.length)
          expect(await columns()).toEqual(before)
          expect(bodies.map((body) => body[name])).not.toContain(null)
        }),
        runs(4, { seed: 42, short: 2 }),
      )
    },
    times(60_000),
  )

  it.each(Object.entries(kinds))(
    'gives the same from Aurora, from its child rows and from DynamoDB: %s',
    async (name, { held }) => {
      const length = isProving ? 6 : 3
      const [values = []] = fc.sample(fc.array(held, { minLength: length, maxLength: length }), {
        numRuns: 1,
        seed: 42,
      })
      const ids = await insert(name, values)
      for (const id of ids) {
        const body = await show(aurora.store, id)
        const members = Object.fromEntries(Object.entries(body ?? {}).filter(([own]) => own !== 'parts'))
        const whole = { ...body, parts: [members] }
        await put(aurora.store, id, whole)
        const key = `${name}-${id}`
        await dynamo.store.write(everyKind, upsert(key, sent(whole), 1n))

        expect(await show(aurora.store, id)).toEqual(whole)
        expect(await show(dynamo.store, key)).toEqual(whole)
        await put(dynamo.store, key, whole)
        expect(await show(dynamo.store, key)).toEqual(whole)
      }
    },
    times(60_000),
  )

  /** What a lax session, or one of another version, has left in a column. */
  it.each<[string, string, unknown]>([
    ['a number in a boolean', 'flag', 5],
    ['a negative number in a boolean', 'flag', -1],
    ["an ENUM's error value, beside an empty word", 'level', 'nothing of the kind'],
    ['the zero date', 'day', '0000-00-00'],
    ['a date without a day', 'day', '2024-10-00'],
    ['a date without a month', 'day', '2024-00-10'],
    ['the zero moment', 'at', '0000-00-00 00:00:00'],
    ['the zero instant', 'seen', '0000-00-00 00:00:00'],
    ['a UUID in capitals', 'id36', '01990000-0000-7000-8000-0000000000AB'],
    ["JSON's null", 'document', 'null'],
    ['a number that a JSON column rounds', 'document', '[1e300]'],
  ])('does not read %s, and says whose and which', async (_, name, value) => {
    const [id = ''] = await insert(name, [value], lax)
    const kind = kinds[name]?.attribute.kind

    await expect(aurora.store.get(everyKind, id)).rejects.toMatchObject({
      name: 'UnreadableAttributesError',
      message: expect.stringMatching(new RegExp(`^A everyKind can't be read: ${name} \\(${kind}\\) `)),
    })
  })

  it('names in a list what it can not read, beside what it can', async () => {
    const ids = await insert('flag', [1, 5, 0], lax)

    const page = await aurora.store.list(everyKind, { limit: 2, position: undefined })

    expect(page.items.map(({ key }) => key)).toEqual([ids[0]])
    expect(page.unreadable?.map(({ key, error }) => [key, error.message])).toEqual([
      [ids[1], "A everyKind can't be read: flag (boolean) must be 0 or 1"],
    ])
    expect((await aurora.store.list(everyKind, { limit: 2, position: page.next })).items).toHaveLength(1)
  })

  it('tells the version of a row that it can not read, and lets it be replaced or deleted', async () => {
    const [id = '', other = ''] = await insert('flag', [5, 7], lax)

    expect(await aurora.store.head(everyKind, id)).toMatchObject({ key: id, version: 1n })
    expect(await aurora.store.head(everyKind, '123456789')).toBeUndefined()
    await put(aurora.store, id, { flag: true })
    expect((await show(aurora.store, id))?.flag).toBe(true)
    const remove = {
      entity: everyKind.name,
      key: other,
      op: 'delete',
      version: 'next',
      source: 'api',
    } as const
    await aurora.store.write(everyKind, { ...remove, at: AT })
    expect(await aurora.store.get(everyKind, other)).toBeUndefined()
  })

  it.each<[string, Json, Json]>([
    ['seen', '2026-11-22T10:00:00+07:00', '2026-11-22T03:00:00Z'],
    ['seenExactly', '2026-11-22T03:00:00.5-00:30', '2026-11-22T03:30:00.500000Z'],
    ['seen', '2038-01-19T03:14:07Z', '2038-01-19T03:14:07Z'],
    ['seen', '1970-01-01T00:00:01Z', '1970-01-01T00:00:01Z'],
    ['at', '2026-11-22T10:00:00.000', '2026-11-22T10:00:00'],
    ['atExactly', '2026-11-22T10:00:00.7', '2026-11-22T10:00:00.700'],
    ['took', '010:00:00', '10:00:00'],
    ['took', '-00:00:00', '00:00:00'],
    ['tookExactly', '-00:00:00.5', '-00:00:00.500000'],
    ['tags', ['b ü', 'c', 'c'], ['c', 'b ü']],
    ['tags', [], []],
    ['code', 'ab  ', 'ab'],
    ['fixed', 'AQ==', 'AQAAAA=='],
    ['id16', '01990000-0000-7000-8000-0000000000AB', '01990000-0000-7000-8000-0000000000ab'],
    ['ratio', '-0', '0'],
    ['ratio', 0.1, '0.1'],
    ['share', 0.1, '0.1'],
    ['share', '16777216', '16777216'],
    ['share', '3.4028235e38', '3.4028235e+38'],
    ['made', 0, 0],
    ['bitFlag', true, true],
    ['bits', '18446744073709551615', '18446744073709551615'],
    ['tiny', 5, 5],
    ['level', '', ''],
    ['word', '', ''],
    ['latin', '€ é', '€ é'],
  ])('puts right what the column would change, on both sides alike: %s %j', async (name, value, normal) => {
    const body = { [name]: value }
    await aurora.store.write(everyKind, upsert('same', sent(body), 1n))
    await dynamo.store.write(everyKind, upsert(`same-${name}-${JSON.stringify(value)}`, sent(body), 1n))

    expect((await show(aurora.store, 'same'))?.[name]).toEqual(normal)
    expect((await show(dynamo.store, `same-${name}-${JSON.stringify(value)}`))?.[name]).toEqual(normal)
    await aurora.legacy.query("DELETE FROM every_kind WHERE backsync_key = 'same'")
  })

  /** What the column would lose: both sides say no before either has stored it. */
  it.each<[string, Json]>([
    ['plane', '🎬'],
    ['latin', 'ā'],
    ['plain', 'é'],
    ['word', '\ud83c'],
    ['code', 'abcdef'],
    ['took', '10:00:00.7'],
    ['at', '2026-11-22T10:00:00Z'],
    ['seen', '2026-11-22T10:00:00'],
    ['atExactly', '2026-11-22T10:00:00.0007'],
    ['ratio', '9007199254740993'],
    ['share', '16777217'],
    ['price', '0.001'],
    ['cost', '0.001'],
    ['part', '1000'],
    ['note', '€'.repeat(86)],
    ['tags', ['d']],
    ['level', 'LOW'],
    ['bits', '18446744073709551616'],
    ['tiny', 128],
    ['made', 70],
    ['day', '0000-00-00'],
  ])('is refused at the door where the column would bend it, by name: %s %j', (name, value) => {
    const item = { [name]: jsonValue(parseExactJson(JSON.stringify(value))) }

    expect(() => sent({ [name]: value })).toThrow(
      expect.objectContaining({
        status: 400,
        errors: [expect.objectContaining({ pointer: expect.stringMatching(`^/${name}`) })],
      }),
    )
    expect(everyKind.image.safeParse(item).error?.issues[0]?.path[0]).toBe(name)
  })

  it.each<[string, 'latin1' | 'ascii', readonly number[]]>([
    ['latin', 'latin1', [0, 0xffff]],
    ['plain', 'ascii', [0, 0xfff]],
  ])('knows of each character whether %s holds it', async (name, charset, [first = 0, last = 0]) => {
    const { attribute } = kinds[name] ?? {}
    const codes = Array.from({ length: last - first + 1 }, (_, at) => first + at).filter(
      (code) => code < 0xd800 || code > 0xdfff,
    )
    const all = JSON.stringify(codes.map((code) => String.fromCodePoint(code)))
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      `SELECT n - 1 AS n FROM JSON_TABLE(?, '$[*]' COLUMNS (n FOR ORDINALITY, c VARCHAR(2) CHARACTER SET utf8mb4 PATH '$')) AS j
       WHERE CONVERT(CONVERT(c USING ${charset}) USING utf8mb4) COLLATE utf8mb4_bin = c COLLATE utf8mb4_bin ORDER BY n`,
      [all],
    )
    const held = new Set(rows.map(({ n }) => codes[Number(n)]))
    const differing = codes.filter(
      (code) => attribute?.image.safeParse(String.fromCodePoint(code)).success !== held.has(code),
    )

    expect(differing.map((code) => code.toString(16))).toEqual([])
  })
})
