import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { type KeySchema, keyAttributes } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { canonicalText, decodeItem } from '../../../../functions/bridge/model/values.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import { replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { STAMP } from '../../../../functions/bridge/tables/stamp.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { arbitraryAttributes, arbitraryKey, everyType } from '../../../support/arbitrary-item.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { openKeptTables } from '../../../support/kept-tables.ts'
import { runs, times } from '../../../support/runs.ts'
import { copyAll } from '../copy/round-trip-copy.ts'

let ground: TestTables
beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())

const show = (items: readonly Item[]): readonly string[] =>
  items.map((item) => canonicalText(decodeItem(item, 'item'))).toSorted()

const without = (item: Item, ...names: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)))

/** Items of one table, each with a key of its own, and one that has every type. */
const arbitraryItems = (key: KeySchema): fc.Arbitrary<readonly Item[]> => {
  const names = keyAttributes(key).map(({ name }) => name)
  const own = fc.tuple(
    ...keyAttributes(key).map(({ name, type }) =>
      arbitraryKey[type].map((value): Item => ({ [name]: value })),
    ),
  )
  const item = fc
    .tuple(
      own,
      fc.oneof(
        { weight: 5, arbitrary: arbitraryAttributes(names) },
        { weight: 1, arbitrary: fc.constant(everyType) },
      ),
    )
    .map(([parts, attributes]): Item => Object.assign({}, attributes, ...parts))
  return fc.uniqueArray(item, {
    minLength: 5,
    maxLength: 15,
    selector: (one) =>
      canonicalText(
        decodeItem(Object.fromEntries(names.map((name) => [name, one[name] ?? { NULL: true }])), 'key'),
      ),
  })
}

const keys: readonly (readonly [string, KeySchema])[] = [
  ['text', { partition: { name: 'id', type: 'S' } }],
  ['number and binary', { partition: { name: 'id', type: 'N' }, sort: { name: 'part', type: 'B' } }],
  ['binary and number', { partition: { name: 'id', type: 'B' }, sort: { name: 'part', type: 'N' } }],
]

describe('every attribute type, by way of a scan and a copy', () => {
  it.each(keys)(
    'with a key of %s',
    async (_, key) => {
      await fc.assert(
        fc.asyncProperty(arbitraryItems(key), async (items) => {
          const [from, to] = [await ground.create('from', key), await ground.create('to', key)]
          for (const item of items) await ground.put(from, item)
          const report = await copyAll(ground, from, to)
          expect(show(await ground.all(to))).toEqual(show(items))
          expect(report).toMatchObject({ copied: items.length, equal: true, refused: [], done: true })
        }),
        runs(5, { short: 2 }),
      )
    },
    times(300_000),
  )
})

describe('every attribute type, by way of a stream and a kept table', () => {
  it.each(keys)(
    'with a key of %s',
    async (name, key) => {
      const source = defineTable({ name: `source-${name.replaceAll(' ', '-')}`, key })
      // The other key of the two turned round, or one attribute more.
      const turned = key.sort === undefined ? key : { partition: key.sort, sort: key.partition }
      const projections = [
        replicate({ from: source, to: `${source.name}-replica`, key: turned }),
        reshape({
          from: source,
          to: `${source.name}-reshaped`,
          rename: { text: 'words' },
          drop: ['no'],
          set: { added: 1 },
        }),
      ] as const
      await fc.assert(
        fc.asyncProperty(arbitraryItems(key), async (items) => {
          const kept = await openKeptTables(ground, projections, { stream: true })
          const at = (table: string): string => kept.tables[table] ?? ''
          for (const item of items) await ground.put(at(source.name), item)
          // As Lambda delivers it: through JSON, with binary as base64.
          const Records: unknown = JSON.parse(JSON.stringify(await ground.records(at(source.name))))
          expect(await keepTables({ Records }, projections, kept.parts())).toEqual({ batchItemFailures: [] })

          const bare = async ({ name: table }: { readonly name: string }): Promise<readonly Item[]> =>
            (await ground.all(at(table))).map((item) => without(item, STAMP.version, STAMP.source))
          const [replica, reshaped] = projections
          expect(show(await bare(replica))).toEqual(show(items))
          expect(show(await bare(reshaped))).toEqual(
            show(
              items.map((item) => ({
                ...without(item, 'text', 'no'),
                ...(item.text && { words: item.text }),
                added: { N: '1' },
              })),
            ),
          )
        }),
        runs(5, { short: 2 }),
      )
    },
    times(300_000),
  )
})
