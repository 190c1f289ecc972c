import { describe, expect, it } from '@jest/globals'
import { joinRows, placesOf, toDocumentRow, toKeyRow } from '../../../../functions/bridge/aurora/document.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const AT = '2026-11-22T03:00:00.123Z'
const change = (key: string, row: Row, version = 3n): Change => ({
  entity: 'recipe',
  key,
  op: 'upsert',
  version,
  source: 'stream',
  at: AT,
  row,
})
const remove = (key: string): Change => {
  const { entity, version, source, at } = change(key, {})
  return { entity, key, op: 'delete', version, source, at }
}
const head = (key: string, id: string | null = null, epoch = '0') => [
  ...[key, '3', '2026-11-22 03:00:00.123'],
  ...[id, epoch],
]
const parsed = (of: Change): unknown[] => JSON.parse(toDocumentRow(recipe, of))

describe('a change’s row in the document', () => {
  it('has key, version, time in MySQL’s form, and no legacy id where the key is none', () => {
    expect(JSON.parse(toDocumentRow(recipe, remove('a')))).toEqual(head('a'))
  })

  it('has the legacy id of a key that is one', () => {
    expect(JSON.parse(toDocumentRow(recipe, remove('42')))).toEqual(head('42', '42'))
    expect(JSON.parse(toDocumentRow(recipe, remove('042')))).toEqual(head('042'))
    expect(JSON.parse(toDocumentRow(recipe, remove('9223372036854775808')))).toEqual(
      head('9223372036854775808'),
    )
  })

  it('has versions of any width as text, which no JSON parser rounds', () => {
    const wide = BigInt(`1795316400${'9'.repeat(40)}`)

    expect(JSON.parse(toDocumentRow(recipe, change('a', {}, wide)))[1]).toBe(String(wide))
  })

  it('has each value at its place, as text', () => {
    const row = {
      chefId: '7',
      title: 'Soup "\\\u0000',
      price: new DecimalText('1E+1'),
      vegetarian: false,
      thumbnail: Buffer.from([0, 255]),
      notes: { a: [new DecimalText('18446744073709551615')] },
      ingredients: [{ name: 'Onion', quantity: new DecimalText('1.50') }],
    }
    const own = parsed(change('a', row))
    const { attributes, children } = placesOf(recipe)
    const at = (name: string): unknown => own[attributes[Object.keys(recipe.attributes).indexOf(name)] ?? -1]

    expect(Object.fromEntries(Object.keys(recipe.attributes).map((name) => [name, at(name)]))).toEqual({
      chefId: '7',
      title: 'Soup "\\\u0000',
      price: '10',
      publishedOn: null,
      vegetarian: '0',
      servings: null,
      difficulty: null,
      notes: '{"a":[18446744073709551615]}',
      thumbnail: 'AP8=',
    })
    expect(own[children[0] ?? -1]).toEqual([['Onion', '1.5', null]])
  })

  it.each<[string, string | null, string | null]>([
    ['a legacy id', '7', '7'],
    ['a key', '01990000-0000-7000-8000-000000000001', null],
    ['nothing', null, null],
  ])('has behind a reference to %s the id that it names', (_, chefId, id) => {
    const place = placesOf(recipe).attributes[Object.keys(recipe.attributes).indexOf('chefId')] ?? -1

    expect(parsed(change('a', { chefId })).slice(place, place + 2)).toEqual([chefId, id])
  })

  it('has no two values at one place', () => {
    for (const entity of [chef, recipe]) {
      const { attributes, children } = placesOf(entity)
      const references = Object.values(entity.attributes).flatMap(({ references: to }, at) =>
        to ? [(attributes[at] ?? 0) + 1] : [],
      )
      const places = [0, 1, 2, 3, 4, ...attributes, ...references, ...children]

      expect(places.toSorted((a, b) => a - b)).toEqual(places.map((_, at) => at))
    }
  })

  it('has an empty list where a row has no children', () => {
    expect(parsed(change('a', {})).at(-1)).toEqual([])
    expect(parsed(change('a', { ingredients: null })).at(-1)).toEqual([])
  })
})

describe('the document', () => {
  it('is the list of its rows', () => {
    const changes = [change('a', { title: 'x' }), remove('b')]

    expect(JSON.parse(joinRows(changes.map((one) => toDocumentRow(recipe, one))))).toEqual(
      changes.map((one) => JSON.parse(toDocumentRow(recipe, one))),
    )
    expect(JSON.parse(joinRows([]))).toEqual([])
  })

  it('of keys alone begins with the same places', () => {
    const one = change('42', { title: 'x' })

    expect(JSON.parse(toKeyRow(chef, one))).toEqual(parsed(one).slice(0, 5))
  })
})
