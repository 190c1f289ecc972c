import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { char } from '../../../../functions/bridge/model/attributes/char.ts'
import { date } from '../../../../functions/bridge/model/attributes/date.ts'
import { double } from '../../../../functions/bridge/model/attributes/double.ts'
import { float } from '../../../../functions/bridge/model/attributes/float.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { json } from '../../../../functions/bridge/model/attributes/json.ts'
import { oneOf } from '../../../../functions/bridge/model/attributes/one-of.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import {
  autoIncrement,
  joinKey,
  keyOfRow,
  natural,
  otherParts,
  rowOfKey,
  splitKey,
  uuidKey,
} from '../../../../functions/bridge/model/identity.ts'
import { faultOfKey } from '../../../../functions/bridge/model/key.ts'
import { keyPartsOf } from '../../../../functions/bridge/model/key-parts.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { runs } from '../../../support/runs.ts'
import { keyed } from '../../fixtures/keyed.ts'

const attributes = {
  line: text({ column: 'line', maxLength: 20 }),
  code: text({ column: 'code', maxLength: 20 }),
  year: integer({ column: 'year' }),
  note: text({ column: 'note', maxLength: 20, optional: true }),
  day: date({ column: 'day' }),
  data: json({ column: 'data' }),
  ratio: double({ column: 'ratio' }),
  share: float({ column: 'share' }),
  level: oneOf({ column: 'level', values: ['low', 'high'] }),
  short: char({ column: 'short', length: 3, charset: 'ascii' }),
}
const collation = 'utf8mb4_general_ci'
const parts = keyPartsOf(natural(['line', 'code', 'year'], { collation }), attributes)

describe('a natural key', () => {
  const piece = fc.oneof(
    fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' }),
    fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('~', ',', '0', '1', 'a') }),
  )
  const row = fc.record({ line: piece, code: piece, year: fc.integer() }).map(({ line, code, year }) => ({
    line,
    code,
    year: new DecimalText(String(year)),
  }))

  it('gives its parts back, and no two rows have the same one', () => {
    fc.assert(
      fc.property(row, row, (one, other) => {
        const key = keyOfRow(parts, one)
        expect(splitKey(parts, key)).toEqual([one.line, one.code, one.year])
        const isSame =
          one.line === other.line && one.code === other.code && String(one.year) === String(other.year)
        expect(keyOfRow(parts, other) === key).toBe(isSame)
      }),
      runs(300),
    )
  })

  it('has one text only: what is read is a key or nothing', () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), (pieces) => {
        const key = pieces.join(',')
        const values = splitKey(parts, key)
        expect(values === undefined ? key : joinKey(parts, values)).toBe(key)
      }),
      runs(300),
    )
  })

  it('of one column is that column as it is', () => {
    const [code] = [keyPartsOf(natural(['code'], { collation }), attributes)]

    expect(keyOfRow(code, { code: 'a,b~c' })).toBe('a,b~c')
    expect(splitKey(code, 'a,b~c')).toEqual(['a,b~c'])
  })

  it.each(['a,b', 'a,b,1,2', 'a,b,01', 'a,b,x', 'a,b,1.0', ',b,1', 'a~,b,1', 'a,b,1 '])(
    'is not in %j',
    (key) => {
      expect(splitKey(parts, key)).toBeUndefined()
    },
  )

  it('fills in what a row does not say, and refuses what it says otherwise', () => {
    const year = new DecimalText('1')
    expect(rowOfKey(parts, 'a,b,1', { line: null, note: 'x' })).toEqual({
      line: 'a',
      code: 'b',
      year,
      note: 'x',
    })
    expect(otherParts(parts, 'a,b,1', { line: 'A', code: 'b', year })).toEqual(['line'])
    expect(() => rowOfKey(parts, 'a,b,1', { line: 'A', code: 'b', year })).toThrow(
      "The row is another key's by line",
    )
    expect(() => rowOfKey(parts, 'a,b', {})).toThrow('The key is not in the form')
  })

  it.each([
    ['no column', natural([]), 'has at least one column'],
    ['a column twice', natural(['year', 'year']), 'is twice'],
    ['a column without an attribute', natural(['size']), '"size" has no attribute'],
    ['an optional one', natural(['note'], { collation }), '"note" can\'t be optional'],
    ['a document', natural(['data']), "can't be of the kind json: it has many texts for one value"],
    ['a double', natural(['ratio']), "can't be of the kind double: its numbers are not exact"],
    ['a float', natural(['share']), "can't be of the kind float: its numbers are not exact"],
    ['a word without its collation', natural(['level']), 'say its collation'],
    ['a text without its collation', natural(['code']), 'say its collation'],
    ['a name that is no collation', natural(['code'], { collation: "x' OR 1" }), 'say its collation'],
    [
      'a text of more characters than its collation has',
      natural(['code'], { collation: 'latin1_bin' }),
      'needs the charset of its collation, latin1',
    ],
  ])('is refused with %s', (_, identity, why) => {
    expect(() => keyPartsOf(identity, attributes)).toThrow(why)
  })
})

describe('a UUID as the primary key', () => {
  const id = keyPartsOf(uuidKey('id'), {})

  it('is a key in small letters only', () => {
    const key = '01990000-0000-7000-8000-00000000000a'
    expect(splitKey(id, key)).toEqual([key])
    expect(splitKey(id, key.toUpperCase())).toBeUndefined()
  })
})

it('has no parts where a key stands beside a counted id', () => {
  expect(keyPartsOf(autoIncrement('id'), attributes)).toEqual([])
})

it.each(keyed)('the fixture of %s names keys of its rows', (_, { entity, keys, rows }) => {
  if (entity.identity.kind !== 'natural') return
  expect(rows.map((row) => keyOfRow(entity.keyParts, row))).toEqual(keys)
  expect(keys.map(faultOfKey)).toEqual([undefined, undefined])
})
