import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import type { Row } from '../../../../functions/bridge/model/change.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { projectRow } from '../../../../functions/bridge/tables/project.ts'
import { type Projection, replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { runs } from '../../../support/runs.ts'

const users = defineTable({ name: 'users', key: { partition: 'email' } })
const ann: Row = { email: 'ann@example.com', state: 'TX', city: 'Austin', zipcode: '78701' }
const byCity = { from: users, to: 'users-by-city', key: { partition: 'state', sort: 'city' } }

const rowOf = (projection: Projection, row: Row = ann): Row | undefined => projectRow(projection, row)?.row

describe('a replica', () => {
  it('has what is not left out, under another key', () => {
    expect(projectRow(replicate({ ...byCity, omit: ['zipcode'] }), ann)).toEqual({
      key: '["TX","Austin"]',
      row: { email: 'ann@example.com', state: 'TX', city: 'Austin' },
    })
  })

  it('has what is picked, and its key', () => {
    expect(rowOf(replicate({ ...byCity, pick: ['zipcode'] }))).toEqual({
      state: 'TX',
      city: 'Austin',
      zipcode: '78701',
    })
  })

  it('has the key of its source unless another is declared', () => {
    expect(projectRow(replicate({ from: users, to: 'copies' }), ann)).toEqual({
      key: 'ann@example.com',
      row: ann,
    })
  })

  it('keeps items with one target key apart by the key of their source', () => {
    expect(rowOf(replicate({ ...byCity, pick: [], keepApart: true }))).toEqual({
      state: 'TX',
      city: 'Austin#ann@example.com',
    })
  })

  it('never takes over the stamps of a table that is itself kept by another one', () => {
    const stamped = { ...ann, backsync_version: '000', backsync_source: 'somebody' }
    expect(rowOf(replicate({ from: users, to: 'copies' }), stamped)).toEqual(ann)
  })
})

describe('a reshaped item', () => {
  const shape = (more: Partial<Parameters<typeof reshape>[0]>): Projection =>
    reshape({ from: users, to: 'users-v2', ...more })

  it('has other names for its attributes, which may change places', () => {
    expect(rowOf(shape({ rename: { city: 'state', state: 'city' } }))).toEqual({
      email: 'ann@example.com',
      state: 'Austin',
      city: 'TX',
      zipcode: '78701',
    })
  })

  it('lacks what is dropped, and what its rename does not find', () => {
    expect(rowOf(shape({ drop: ['zipcode', 'city'], rename: { age: 'years' } }))).toEqual({
      email: 'ann@example.com',
      state: 'TX',
    })
  })

  it('has constants and what is computed from the item as it was', () => {
    const set = {
      schema: 2,
      big: 12345678901234567890n,
      none: null,
      zip: ({ zipcode = null }: Row) => zipcode,
    }
    expect(rowOf(shape({ drop: ['zipcode', 'state', 'city'], set }))).toEqual({
      email: 'ann@example.com',
      schema: new DecimalText('2'),
      big: new DecimalText('12345678901234567890'),
      none: null,
      zip: '78701',
    })
  })

  it('is what the map makes of it in the end', () => {
    const map = ({ email }: Row, before: Row): Row => ({ email: email ?? null, where: before.city ?? null })
    expect(rowOf(shape({ set: { schema: 2 }, map }))).toEqual({ email: 'ann@example.com', where: 'Austin' })
  })

  it('has no place where the map says so', () => {
    expect(projectRow(shape({ map: () => undefined }), ann)).toBeUndefined()
  })
})

describe('an item that has no form', () => {
  const projected = (project: (row: Row) => Row | undefined, row: Row = ann): (() => unknown) => {
    const target = reshape({ from: users, to: 'users-v2', map: (item) => project(item) })
    return () => projectRow(target, row)
  }

  it.each<[string, (row: Row) => Row, RegExp]>([
    ['lacks its key', ({ email: _, ...rest }) => rest, /^email is missing, and is the key$/],
    ['has an empty key', (row) => ({ ...row, email: '' }), /^email is the key, and empty$/],
    [
      'has a key of another type',
      (row) => ({ ...row, email: new DecimalText('1') }),
      /^email is the key, and not text$/,
    ],
    [
      'has an empty set',
      (row) => ({ ...row, tags: new Set<string>() }),
      /^users-v2 has no form for the item$/,
    ],
    [
      'makes its author fail',
      () => {
        throw new Error('secret 78701')
      },
      /^users-v2 has no form for the item$/,
    ],
  ])('because it %s is refused by name, without its values', (_, project, message) => {
    expect(projected(project)).toThrow(expect.objectContaining({ code: 'record.invalid' }))
    expect(projected(project)).toThrow(message)
  })
})

describe('a declaration that can not work is refused when it is loaded', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'omits its own key',
      () => replicate({ ...byCity, omit: ['city'] }),
      /users-by-city: its key needs city/,
    ],
    ['keeps a table by itself', () => replicate({ from: users, to: 'users' }), /can't be kept by itself/],
    [
      'keeps apart without a sort key',
      () => replicate({ from: users, to: 'copies', keepApart: true }),
      /needs a text sort key/,
    ],
    [
      'renames two to one',
      () => reshape({ from: users, to: 'v2', rename: { a: 'c', b: 'c' } }),
      /two attributes are renamed to c/,
    ],
    [
      'renames and drops',
      () => reshape({ from: users, to: 'v2', rename: { a: 'c' }, drop: ['a'] }),
      /a is renamed and dropped/,
    ],
    [
      'has a name that no output could have',
      () => replicate({ from: users, to: 'Users_2' }),
      /can't be a table's name/,
    ],
    [
      'has one attribute as both keys',
      () => defineTable({ name: 't', key: { partition: 'a', sort: 'a' } }),
      /partition and sort key at once/,
    ],
  ])('%s', (_, declare, message) => {
    expect(declare).toThrow(message)
  })
})

