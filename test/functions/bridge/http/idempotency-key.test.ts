import { describe, expect, it } from '@jest/globals'
import { readIdempotencyKey, readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import type { HttpRequest } from '../../../../functions/bridge/http/request.ts'
import { DecimalText, type Value } from '../../../../functions/bridge/model/values.ts'

const ALL = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).join('')

describe('Idempotency-Key', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['no header', undefined, undefined],
    ['a bare key', 'k1', 'k1'],
    ['a quoted key', '"k1"', 'k1'],
    ['a key in blanks', '  k1 ', 'k1'],
    ['a quoted key in blanks', ' "k1" ', 'k1'],
    ['escapes of the quoted form', '"a\\"b\\\\c"', 'a"b\\c'],
    ['a backslash of the bare form', 'a\\b', 'a\\b'],
    ['a quote inside the bare form', 'a"b', 'a"b'],
    ['255 characters', 'x'.repeat(255), 'x'.repeat(255)],
    ['255 characters, quoted and escaped', `"${'\\\\'.repeat(255)}"`, '\\'.repeat(255)],
    ['every visible character but a leading quote', `k${ALL}`, `k${ALL}`],
  ])('reads %s', (_, header, key) => {
    expect(readIdempotencyKey(header)).toBe(key)
  })

  it.each([
    '',
    ' ',
    '""',
    '"',
    '"a',
    'a b',
    '"a b"',
    '"a"b',
    '"a\\b"',
    '"a\\"',
    'é',
    '\u007f',
    'a\tb',
    'x'.repeat(256),
  ])('refuses %j with 400', (header) => {
    expect(() => readIdempotencyKey(header)).toThrow(
      expect.objectContaining({ status: 400, code: 'malformed-idempotency-key' }),
    )
  })
})

describe('what makes a request repeatable', () => {
  const request = (more: Partial<HttpRequest> = {}): HttpRequest => ({
    method: 'POST',
    path: '/aurora/chefs',
    segments: ['aurora', 'chefs'],
    query: {},
    headers: { 'idempotency-key': 'k1' },
    body: undefined,
    ...more,
  })
  const body: Value = { a: new DecimalText('1'), b: ['x'] }
  const of = { entity: 'chef', body }
  const plain = readOnce(request(), of)

  it('is nothing without the header', () => {
    expect(readOnce(request({ headers: {} }), of)).toBeUndefined()
  })

  it.each<[string, Parameters<typeof readOnce>, 'id' | 'fingerprint' | 'both' | 'neither']>([
    ['another key', [request({ headers: { 'idempotency-key': 'k2' } }), of], 'id'],
    ['another caller', [request({ principal: 'jwt: ann' }), of], 'id'],
    ['another entity', [request(), { ...of, entity: 'dish' }], 'both'],
    ['another method', [request({ method: 'PUT' }), of], 'fingerprint'],
    ['another body', [request(), { ...of, body: { a: new DecimalText('1'), b: ['y'] } }], 'fingerprint'],
    ['a text for a number', [request(), { ...of, body: { a: '1', b: ['x'] } }], 'fingerprint'],
    ['null for nothing', [request(), { ...of, body: { ...body, c: null } }], 'fingerprint'],
    ['another order', [request(), { ...of, body: { b: ['x'], a: new DecimalText('1') } }], 'neither'],
    [
      'another spelling of a number',
      [request(), { ...of, body: { ...body, a: new DecimalText('1.0') } }],
      'neither',
    ],
    ['another side', [request({ path: '/dynamo/chefs', segments: ['dynamo', 'chefs'] }), of], 'neither'],
    ['another path to the same', [request({ path: '/prod/aurora/chefs' }), of], 'neither'],
  ])('differs by %s as it should', (_, [other, of], what) => {
    const once = readOnce(other, of)

    expect(once?.id !== plain?.id).toBe(what === 'id' || what === 'both')
    expect(once?.fingerprint !== plain?.fingerprint).toBe(what === 'fingerprint' || what === 'both')
  })

  it('does not run its parts into one another', () => {
    const id = (entity: string, key: string) =>
      readOnce(request({ headers: { 'idempotency-key': key } }), { ...of, entity })?.id

    expect(id('ab', 'c')).not.toBe(id('a', 'bc'))
  })
})
