import { describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { readOwnHead } from '../../../../functions/bridge/dynamo/item-head.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'

const spoon = defineEntity({
  name: 'spoon',
  plural: 'spoons',
  keyName: 'spoon_id',
  table: 'spoons',
  identity: autoIncrement('id'),
  names: { version: 'revision', updatedAt: 'changed_at' },
  attributes: { label: text({ column: 'label', maxLength: 20 }) },
  example: { label: 'a' },
})
const item = (more: Item = {}): Item => ({
  spoon_id: { S: 'k' },
  label: { S: 'a' },
  revision: { N: '7' },
  changed_at: { S: '2026-11-22T03:00:00.123Z' },
  ...more,
})

describe('the head of an item', () => {
  it('is read by the names that its entity has for version and time', () => {
    expect(readOwnHead(spoon, item())).toEqual({ key: 'k', version: 7n, at: '2026-11-22T03:00:00.123Z' })
  })

  it('is at version 0, and of no time, where it says none that could be', () => {
    const odd = item({ revision: { S: '7' }, changed_at: { S: 'yesterday' } })
    expect(readOwnHead(spoon, odd)).toEqual({ key: 'k', version: 0n, at: undefined })
  })

  it('is of nobody else’s key, and of none that has been moved', () => {
    expect(readOwnHead(spoon, item({ backsync_owner: { S: 'aurora' } }))).toBeUndefined()
    expect(readOwnHead(spoon, item({ backsync_epoch: { N: '1' } }))).toBeUndefined()
    expect(() => readOwnHead(spoon, item({ backsync_owner: { S: 'x' } }))).toThrow('spoon k')
  })
})
