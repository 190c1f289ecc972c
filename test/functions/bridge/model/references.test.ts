import { describe, expect, it } from '@jest/globals'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import {
  defineEntity,
  type Entity,
  type EntityDefinition,
  requireDistinct,
  rowUnderKey,
} from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural, uuidKey } from '../../../../functions/bridge/model/identity.ts'
import {
  inOrderOfReference,
  isInCircle,
  parentsOf,
  referencesOf,
} from '../../../../functions/bridge/model/references.ts'

const dish = {
  name: 'dish',
  plural: 'dishes',
  keyName: 'dishId',
  table: 'dishtable',
  identity: autoIncrement('id'),
}
const name = text({ column: 'title', maxLength: 80 })

describe('entities that refer to each other', () => {
  /** An entity that refers to those of the given names. */
  const referring = (own: string, ...others: readonly string[]): Entity =>
    defineEntity({
      ...dish,
      name: own,
      attributes: Object.fromEntries([
        ['title', name],
        ...others.map((other) => [
          `${other}Key`,
          reference({
            column: `${other}_id`,
            to: { name: other, table: `${other}table`, idColumn: 'id' },
            optional: true,
          }),
        ]),
      ]),
      example: { title: 'Soup' },
    })
  const order = (...all: readonly Entity[]): string[] => inOrderOfReference(all).map((entity) => entity.name)

  it('come each behind those that it refers to, along a chain', () => {
    const [a, b, c] = [referring('a'), referring('b', 'a'), referring('c', 'b')]

    for (const all of [
      [a, b, c],
      [c, b, a],
      [b, c, a],
    ])
      expect(order(...all)).toEqual(['a', 'b', 'c'])
  })

  it('come behind both, where there are two', () => {
    const all = [referring('d', 'b', 'c'), referring('c', 'a'), referring('b', 'a'), referring('a')]

    expect(order(...all)).toEqual(['a', 'c', 'b', 'd'])
  })

  it('keep their order where nothing tells', () => {
    expect(order(referring('b'), referring('a'), referring('c'))).toEqual(['b', 'a', 'c'])
    expect(order()).toEqual([])
  })

  it('may refer to themselves, and to one that is not among them', () => {
    expect(order(referring('a', 'a'), referring('b', 'elsewhere'))).toEqual(['a', 'b'])
  })

  it.each<[string, readonly Entity[], string]>([
    ['two', [referring('a', 'b'), referring('b', 'a')], 'a b'],
    ['two in the other order', [referring('b', 'a'), referring('a', 'b')], 'b a'],
    [
      'three, with one that waits for them',
      [referring('d', 'a'), referring('a', 'c'), referring('b', 'a'), referring('c', 'b'), referring('e')],
      'e a d b c',
    ],
  ])('may refer to each other, in a circle of %s: then the list tells who goes first', (_, all, ordered) => {
    expect(order(...all).join(' ')).toBe(ordered)
    expect(all.filter((one) => isInCircle(one, all)).map(({ name }) => name)).toEqual(
      all.map(({ name }) => name).filter((name) => 'abc'.includes(name)),
    )
  })

  it('are named, and so are the rows that a change refers to', () => {
    const meal = referring('meal', 'chef', 'room')
    const change: Change = {
      entity: 'meal',
      key: '1',
      op: 'upsert',
      version: 1n,
      source: 'stream',
      at: '2026-11-22T03:00:00.000Z',
      row: { title: 'chef', chefKey: '7', roomKey: null },
    }
    const identified = { entity: 'meal', key: '1', version: 1n, source: 'stream', at: change.at } as const

    expect(referencesOf(meal)).toEqual(['chef', 'room'])
    expect(parentsOf(meal, change)).toEqual([{ entity: 'chef', key: '7' }])
    expect(parentsOf(meal, { ...identified, op: 'delete' })).toEqual([])
  })
})

