import { describe, expect, it } from '@jest/globals'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type EntityDefinition } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'

const define = (more: Partial<EntityDefinition>) =>
  defineEntity({
    name: 'tin',
    plural: 'tins',
    keyName: 'tinId',
    table: 'tintable',
    identity: autoIncrement('id'),
    attributes: { label: text({ column: 'label', maxLength: 20 }) },
    example: { label: 'Beans' },
    ...more,
  })

describe('a mirror', () => {
  it('is nothing that an entity has by itself', () => {
    expect(define({})).toMatchObject({ tombstones: 'moved' })
    expect(define({}).mirror).toBeUndefined()
  })

  it('refuses plain SQL on what DynamoDB owns, and has every delete leave a tombstone', () => {
    expect(define({ mirror: {} })).toMatchObject({ mirror: { plainSql: 'refuse' }, tombstones: 'item' })
    expect(define({ mirror: { plainSql: 'record' }, tombstones: 'item' })).toMatchObject({
      mirror: { plainSql: 'record' },
      tombstones: 'item',
    })
  })

  it.each<[Partial<EntityDefinition>, RegExp]>([
    [{ mirror: {}, versions: 'stream' }, /Entity tin: mirror goes with versions: 'counted'/],
    [{ mirror: {}, tombstones: 'moved' }, /Entity tin: mirror goes with tombstones: 'item'/],
    [
      {
        mirror: { plainSql: 'record' },
        write: { instead: { delete: async () => undefined } },
      },
      /Entity tin: plainSql: 'record' takes a row's version back to 0/,
    ],
  ])("is refused by name where it can't go with what else is said", (more, message) => {
    expect(() => define(more)).toThrow(message)
  })
})
