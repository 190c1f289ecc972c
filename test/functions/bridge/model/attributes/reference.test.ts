import { describe, expect, it } from '@jest/globals'
import { reference } from '../../../../../functions/bridge/model/attributes/reference.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const to = { name: 'chef', table: 'cheftable', idColumn: 'id' }
const chefId = reference({ column: 'chef_id', to })

describe('a reference', () => {
  it.each(['01990000-0000-7000-8000-000000000001', '7', 'x'.repeat(255), '👩'.repeat(255), ' a'])(
    'keeps the key %s',
    (key) => {
      expect(chefId.body.parse(key)).toBe(key)
      expect(chefId.image.parse(key)).toBe(key)
      expect(chefId.toSql(key)).toBe(key)
      expect(chefId.fromSql(key)).toBe(key)
      expect(chefId.toItem(key)).toEqual({ S: key })
      expect(chefId.toJson(key)).toBe(key)
    },
  )

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be the key of a chef'],
    ['a number', 7, 'must be the key of a chef'],
    ['an empty text', '', 'is empty'],
    ['a text longer than a key', 'x'.repeat(256), 'is longer than 255 characters'],
    ['a text that ends with a blank', '7 ', 'ends with a blank'],
    ['half a character', '\ud83d', 'is not well-formed Unicode'],
  ])('refuses %s', (_, value, message) => {
    expect(complaint(chefId.body, value)).toBe(message)
  })

  it('names the table that it points to', () => {
    expect(chefId.references).toMatchObject({ entity: 'chef', table: 'cheftable', idColumn: 'id' })
  })

  it('may be absent where the foreign key may be NULL', () => {
    const optional = reference({ column: 'chef_id', to, optional: true })

    expect([optional.body.parse(undefined), optional.body.parse(null)]).toEqual([null, null])
    expect([optional.toSql(null), optional.fromSql(null), optional.toJson(null)]).toEqual([null, null, null])
  })
})
