import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from '@jest/globals'
import { itemSize } from '../../../../../functions/bridge/drivers/dynamo/item-size.ts'

describe('the size of an item', () => {
  it.each<[AttributeValue, number]>([
    [{ S: 'abc' }, 3],
    [{ S: 'ä€' }, 5],
    [{ S: '' }, 0],
    [{ N: '12345' }, 4],
    [{ B: new Uint8Array(7) }, 7],
    [{ BOOL: false }, 1],
    [{ NULL: true }, 1],
    [{ SS: ['ab', 'c'] }, 3],
    [{ NS: ['1', '12'] }, 4],
    [{ BS: [new Uint8Array(2), new Uint8Array(3)] }, 5],
    [{ L: [] }, 3],
    [{ L: [{ S: 'a' }, { S: 'b' }] }, 7],
    [{ M: { k: { S: 'abc' } } }, 8],
  ])('counts names and values: %j', (value, bytes) => {
    expect(itemSize({ v: value })).toBe(1 + bytes)
    expect(itemSize({ v: value, ä: { S: 'x' } })).toBe(1 + bytes + 3)
  })
})
