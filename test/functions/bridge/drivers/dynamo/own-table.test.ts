import { describe, expect, it } from '@jest/globals'
import { allPages, updateExpression } from '../../../../../functions/bridge/drivers/dynamo/own-table.ts'

describe('the expression of an update', () => {
  it.each([
    [{ set: [['#a', ':a'] as const] }, 'SET #a = :a'],
    [
      {
        set: [['#a', ':a'] as const, ['#b', ':b'] as const],
        remove: ['#c', '#d'],
        add: [['#e', ':e'] as const, ['#f', ':f'] as const],
      },
      'SET #a = :a, #b = :b REMOVE #c, #d ADD #e :e, #f :f',
    ],
    [{ remove: ['#c'] }, 'REMOVE #c'],
    [{}, ''],
  ])('has each clause once, whatever is in it: %j', (members, text) => {
    expect(updateExpression(members)).toBe(text)
  })
})

describe('what comes in pages', () => {
  it('is read to its end, each page from where the one before ended', async () => {
    const starts: unknown[] = []
    const pages = [
      { Items: [{ id: { N: '1' } }], LastEvaluatedKey: { id: { N: '1' } } },
      { LastEvaluatedKey: { id: { N: '2' } } },
      { Items: [{ id: { N: '3' } }] },
    ]
    const all = await allPages(async ({ ExclusiveStartKey }) => {
      starts.push(ExclusiveStartKey)
      return pages[starts.length - 1] ?? {}
    })

    expect(all).toEqual([{ id: { N: '1' } }, { id: { N: '3' } }])
    expect(starts).toEqual([undefined, { id: { N: '1' } }, { id: { N: '2' } }])
  })
})