describe('a reference in a definition', () => {
  const house = integer({ column: 'house' })
  const number = integer({ column: 'room_no' })
  const base = { plural: 'rooms', keyName: 'roomKey', table: 'rooms' }
  const room: Entity = defineEntity({
    ...base,
    name: 'room',
    identity: natural(['house', 'room_no']),
    attributes: {
      house,
      number,
      behind: reference({ column: ['house', 'behind_no'], as: 'behind it', to: () => room, optional: true }),
    },
    example: { house: 1, number: 2, 'behind it': '1,1' },
  })
  const define = (more: Partial<EntityDefinition>): Entity =>
    defineEntity({
      ...base,
      name: 'bed',
      plural: 'beds',
      table: 'beds',
      identity: autoIncrement('id'),
      attributes: { house },
      example: { house: 1 },
      ...more,
    })

  it('may name its own entity, and one that is defined later', () => {
    const first: Entity = define({
      attributes: { later: reference({ column: 'later_id', to: () => later }) },
      example: { later: 'x' },
    })
    const later = define({ name: 'later', plural: 'laters', keyName: 'laterId', table: 'laters' })

    requireDistinct([room, first, later])
    expect([referencesOf(room), referencesOf(first)]).toEqual([['room'], ['later']])
    expect(isInCircle(room, [room])).toBe(true)
  })

  it.each(['1', '1,2,3', '1,x', '01,2', ''])('takes no text for a key that is none: %j', (key) => {
    const read = room.body.safeParse({ house: '1', number: '1', 'behind it': key })
    expect(read.error?.issues.map(({ path }) => path)).toEqual([['behind it']])
  })

  it('says the same of a column as the attribute that writes it', () => {
    const row = { house: '1', number: '2', 'behind it': '2,1' }
    expect(room.body.safeParse(row).error?.issues).toMatchObject([
      { path: ['behind it'], message: 'must name one of the same house' },
    ])
    expect(room.body.safeParse({ ...row, 'behind it': '1,1' }).success).toBe(true)
    // What an item leaves out, its key says.
    expect(() => rowUnderKey(room, '1,2', { house: null, number: null, behind: '2,1' })).toThrow(
      'behind names one of another house than the row has',
    )
    expect(rowUnderKey(room, '1,2', { house: null, number: null, behind: '1,1' })).toMatchObject({
      behind: '1,1',
    })
  })

  it('is a part of the key as the key that it names is, and is told by it', () => {
    const bed = define({
      identity: natural(['house', 'room_no', 'bed_no']),
      attributes: {
        room: reference({ column: ['house', 'room_no'], to: room }),
        number: integer({ column: 'bed_no' }),
      },
      example: { room: '1,2', number: 3 },
    })
    expect(rowUnderKey(bed, '1,2,3', {})).toMatchObject({ room: '1,2' })
    expect(() => rowUnderKey(bed, '1,2,3', { room: '1,1' })).toThrow("The row is another key's by room")
  })

  it.each<[string, () => Entity, string]>([
    [
      'too few columns',
      () => define({ attributes: { room: reference({ column: 'room_no', to: room }) } }),
      'room_no: the key of a room is 2 columns, and this has 1',
    ],
    [
      'too many',
      () =>
        define({ attributes: { room: reference({ column: ['a', 'b'], to: define({ table: 'others' }) }) } }),
      'a, b: the key of a bed is one column, and this has 2',
    ],
    [
      'a column that two references share, and nobody else has',
      () =>
        define({
          attributes: {
            one: reference({ column: ['house', 'a'], to: room }),
            other: reference({ column: ['house', 'b'], to: room }),
          },
        }),
      'two of its columns are the same',
    ],
    [
      'a column that an attribute has for itself already',
      () =>
        define({ attributes: { house, one: reference({ column: 'house', to: define({ table: 'x' }) }) } }),
      'two of its columns are the same',
    ],
    [
      'lists under a key of another number of columns',
      () =>
        define({
          identity: natural(['house', 'room_no']),
          attributes: { house, number },
          children: {
            beds: childRows({
              table: 'all_beds',
              parentColumn: 'house',
              positionColumn: 'place',
              attributes: { number: integer({ column: 'bed_no' }) },
            }),
          },
        }),
      "beds: its parentColumn has one column for each of the key's, which are house, room_no",
    ],
  ])('is refused with %s', (_, make, why) => {
    expect(make).toThrow(why)
  })

  const lazy = (more: Parameters<typeof reference>[0], of: Partial<EntityDefinition> = {}) =>
    define({ attributes: { room: reference(more) }, example: { room: '1,2' }, ...of })
  it.each<[string, () => readonly Entity[], string]>([
    [
      'to nothing that is defined',
      () => {
        const made = [lazy({ column: 'a', to: () => late })]
        requireDistinct(made)
        const late = room
        return made
      },
      'Entity bed: room refers to an entity that is not defined',
    ],
    [
      'of another number of columns',
      () => [lazy({ column: 'a', to: () => room })],
      'a: the key of a room is 2 columns, and this has 1',
    ],
    [
      'to another table than the entity of that name has',
      () => [lazy({ column: 'a', to: { name: 'room', table: 'halls', idColumn: 'id' } }), room],
      'Entity bed: room refers to a room of another table or key than that entity has',
    ],
    [
      'to one that has its records elsewhere than the entity of that name',
      () => [
        lazy(
          { column: 'hall_id', to: { name: 'hall', table: 'halls', idColumn: 'id' } },
          { example: { room: '1' } },
        ),
        defineEntity({
          ...{ name: 'hall', plural: 'halls', keyName: 'hallId', table: 'halls', record: 'sideTable' },
          ...{
            identity: autoIncrement('id'),
            attributes: { title: text({ column: 'title', maxLength: 9 }) },
          },
          example: { title: 'a' },
        }),
      ],
      "Entity bed: room refers to a hall whose records are elsewhere than that entity's",
    ],
    [
      'with an example that is no key of it',
      () => [lazy({ column: ['a', 'b'], to: () => room }, { example: { room: '1' } })],
      'Entity bed: its example is not valid',
    ],
    [
      'in a key that is made of itself',
      () => {
        const bed: Entity = lazy({ column: 'a', to: () => bed }, { identity: natural(['a']) })
        return [bed]
      },
      'Entity bed: its key is made of keys that are made of its own',
    ],
  ])('is refused, once all is defined, %s', (_, make, why) => {
    expect(() => requireDistinct(make())).toThrow(why)
  })

  it('is in the form of a UUID where that is the key', () => {
    const ship = define({ name: 'ship', table: 'ships', identity: uuidKey('id') })
    const to = reference({ column: 'ship_id', to: ship })
    expect(to.body.safeParse('01990000-0000-7000-8000-00000000000a').success).toBe(true)
    expect(to.body.safeParse('7').error?.issues[0]?.message).toBe("is not in the form of a ship's keys")
  })
})
