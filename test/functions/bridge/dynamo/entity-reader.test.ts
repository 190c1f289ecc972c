import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { entityReaders, itemToChange } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { decodeItem } from '../../../../functions/bridge/model/values.ts'
import { normaliseStreamEvent, type StreamBatch } from '../../../../functions/bridge/normalise/stream.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { knife, oven, pan, shelf } from '../../fixtures/kitchen.ts'
import { CHEF, RECIPE, recipeItem, recipeRecord } from '../../fixtures/recipe-records.ts'
import { CREATED, streamEvent, streamRecord } from '../../fixtures/stream-events.ts'

const KITCHEN = 'Kitchen-prod'
const tables = entityReaders([recipe, pan, knife, shelf, oven], { recipe: 'Recipes', kitchen: KITCHEN })

const normalise = (records: readonly unknown[], index = tables): StreamBatch => {
  const batch = normaliseStreamEvent(streamEvent(...records), index)
  if (batch === undefined) throw new Error('not taken for a stream event')
  return batch
}

type Item = Record<string, unknown>
type Images = {
  readonly before?: Item
  readonly after?: Item
  readonly sequence?: string
  readonly created?: number
}

/** A record of the table that four entities share. */
const kitchenRecord = (pk: string, { before, after, ...more }: Images) => {
  const eventName = after === undefined ? 'REMOVE' : before === undefined ? 'INSERT' : 'MODIFY'
  const made = streamRecord({ table: KITCHEN, eventName, ...more })
  const dynamodb = { ...made.dynamodb, Keys: { pk: { S: pk } }, OldImage: before, NewImage: after }
  return { ...made, dynamodb }
}

const kindItem = (kind: string, version: number | undefined, more: Item = {}): Item => ({
  kind: { S: kind },
  ...(version === undefined ? {} : { version: { N: String(version) } }),
  ...more,
})
const copper = { material: { S: 'copper' } }

const essence = ({ entity, key, op, version }: Change) => [entity, key, op, version]
const read = (...records: unknown[]) => {
  const { changes, rejected, ignored } = normalise(records)
  return {
    changes: changes.map(({ change }) => essence(change)),
    rejected: rejected.map(({ entity, key, error }) => [entity, key, error.message]),
    ignored: Object.fromEntries(ignored),
  }
}
const nothing = { changes: [], rejected: [], ignored: {} }

describe('attributes that the entity does not know', () => {
  const unknown = (more: Item): number[] =>
    normalise([recipeRecord(recipeItem(RECIPE, 1, CHEF, more))]).changes.map(
      ({ unknownAttributes }) => unknownAttributes,
    )

  it.each<[string, Item, number]>([
    ['none, with what every item of the bridge has', { origin: { S: 'legacy' } }, 0],
    ['at the top', { rating: { N: '5' }, tags: { SS: ['a', 'b'] } }, 2],
    [
      'in each member of a list',
      {
        ingredients: {
          L: [
            { M: { name: { S: 'Onion' }, organic: { BOOL: true } } },
            { M: { name: { S: 'Salt' }, organic: { BOOL: true }, origin: { S: 'sea' } } },
          ],
        },
      },
      3,
    ],
    ['inside a document, where every name is known', { notes: { M: { anything: { S: 'x' } } } }, 0],
    [
      'with names that every JavaScript object has',
      { toString: { S: 'x' }, ingredients: { L: [{ M: { name: { S: 'a' }, constructor: { S: 'x' } } }] } },
      2,
    ],
  ])('are counted: %s', (_, more, count) => {
    expect(unknown(more)).toEqual([count])
  })

  it('are not counted when they are the type that tells entities apart, or the key of the table', () => {
    const item = { ...kindItem('pan', 1, copper), pk: { S: '1' }, panId: { S: '1' } }

    expect(normalise([kitchenRecord('1', { after: item })]).changes).toMatchObject([{ unknownAttributes: 1 }])
  })
})

