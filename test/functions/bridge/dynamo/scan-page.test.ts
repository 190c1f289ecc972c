import { describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { type Scan, scanPage } from '../../../../functions/bridge/dynamo/scan-page.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { pan, shelf } from '../../fixtures/kitchen.ts'
import { layouts } from '../../fixtures/layouts.ts'

const key = (at: number) => ({ pk: { S: `k${at}` } })
const stored = (item: Item) => [{ key: item.pk?.S ?? '', row: {}, version: 1n, updatedAt: null }]

/** A table that gives what was prepared, call by call, and then the same end again and again. */
const scripted = (pages: readonly { Items: Item[]; LastEvaluatedKey?: Item }[]) => {
  const asked: Parameters<Scan>[0][] = []
  const scan: Scan = async (input) => {
    asked.push(input)
    return pages[asked.length - 1] ?? { Items: [], LastEvaluatedKey: key(999) }
  }
  return { scan, asked }
}

describe('a page of a scan', () => {
  it('is filled from several calls', async () => {
    const { scan, asked } = scripted([
      { Items: [key(1)], LastEvaluatedKey: key(5) },
      { Items: [], LastEvaluatedKey: key(9) },
      { Items: [key(10), key(11), key(12)], LastEvaluatedKey: key(12) },
    ])

    const page = await scanPage(pan, { limit: 3, position: undefined }, scan, stored)

    expect(page.items.map((item) => item.key)).toEqual(['k1', 'k10', 'k11'])
    expect(page.next).toBe('k11')
    expect(asked.map(({ ExclusiveStartKey }) => ExclusiveStartKey?.pk?.S)).toEqual([undefined, 'k5', 'k9'])
  })

  it('of a rare entity is left short after ten calls, with a position to go on from', async () => {
    const { scan, asked } = scripted([{ Items: [key(1)], LastEvaluatedKey: key(5) }])

    const page = await scanPage(shelf, { limit: 3, position: 'k0' }, scan, stored)

    expect([asked.length, page.items.length, page.next]).toEqual([10, 1, 'k999'])
  })

  it('is left short once it holds a megabyte, with a position to go on from', async () => {
    const large = (at: number): Item => ({
      ...key(at),
      b: { B: new Uint8Array(300_000) },
      l: { L: [{ M: { s: { S: 'x'.repeat(100_000) } } }] },
    })
    const { scan, asked } = scripted([
      { Items: [large(1), large(2)], LastEvaluatedKey: key(2) },
      { Items: [large(3), large(4)], LastEvaluatedKey: key(4) },
      { Items: [large(5)] },
    ])

    const page = await scanPage(pan, { limit: 50, position: undefined }, scan, stored)

    expect([asked.length, page.items.length, page.next]).toEqual([2, 4, 'k4'])
  })

  it('has no position to go on from at the end of the table', async () => {
    const { scan } = scripted([{ Items: [key(1), key(2)] }])

    expect((await scanPage(pan, { limit: 2, position: undefined }, scan, stored)).next).toBeUndefined()
  })

  it('passes over an item that can not be shown', async () => {
    const { scan } = scripted([{ Items: [key(1), key(2), key(3)], LastEvaluatedKey: key(3) }])
    const read = (item: Item) => (item.pk?.S === 'k1' ? [] : stored(item))

    const page = await scanPage(pan, { limit: 2, position: undefined }, scan, read)

    expect([page.items.map((item) => item.key), page.next]).toEqual([['k2', 'k3'], 'k3'])
  })

  it('asks for no more than it shows where a table has one entity', async () => {
    const { scan, asked } = scripted([
      { Items: [{ chefId: { S: 'a' } }], LastEvaluatedKey: { chefId: { S: 'a' } } },
      { Items: [] },
    ])

    await scanPage(chef, { limit: 3, position: undefined }, scan, stored)

    expect(asked).toEqual([{ Limit: 3 }, { Limit: 2, ExclusiveStartKey: { chefId: { S: 'a' } } }])
  })

  it('asks for the entity alone where others share its table', async () => {
    const { scan, asked } = scripted([{ Items: [] }, { Items: [] }])

    await scanPage(pan, { limit: 3, position: undefined }, scan, stored)
    await scanPage(shelf, { limit: 3, position: undefined }, scan, stored)

    expect(asked).toMatchObject([
      { FilterExpression: '#type = :type', ExpressionAttributeValues: { ':type': { S: 'pan' } } },
      { FilterExpression: 'begins_with(#key, :prefix)', ExpressionAttributeNames: { '#key': 'pk' } },
    ])
  })

  it.each([
    ['the key and a constant', 'begins_with(#key, :prefix) AND #sort = :sort', ['EMP#', 'PROFILE']],
    ['parts of the key', 'begins_with(#key, :prefix) AND begins_with(#sort, :sort)', ['EMP#', 'DEPT#']],
    [
      'a constant and the key',
      '#key = :prefix AND begins_with(#sort, :sort) AND #type = :type',
      ['DEVICE', 'D#', 'device'],
    ],
    ['a number, which is the attribute itself', undefined, []],
  ])(
    'asks for what the primary key of each of its items has, where that is %s',
    async (name, expression, texts) => {
      const { entity } = new Map(layouts).get(name) ?? {}
      if (entity === undefined) throw new Error(name)
      const { scan, asked } = scripted([{ Items: [] }])

      await scanPage(entity, { limit: 3, position: undefined }, scan, stored)

      expect(asked[0]?.FilterExpression).toBe(expression)
      expect(Object.values(asked[0]?.ExpressionAttributeValues ?? {})).toEqual(texts.map((S) => ({ S })))
    },
  )
})
