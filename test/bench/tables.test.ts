import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalText, decodeItem } from '../../functions/bridge/model/values.ts'
import { openTestTables, type TestTables } from '../support/dynamo-tables.ts'
import { largeItems, smallItems } from './tables/items.ts'
import { openCopier } from './tables/ours.ts'
import { inRounds, ratioOf } from './tables/rounds.ts'
import {
  copySequentially,
  copyUnbounded,
  emptySequentially,
  emptyUnbounded,
  fill,
  takeIn,
} from './tables/ways.ts'

describe('rounds', () => {
  it('give each way one turn, each round beginning with another one, every second one backwards', async () => {
    const order: string[] = []
    const clock = { ms: 0 }
    const turn = (name: string, ms: number) => async (): Promise<number> => {
      order.push(name)
      clock.ms += ms
      return 100
    }
    const rates = await inRounds({
      ways: ['a', 'b', 'c'] as const,
      rounds: 4,
      expected: 100,
      turns: async () => ({ a: turn('a', 100), b: turn('b', 200), c: turn('c', 400) }),
      now: () => clock.ms,
    })
    expect(order.join('')).toBe('abc' + 'bac' + 'cab' + 'acb')
    expect(rates).toEqual({ a: Array(4).fill(1000), b: Array(4).fill(500), c: Array(4).fill(250) })
  })

  it('count nothing that did not happen', async () => {
    const rounds = inRounds({
      ways: ['a'] as const,
      rounds: 1,
      expected: 100,
      turns: async () => ({ a: async () => 99 }),
    })
    await expect(rounds).rejects.toThrow('a moved 99 items instead of 100')
  })

  it('are compared with each other, so that one disturbed round changes nothing', () => {
    expect(ratioOf([10, 1, 30], [5, 100, 15])).toBe(2)
  })
})

describe('the ways', () => {
  const key = { partition: { name: 'id', type: 'S' } } as const
  const workload = smallItems(260)
  let ground: TestTables
  let source: string

  beforeAll(async () => {
    ground = openTestTables()
    source = await ground.create('source', key)
    await fill(ground.client, source, workload)
  })
  afterAll(() => ground.close())

  const show = async (table: string): Promise<readonly string[]> =>
    (await ground.all(table)).map((item) => canonicalText(decodeItem(item, 'item'))).toSorted()
  const expected = Array.from({ length: 260 }, (_, at) =>
    canonicalText(decodeItem(workload.item(at), 'item')),
  ).toSorted()

  it('fill a table', async () => {
    expect(await show(source)).toEqual(expected)
  })

  it.each([
    ['sequential', (to: string) => copySequentially(ground.client, source, to)],
    ['limit', (to: string) => copyUnbounded(ground.client, source, to, 4)],
    ['intake', (to: string) => takeIn(ground.client, to, workload, 4)],
  ])('%s copies every item', async (_, copy) => {
    const to = await ground.create('target', key)
    expect(await copy(to)).toBe(260)
    expect(await show(to)).toEqual(expected)
  })

  it.each([
    ['sequential', (table: string) => emptySequentially(ground.client, table)],
    ['limit', (table: string) => emptyUnbounded(ground.client, table, 4)],
  ])('%s empties a table', async (_, empty) => {
    const table = await ground.create('full', key)
    await takeIn(ground.client, table, workload, 4)
    expect(await empty(table)).toBe(260)
    expect(await show(table)).toEqual([])
  })

  it('ours copies and empties', async () => {
    const jobs = { partition: { name: 'job', type: 'S' }, sort: { name: 'part', type: 'S' } } as const
    const ours = await openCopier({
      client: ground.client,
      create: (names) => ground.create('bench', names === undefined ? key : jobs),
    })
    const to = await ground.create('target', key)
    expect(await ours.copy(source, to)).toMatchObject({ items: 260 })
    expect(await show(to)).toEqual(expected)
    expect(await ours.empty(to)).toBe(260)
    expect(await show(to)).toEqual([])
  })

  it('know items of 10 KB', () => {
    const { item } = largeItems(10)
    for (const number of [0, 9]) {
      const bytes = JSON.stringify(item(number)).length
      expect(bytes).toBeGreaterThan(10_000)
      expect(bytes).toBeLessThan(11_500)
    }
  })
})
