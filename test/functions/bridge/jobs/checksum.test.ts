import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { addDigests, fromHex, itemDigest, toHex } from '../../../../functions/bridge/jobs/checksum.ts'
import { arbitraryItem } from '../../../support/arbitrary-item.ts'
import { runs } from '../../../support/runs.ts'

const sum = (items: readonly Item[]): string =>
  toHex(items.reduce((total, item) => addDigests(total, itemDigest(item)), 0n))

describe('a checksum', () => {
  test.prop([fc.array(arbitraryItem, { maxLength: 8 }), fc.integer({ min: 0, max: 100 })], runs(50))(
    'is the same in whatever order and in whatever parts',
    (items, at) => {
      const cut = at % (items.length + 1)
      const parts = [items.slice(cut), items.slice(0, cut)].map(sum)

      expect(toHex(parts.map(fromHex).reduce(addDigests, 0n))).toBe(sum(items))
      expect(sum(items.toReversed())).toBe(sum(items))
    },
  )

  it.each<[string, AttributeValue, AttributeValue]>([
    ['numbers by their amount', { N: '10' }, { N: '1.0E+1' }],
    ['a text set', { SS: ['a', 'b'] }, { SS: ['b', 'a'] }],
    ['a number set', { NS: ['1', '2.50'] }, { NS: ['2.5', '1'] }],
    [
      'a binary set',
      { BS: [Uint8Array.of(1), Uint8Array.of(2)] },
      { BS: [Uint8Array.of(2), Uint8Array.of(1)] },
    ],
    ['a map', { M: { a: { S: 'x' }, b: { S: 'y' } } }, { M: { b: { S: 'y' }, a: { S: 'x' } } }],
  ])('takes no order for a difference, and no notation: %s', (_, a, b) => {
    expect(itemDigest({ v: a })).toBe(itemDigest({ v: b }))
  })

  it.each<[string, AttributeValue, AttributeValue | undefined]>([
    [
      'one digit of 38',
      { N: '12345678901234567890123456789012345678' },
      { N: '12345678901234567890123456789012345679' },
    ],
    ['a number and its text', { N: '1' }, { S: '1' }],
    ['binary and its base64', { B: Uint8Array.of(1, 2, 3) }, { S: 'AQID' }],
    ['null and its word', { NULL: true }, { S: 'null' }],
    ['a list and a set', { L: [{ S: 'a' }] }, { SS: ['a'] }],
    ['the order of a list', { L: [{ S: 'a' }, { S: 'b' }] }, { L: [{ S: 'b' }, { S: 'a' }] }],
    ['empty and absent', { S: '' }, undefined],
  ])('tells apart: %s', (_, a, b) => {
    const id = { S: '1' }

    expect(itemDigest({ id, v: a })).not.toBe(itemDigest({ id, ...(b !== undefined && { v: b }) }))
  })

  it('counts an item twice that is there twice', () => {
    const item: Item = { id: { S: '1' } }

    expect(sum([item, item])).not.toBe(sum([item]))
    expect(sum([item, item])).not.toBe(sum([]))
  })

  it('stays in its 32 digits', () => {
    const most = 2n ** 128n - 1n

    expect(addDigests(most, 1n)).toBe(0n)
    expect(toHex(1n)).toBe(`${'0'.repeat(31)}1`)
    expect(fromHex(toHex(most))).toBe(most)
  })
})