describe('a table that several entities share', () => {
  it('tells them apart by a type attribute', () => {
    expect(
      read(
        kitchenRecord('1', { after: kindItem('pan', 1, copper) }),
        kitchenRecord('2', { after: kindItem('knife', 2) }),
        kitchenRecord('1', { before: kindItem('pan', 1, copper) }),
      ),
    ).toEqual({
      ...nothing,
      changes: [
        ['pan', '1', 'upsert', 1n],
        ['knife', '2', 'upsert', 2n],
        ['pan', '1', 'delete', 2n],
      ],
    })
  })

  it('tells them apart by what stands before the key, which is no part of it', () => {
    expect(
      read(
        kitchenRecord('SHELF#7', { after: { version: { N: '1' } } }),
        kitchenRecord('SHELF#SHELF#7', { before: { version: { N: '1' } } }),
      ),
    ).toEqual({
      ...nothing,
      changes: [
        ['shelf', '7', 'upsert', 1n],
        ['shelf', 'SHELF#7', 'delete', 2n],
      ],
    })
  })

  it('needs both, prefix and type, where an entity has both', () => {
    const sequence = '1'
    expect(
      read(
        kitchenRecord('OVEN#1', { after: kindItem('oven', undefined), sequence }),
        kitchenRecord('OVEN#2', { after: kindItem('stove', undefined), sequence }),
        kitchenRecord('3', { after: kindItem('oven', undefined), sequence }),
      ),
    ).toEqual({
      ...nothing,
      changes: [['oven', '1', 'upsert', BigInt(CREATED) * 10n ** 40n + 1n]],
      ignored: { kitchen: 2 },
    })
  })

  it.each<[string, Item]>([
    ['of no entity', kindItem('spoon', 1)],
    ['without a type', { version: { N: '1' } }],
    ['whose type is no text', { kind: { N: '1' } }],
    ['whose type is a set', { kind: { SS: ['pan'] } }],
    ['whose type differs in case', kindItem('Pan', 1)],
    ['whose type is malformed', { kind: 'pan' }],
  ])('counts an item %s as ignored, whatever happens to it', (_, item) => {
    expect(
      read(
        kitchenRecord('1', { after: item }),
        kitchenRecord('1', { before: item, after: item }),
        kitchenRecord('1', { before: item }),
      ),
    ).toEqual({ ...nothing, ignored: { kitchen: 3 } })
  })

  it('ignores what is not its entity also when it keeps a single one', () => {
    const alone = entityReaders([pan], { kitchen: KITCHEN })
    const batch = normalise([kitchenRecord('1', { after: kindItem('spoon', 1) })], alone)

    expect([batch.changes, batch.rejected, [...batch.ignored]]).toEqual([[], [], [['kitchen', 1]]])
  })

  it('ignores a key that is no text: no entity has such a key', () => {
    const record = kitchenRecord('1', { after: { version: { N: '1' } } })
    const keyed = { ...record, dynamodb: { ...record.dynamodb, Keys: { pk: { N: '1' } } } }

    expect(read(keyed)).toEqual({ ...nothing, ignored: { kitchen: 1 } })
  })

  it('rejects an item that has a prefix and no key behind it', () => {
    expect(read(kitchenRecord('SHELF#', { after: { version: { N: '1' } } })).rejected).toEqual([
      ['shelf', undefined, 'pk is empty'],
    ])
  })

  it.each([
    ['the first of the table, where the key does not tell', '1', 'pan', '1'],
    ['the one whose prefix the key has', 'SHELF#1', 'pan', 'SHELF#1'],
  ])('rejects a REMOVE without its old image as %s', (_, pk, entity, key) => {
    expect(read(kitchenRecord(pk, {}))).toEqual({
      ...nothing,
      rejected: [[entity, key, 'REMOVE without OldImage']],
    })
  })
})

describe('an item that changes its entity', () => {
  const change = (before: Item, after: Item) => read(kitchenRecord('1', { before, after }))

  it('is deleted from the one, one version above its old image, and upserted into the other', () => {
    expect(change(kindItem('pan', 4, copper), kindItem('knife', 5))).toEqual({
      ...nothing,
      changes: [
        ['pan', '1', 'delete', 5n],
        ['knife', '1', 'upsert', 5n],
      ],
    })
  })

  it('is deleted when it becomes no entity’s, and upserted when it comes from none', () => {
    expect(change(kindItem('pan', 4, copper), kindItem('spoon', 5))).toEqual({
      ...nothing,
      changes: [['pan', '1', 'delete', 5n]],
    })
    expect(change(kindItem('spoon', 4), kindItem('knife', 5))).toEqual({
      ...nothing,
      changes: [['knife', '1', 'upsert', 5n]],
    })
  })

  it('is deleted from the one also when it is not a good one of the other', () => {
    expect(change(kindItem('pan', 4, copper), kindItem('knife', 5, { steel: { N: '1' } }))).toEqual({
      ...nothing,
      changes: [['pan', '1', 'delete', 5n]],
      rejected: [['knife', '1', 'The image is not a knife: steel must be a string']],
    })
  })

  it('is upserted into the other also when it was not a good one of the first', () => {
    expect(change(kindItem('pan', undefined, copper), kindItem('knife', 5))).toEqual({
      ...nothing,
      changes: [['knife', '1', 'upsert', 5n]],
      rejected: [['pan', '1', 'version is missing or not a number']],
    })
  })
})

describe('a table in which a writer keeps no version', () => {
  it('has its record rejected by name, with nothing of it applied, where versions are counted', () => {
    const before = kindItem('pan', 4, copper)
    const after = kindItem('pan', undefined, copper)

    expect(read(kitchenRecord('1', { before, after }), kitchenRecord('1', { before: after }))).toEqual({
      ...nothing,
      rejected: [
        ['pan', '1', 'version is missing or not a number'],
        ['pan', '1', 'version is missing or not a number'],
      ],
    })
  })
})

