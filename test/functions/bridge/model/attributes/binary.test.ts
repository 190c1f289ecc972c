import { fc } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { binary, fixedBinary } from '../../../../../functions/bridge/model/attributes/binary.ts'
import { complaint } from '../../../fixtures/complaint.ts'

const bytes = binary({ column: 'bytes', maxBytes: 4 })
const LIMIT = 'must not have more than 4 bytes'

describe('a binary attribute', () => {
  it('is the same bytes in every place', async () => {
    await fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), (value) => {
        const text = Buffer.from(value).toString('base64')

        expect([...Buffer.from(bytes.body.parse(text) as Uint8Array)]).toEqual([...value])
        expect(bytes.image.parse(value)).toBe(value)
        expect(bytes.toSql(value)).toBe(text)
        expect(bytes.fromSql(value)).toBe(value)
        expect([...Buffer.from(bytes.fromSql(text) as Uint8Array)]).toEqual([...value])
        expect(bytes.toItem(value)).toEqual({ B: value })
        expect(bytes.toJson(value)).toBe(text)
      }),
      { seed: 42 },
    )
  })

  it('takes a part of a larger buffer as that part', () => {
    const part = new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 3)

    expect(bytes.toSql(part)).toBe('AgM=')
  })

  it('reads base64 that MySQL has broken into lines', () => {
    const long = Buffer.alloc(120, 7)
    const lines = long.toString('base64').replace(/.{76}/g, '$&\n')

    expect(bytes.fromSql(lines)).toEqual(long)
  })

  it('keeps empty apart from null', () => {
    expect(bytes.body.parse('')).toEqual(Buffer.from([]))
    expect(bytes.toSql(new Uint8Array())).toBe('')
    expect(bytes.toItem(new Uint8Array())).toEqual({ B: new Uint8Array() })
    expect(bytes.fromSql('')).toEqual(Buffer.from([]))
    expect([bytes.toSql(null), bytes.fromSql(null), bytes.toJson(null)]).toEqual([null, null, null])
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'is required'],
    ['null', null, 'must be base64 text'],
    ['base64 without its padding', 'AQ', 'must be base64 text'],
    ['base64 of the URL alphabet', '-_-_', 'must be base64 text'],
    ['base64 with a line break', 'AQID\nBAU=', 'must be base64 text'],
    ['padding in the middle', 'AQ==AQ==', 'must be base64 text'],
    ['five bytes', 'AQIDBAU=', LIMIT],
  ])('refuses %s from a client', (_, value, message) => {
    expect(complaint(bytes.body, value)).toBe(message)
  })

  it.each<[string, unknown, string]>([
    ['a text', 'AQ==', 'must be binary'],
    ['a set of binaries', new Set([new Uint8Array([1])]), 'must be binary'],
    ['five bytes', new Uint8Array(5), LIMIT],
  ])('refuses %s in an item, by name', (_, value, message) => {
    expect(complaint(bytes.image, value)).toBe(message)
  })
})

describe('bytes of a BINARY column', () => {
  const fixed = fixedBinary({ column: 'fixed', length: 3 })

  it('are filled up with zeros, as the column would, on both sides', () => {
    expect(fixed.toJson(fixed.body.parse('AQ=='))).toBe('AQAA')
    expect(fixed.toItem(fixed.image.parse(new Uint8Array([1])))).toEqual({ B: new Uint8Array([1, 0, 0]) })
    expect(fixed.toJson(fixed.image.parse(new Uint8Array()))).toBe('AAAA')
  })

  it('are no more than it has', () => {
    expect(complaint(fixed.body, 'AQIDBA==')).toBe('must not have more than 3 bytes')
    expect(complaint(fixed.image, new Uint8Array(4))).toBe('must not have more than 3 bytes')
  })
})
