import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { findItemKey, itemKey, keysOf, readItemKey } from '../../../../functions/bridge/dynamo/item-key.ts'
import { toStored } from '../../../../functions/bridge/dynamo/items.ts'
import { positionOf, startKeyOf } from '../../../../functions/bridge/dynamo/position.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { keyOfRow, splitKey } from '../../../../functions/bridge/model/identity.ts'
import { faultOfKey } from '../../../../functions/bridge/model/key.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { runs } from '../../../support/runs.ts'
import { keyed } from '../../fixtures/keyed.ts'
import { layouts, schemaOf } from '../../fixtures/layouts.ts'

const read = (entity: Entity, item: Item) => readItemKey(entity, keysOf(entity, item))

describe.each(layouts)(
  'the primary key of an item that is %s',
  (_, { entity, keys, items, none, others, strange }) => {
    it('is made of the key, and the key is read from it', () => {
      for (const [at, key] of keys.entries()) {
        expect(itemKey(entity, key)).toEqual(items[at])
        expect(read(entity, items[at] ?? {})).toEqual({ key })
      }
    })

    it('is none for a key that no item can have', () => {
      for (const key of none) {
        expect([key, findItemKey(entity, key)]).toEqual([key, undefined])
        expect(() => itemKey(entity, key)).toThrow(
          expect.objectContaining({ code: 'key.no-item', kind: 'data' }),
        )
      }
    })

    it("is another one's, or no key's of the entity", () => {
      for (const item of others) expect([item, read(entity, item)]).toEqual([item, undefined])
      for (const item of strange) {
        expect(read(entity, item)).toBeDefined()
        const whole = { ...item, version: { N: '1' }, kind: { S: 'device' } }
        const { keyParts } = entity
        const read_ = read(entity, item)
        const key = read_ && 'key' in read_ ? read_.key : ''
        if (keyParts.length > 0) expect(() => toStored(entity, whole)).toThrow()
        else expect(faultOfKey(key)).toBeDefined()
      }
    })
  },
)

/** What keys and their parts are made of, by which one might be taken for another. */
const piece = fc.constantFrom(
  ...['EMP#', 'DEPT#', 'CRATE#', 'D#', 'DEVICE', 'SHELF', 'PROFILE', '1999-12-31', '2000-02-29', 'd001'],
  ...['7', '0', '07', '-', '.', ',', '~', '~0', '~1', '#', '"', '[', ' ', 'é', '🍲', 'x'],
)
const words = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''))
const digits = fc.oneof(
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 65n }).map(String),
  fc.constantFrom('0', '-0', '1.50', '1.5', '1e2', '0.005', '9'.repeat(38)),
)
const values = { S: words, N: digits.filter((text) => /^-?[\d.e]+$/.test(text)) }

const primaryKey = (entity: Entity): fc.Arbitrary<Item> => {
  const { partition, sort } = schemaOf(entity)
  const pairs = [partition, ...(sort ? [sort] : [])].map(({ name, type }) =>
    values[type === 'N' ? 'N' : 'S'].map((text): [string, AttributeValue] => [
      name,
      type === 'N' ? { N: text } : { S: text },
    ]),
  )
  return fc.tuple(...pairs).map((entries) => Object.fromEntries(entries))
}

const canonical = (item: Item) =>
  Object.fromEntries(
    Object.entries(item).map(([name, { S, N }]) => [
      name,
      N === undefined ? { S } : { N: new DecimalText(N).canonical },
    ]),
  )

const all = [...layouts, ...keyed.map(([name, of]) => [name, { entity: of.entity }] as const)]
const known = new Map(all.map(([name, { entity }]) => [`${name} (${entity.name})`, entity]))

describe.each([...known])('of %s', (_, entity) => {
  const inForm = (key: string) =>
    faultOfKey(key) === undefined &&
    (entity.keyParts.length === 0 || splitKey(entity.keyParts, key) !== undefined)

  it('every key has one item, and every item one key', () => {
    fc.assert(
      fc.property(primaryKey(entity), words, digits, (item, text, number) => {
        const found = read(entity, item)
        if (found !== undefined && 'key' in found) expect(itemKey(entity, found.key)).toEqual(canonical(item))
        for (const key of [text, number, `${number},${text}`, `${number},x,1999-12-31`].filter(inForm)) {
          const own = findItemKey(entity, key)
          if (own !== undefined) expect(read(entity, own)).toEqual({ key })
        }
      }),
      runs(300),
    )
  })

  it('every position of a list leads back to its item', () => {
    fc.assert(
      fc.property(primaryKey(entity), (item) => {
        const position = positionOf(entity, item)
        expect(startKeyOf(entity, position ?? '')).toEqual(canonical(item))
      }),
      runs(100),
    )
  })

  it('no text that a client sends as a position does more than be refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(words, fc.json(), fc.constantFrom('', '[]', '["a"]', '["a","b","c"]', '[1,2]')),
        (text) => {
          try {
            startKeyOf(entity, text)
          } catch (error) {
            expect(error).toMatchObject({ code: 'position.invalid', kind: 'client' })
          }
        },
      ),
      runs(200),
    )
  })
})

describe('the rows of a natural key', () => {
  it.each(layouts)('are found under the key that they say, where it is %s', (_, { entity, keys, rows }) => {
    if (entity.identity.kind === 'natural')
      for (const [at, key] of keys.entries()) expect(keyOfRow(entity.keyParts, rows[at] ?? {})).toBe(key)
  })
})