describe('an item without an attribute of the target key', () => {
  const lacking = (name: string): Row =>
    Object.fromEntries(Object.entries(ann).filter(([one]) => one !== name))

  it.each(['state', 'city'])('is left out of a replica, as an index does it: %s', (name) => {
    expect(projectRow(replicate(byCity), lacking(name))).toBeUndefined()
    expect(projectRow(replicate({ ...byCity, keepApart: true }), lacking(name))).toBeUndefined()
  })

  it('is refused where the replica is declared not to be sparse', () => {
    expect(() => projectRow(replicate({ ...byCity, sparse: false }), lacking('city'))).toThrow(
      /^city is missing, and is the key$/,
    )
  })

  it('is told from one whose key can not be one, which is refused', () => {
    expect(() => projectRow(replicate(byCity), { ...ann, city: null })).toThrow(
      /^city is the key, and not text$/,
    )
    expect(() => projectRow(replicate(byCity), { ...ann, city: '' })).toThrow(/^city is the key, and empty$/)
  })

  it('is told by its own attributes, not by what every object inherits', () => {
    const odd = replicate({ from: users, to: 'odd', key: { partition: 'constructor' } })
    expect(projectRow(odd, ann)).toBeUndefined()
    expect(rowOf(reshape({ from: users, to: 'odd', rename: { toString: 'text' } }))).toEqual(ann)
  })
})

describe('a key that keeps items apart', () => {
  const sortOf = (city: string, email: string) =>
    rowOf(replicate({ ...byCity, pick: [], keepApart: true }), { ...ann, city, email })?.city

  it('tells apart what only a separator makes the same', () => {
    expect(sortOf('Austin#a', 'b@x')).not.toBe(sortOf('Austin', 'a#b@x'))
  })

  it('is what it has always been where no part has the separator in it', () => {
    expect(sortOf('Austin', 'a%b.1@x')).toBe('Austin#a%b.1@x')
  })

  it('begins with its parts in any case, so that it is found by them', () => {
    expect(sortOf('Austin', 'a#b@x')).toMatch(/^Austin#a#b@x/)
  })

  const part = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom('#', '.', '1', '2', 'a') })
  test.prop([part, part, part, part], runs(2_000))('is the same for the same parts only', (a, b, c, d) => {
    expect(sortOf(a, b) === sortOf(c, d)).toBe(a === c && b === d)
  })
})