describe('a version that is taken from the stream', () => {
  const versions = (parts: Omit<Images, 'before' | 'after'>, more: Item = {}): bigint[] =>
    normalise([
      kitchenRecord('OVEN#1', { after: kindItem('oven', undefined, more), ...parts }),
      kitchenRecord('OVEN#1', { before: kindItem('oven', undefined, more), ...parts }),
    ]).changes.map(({ change }) => change.version)
  const twice = (version: bigint) => [version, version]

  it.each([
    ['of 21 digits, as they are today', '800000000003126276362'],
    ['of 40 digits, as long as they get', '9'.repeat(40)],
    ['of one digit', '7'],
    ['with zeros before it', '000000000000000000007'],
  ])('is its second and its sequence number %s as one number', (_, sequence) => {
    expect(versions({ sequence, created: 1795316400 })).toEqual(
      twice(BigInt(`1795316400${sequence.padStart(40, '0')}`)),
    )
  })

  it('does not look at the version that an item may have', () => {
    const expected = twice(BigInt(`1795316400${'5'.padStart(40, '0')}`))

    expect(versions({ sequence: '5' }, { version: { N: '99' } })).toEqual(expected)
    expect(versions({ sequence: '5' }, { version: { S: 'none' } })).toEqual(expected)
  })

  it('has whole seconds: a fraction that one delivery has and another has not changes nothing', () => {
    expect(versions({ sequence: '5', created: 1795316400.75 })).toEqual(versions({ sequence: '5' }))
  })

  it('orders records as second and sequence number do, compared as a pair', async () => {
    const position = fc.record({
      created: fc.oneof(
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1_795_316_400, max: 1_795_316_402 }),
      ),
      sequence: fc.oneof(
        fc.bigInt({ min: 0n, max: 10n ** 40n - 1n }),
        fc.bigInt({ min: 10n ** 20n, max: 10n ** 20n + 3n }),
      ),
    })
    const sign = (a: bigint | number, b: bigint | number): number => (a < b ? -1 : a > b ? 1 : 0)
    await fc.assert(
      fc.property(position, position, (a, b) => {
        const [one = 0n] = versions({ created: a.created, sequence: String(a.sequence) })
        const [other = 0n] = versions({ created: b.created, sequence: String(b.sequence) })

        expect(sign(one, other)).toBe(sign(a.created, b.created) || sign(a.sequence, b.sequence))
        expect(String(one).length).toBeLessThanOrEqual(50)
      }),
      { seed: 42 },
    )
  })

  it('is the same at every delivery, whatever stands before the record', () => {
    const record = kitchenRecord('OVEN#1', { after: kindItem('oven', undefined) })
    const others = [
      kitchenRecord('OVEN#2', { after: kindItem('oven', undefined) }),
      kitchenRecord('1', { after: {} }),
    ]
    const versionIn = (records: unknown[]) =>
      normalise(records).changes.find(({ change }) => change.key === '1')?.change.version

    expect(versionIn([...others, record])).toBe(versionIn([record]))
    expect(versionIn([record])).toBeDefined()
  })

  it.each<[string, unknown]>([
    ['no creation time', undefined],
    ['one before 1970', -1],
    ['the time 0', 0],
    ['one after 2038, as milliseconds would be', 1_795_316_400_000],
  ])('can not be taken from a record with %s', (_, created) => {
    const record = kitchenRecord('OVEN#1', { after: kindItem('oven', undefined) })
    const timed = {
      ...record,
      dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: created },
    }

    expect(read(timed).rejected).toEqual([
      ['oven', '1', 'The record has no creation time between 1970 and 2038'],
    ])
  })

  it.each(['9'.repeat(41), '-1', '1e5', 'shard-1'])(
    'can not be taken from the sequence number %s',
    (sequence) => {
      const record = kitchenRecord('OVEN#1', { after: kindItem('oven', undefined), sequence })

      expect(read(record).rejected).toEqual([
        ['oven', '1', 'The sequence number is not one of up to 40 digits'],
      ])
    },
  )
})

describe('an item by itself', () => {
  const item = (more: Item) => decodeItem({ ...recipeItem(RECIPE, 7), ...more }, 'item')

  it('is read as the change that made it what it is', () => {
    expect(itemToChange(recipe, RECIPE, item({}))).toMatchObject({
      entity: 'recipe',
      key: RECIPE,
      op: 'upsert',
      version: 7n,
      at: '2026-11-22T03:00:00.123Z',
      row: { chefId: CHEF, title: 'v7' },
    })
  })

  it('needs a version where versions are counted, whatever the caller knows', () => {
    expect(() => itemToChange(recipe, RECIPE, item({ version: { NULL: true } }), 9n)).toThrow(
      'version is missing or not a number',
    )
  })

  it('has the version that the caller knows where versions come from the stream', () => {
    const made = decodeItem(kindItem('oven', 3), 'item')

    expect(itemToChange(oven, '1', made, 99n).version).toBe(99n)
    expect(itemToChange(oven, '1', made).version).toBe(1n)
  })
})
