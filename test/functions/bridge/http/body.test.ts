import { describe, expect, it } from '@jest/globals'
import { LARGEST_BODY, readJson, toRow } from '../../../../functions/bridge/http/body.ts'
import { type Fault, Problem } from '../../../../functions/bridge/http/problem.ts'
import type { HttpRequest } from '../../../../functions/bridge/http/request.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'

const request = (
  body: string | Uint8Array | undefined,
  type: string | undefined = 'application/json',
): HttpRequest => ({
  method: 'POST',
  path: '/aurora/chefs',
  segments: ['aurora', 'chefs'],
  query: {},
  headers: type === '' ? {} : { 'content-type': type },
  body: typeof body === 'string' ? Buffer.from(body) : body,
})

const readBody = (sent: HttpRequest, entity: Entity) => toRow(entity, readJson(sent))

const problemOf = (wrong: HttpRequest, entity = chef): Problem => {
  try {
    readBody(wrong, entity)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('the body was accepted')
}

const bobby = '{"firstName":"Bobby","lastName":"Flay"}'
const BOBBY = { firstName: 'Bobby', lastName: 'Flay' }

describe('the content type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    ' application/json ',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json ; charset="utf-8"',
  ])('%j is accepted', (type) => {
    expect(readBody(request(bobby, type), chef)).toEqual(BOBBY)
  })

  it('may be missing: the body is read as JSON then', () => {
    expect(readBody(request(bobby, ''), chef)).toEqual(BOBBY)
    expect(problemOf(request('firstName=Bobby', '')).code).toBe('malformed-json')
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/merge-patch+json',
    'text/json',
    'application/json; charset=latin1',
    'application/json, text/plain',
  ])('%j is refused with 415, and told what to send', (type) => {
    expect(problemOf(request(bobby, type))).toMatchObject({
      status: 415,
      code: 'content-type',
      headers: { accept: 'application/json' },
    })
  })

  it('is looked at before the size and the syntax', () => {
    expect(problemOf(request('{'.repeat(LARGEST_BODY + 1), 'text/plain')).status).toBe(415)
  })
})

describe('the size', () => {
  const padded = (bytes: number): string => bobby + ' '.repeat(bytes - bobby.length)

  it('of exactly 256 KiB is accepted', () => {
    expect(readBody(request(padded(262_144)), chef)).toEqual(BOBBY)
  })

  it('of one byte more is refused with 413', () => {
    expect(problemOf(request(padded(262_145)))).toMatchObject({
      status: 413,
      message: 'The body has 262145 bytes; 262144 are read.',
    })
  })

  it('is counted in bytes, not in characters', () => {
    expect(problemOf(request(`"${'é'.repeat(131_072)}"`)).status).toBe(413)
  })
})

describe('the syntax', () => {
  it.each<[string, string | Uint8Array | undefined, string]>([
    ['no body', undefined, 'The body is empty; a JSON object is needed.'],
    ['blanks', '  ', 'The body is not JSON.'],
    ['half an object', '{"firstName":', 'The body is not JSON.'],
    ['something behind the object', `${bobby}x`, 'The body is not JSON.'],
    ['a trailing comma', '{"firstName":"a","lastName":"b",}', 'The body is not JSON.'],
    ['single quotes', "{'firstName':'a'}", 'The body is not JSON.'],
    ['a raw line feed in a text', '{"firstName":"a\nb","lastName":"c"}', 'The body is not JSON.'],
    ['nothing but brackets', '['.repeat(LARGEST_BODY), 'The body is nested deeper than 64 levels.'],
    ['a deep list', '['.repeat(65) + ']'.repeat(65), 'The body is nested deeper than 64 levels.'],
    ['deep objects', '{"a":'.repeat(65), 'The body is nested deeper than 64 levels.'],
    ['an open text', `"${'\\n'.repeat(100_000)}`, 'The body is not JSON.'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'The body is not UTF-8.'],
    ['UTF-16', Buffer.from(bobby, 'utf16le'), 'The body is not JSON.'],
    ['a surrogate encoded as UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'The body is not UTF-8.'],
  ])('of %s is refused with 400', (_, body, message) => {
    expect(problemOf(request(body))).toMatchObject({ status: 400, code: 'malformed-json', message })
  })

  it('may begin with a byte order mark', () => {
    expect(readBody(request(`\ufeff${bobby}`), chef)).toEqual(BOBBY)
  })

  it('with a name twice means the last, as in every browser', () => {
    expect(readBody(request('{"firstName":"A","firstName":"B","lastName":"C"}'), chef)).toEqual({
      firstName: 'B',
      lastName: 'C',
    })
  })
})

describe('the content', () => {
  const required: Fault[] = [
    { pointer: '/firstName', detail: 'is required' },
    { pointer: '/lastName', detail: 'is required' },
  ]

  it.each<[string, string, Fault[]]>([
    ['nothing in it', '{}', required],
    ['a list', '[]', [{ pointer: '', detail: 'must be a JSON object' }]],
    ['a text', '"Bobby"', [{ pointer: '', detail: 'must be a JSON object' }]],
    ['null', 'null', [{ pointer: '', detail: 'must be a JSON object' }]],
    ['a number', '7', [{ pointer: '', detail: 'must be a JSON object' }]],
    [
      'a list as deep as is read',
      '['.repeat(64) + ']'.repeat(64),
      [{ pointer: '', detail: 'must be a JSON object' }],
    ],
    [
      'two faults at once',
      '{"firstName":"","lastName":7}',
      [
        { pointer: '/firstName', detail: 'must not be empty' },
        { pointer: '/lastName', detail: 'must be a string' },
      ],
    ],
    [
      'null for a name',
      '{"firstName":null,"lastName":"b"}',
      [{ pointer: '/firstName', detail: 'must be a string' }],
    ],
    [
      'a name that is too long',
      `{"firstName":"${'x'.repeat(256)}","lastName":"b"}`,
      [{ pointer: '/firstName', detail: 'must not be longer than 255 characters' }],
    ],
    [
      'half a character',
      '{"firstName":"\\ud800","lastName":"b"}',
      [{ pointer: '/firstName', detail: 'must be well-formed Unicode' }],
    ],
    [
      'unknown fields',
      '{"firstName":"a","lastName":"b","age":7,"a/b~c":1}',
      [
        { pointer: '/age', detail: 'is not a known field' },
        { pointer: '/a~1b~0c', detail: 'is not a known field' },
      ],
    ],
    [
      'what the service gives itself',
      '{"firstName":"a","lastName":"b","chefId":"1","version":2}',
      [
        { pointer: '/chefId', detail: 'is not a known field' },
        { pointer: '/version', detail: 'is not a known field' },
      ],
    ],
    [
      'a prototype',
      '{"firstName":"a","lastName":"b","__proto__":{"admin":true}}',
      [{ pointer: '/__proto__', detail: 'is not a known field' }],
    ],
  ])('with %s is refused with 400 and a pointer to each fault', (_, body, errors) => {
    expect(problemOf(request(body))).toMatchObject({ status: 400, code: 'invalid-body', errors })
  })

  it.each<[string, Record<string, unknown>, Fault[]]>([
    [
      'optional attributes of another type',
      { price: true, publishedOn: '2026-02-30', vegetarian: 'yes', difficulty: 'EASY' },
      [
        { pointer: '/price', detail: 'must be a number' },
        { pointer: '/publishedOn', detail: 'must be a date, as YYYY-MM-DD' },
        { pointer: '/vegetarian', detail: 'must be true or false' },
        { pointer: '/difficulty', detail: 'must be one of easy, medium, hard' },
      ],
    ],
    [
      'members of a list',
      { ingredients: [{ name: 'Leek', quantity: 'two' }, { name: 'Salt', colour: 'white' }, {}] },
      [
        { pointer: '/ingredients/0/quantity', detail: 'must be a number' },
        { pointer: '/ingredients/1/colour', detail: 'is not a known field' },
        { pointer: '/ingredients/2/name', detail: 'is required' },
      ],
    ],
    [
      'no list where one belongs',
      { ingredients: 'salt' },
      [{ pointer: '/ingredients', detail: 'must be a list' }],
    ],
  ])('with %s points at each fault', (_, faulty, errors) => {
    const body = JSON.stringify({ chefId: '1', title: 'Soup', ...faulty })

    expect(problemOf(request(body), recipe)).toMatchObject({ status: 400, code: 'invalid-body', errors })
  })

  it('keeps every digit of a number', () => {
    const row = readBody(
      request('{"chefId":"1","title":"Soup","price":12345678.90,"notes":{"big":9007199254740993}}'),
      recipe,
    )

    expect(row).toMatchObject({
      price: new DecimalText('12345678.90'),
      notes: { big: new DecimalText('9007199254740993') },
    })
  })

  it('takes brackets inside texts for text', () => {
    const firstName = '[{"'.repeat(80)

    expect(readBody(request(JSON.stringify({ firstName, lastName: 'x' })), chef)).toMatchObject({ firstName })
  })

  it.each([
    ['SQL', "Robert'); DROP TABLE cheftable;--"],
    ['emoji', '👩🏽‍🍳'],
    ['a combining character', 'Zoe\u0308'],
    ['control characters', '\u0000\u001f'],
    ['255 characters beyond the basic plane', '👩'.repeat(255)],
  ])('keeps %s exactly', (_, firstName) => {
    expect(readBody(request(JSON.stringify({ firstName, lastName: 'x' })), chef)).toEqual({
      firstName,
      lastName: 'x',
    })
  })
})

describe('a body with very many faults', () => {
  const sizeOf = ({ errors }: Problem) => JSON.stringify(errors).length

  it('has its length looked at before its members', () => {
    const ingredients = Array(120_000).fill(1)
    const problem = problemOf(request(JSON.stringify({ chefId: '1', title: 'x', ingredients })), recipe)

    expect(problem.errors).toEqual([
      { pointer: '/ingredients', detail: 'must not have more than 100 members' },
    ])
  })

  it('names at most a hundred of them, and says how many there are', () => {
    const ingredients = Array.from({ length: 100 }, () => ({ a: 1, b: 2 }))
    const problem = problemOf(request(JSON.stringify({ chefId: '1', title: 'x', ingredients })), recipe)

    expect(problem).toMatchObject({ status: 400, code: 'invalid-body' })
    expect(problem.errors).toHaveLength(100)
    expect(problem.message).toBe('The body is not a valid recipe. Of 300 faults 100 are named.')
    expect(sizeOf(problem)).toBeLessThan(20_000)
  })

  it('names at most a hundred members that nobody knows', () => {
    const unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`x${at}`, 1]))
    const problem = problemOf(request(JSON.stringify({ firstName: 'a', lastName: 'b', ...unknown })))

    expect(problem.errors).toHaveLength(100)
    expect(problem.message).toContain('Of 20000 faults 100 are named.')
  })
})

describe('a member with a name that objects have by themselves', () => {
  it.each([
    ['at the top', '{"firstName":"a","lastName":"b","__proto__":{"x":1}}', chef],
    ['in a document', '{"chefId":"1","title":"x","notes":{"__proto__":{"x":1}}}', recipe],
    ['deep in a document', '{"chefId":"1","title":"x","notes":{"a":[{"__proto__":null}]}}', recipe],
    ['in a child', '{"chefId":"1","title":"x","ingredients":[{"name":"a","__proto__":{}}]}', recipe],
  ])('__proto__ is refused %s', (_, body, entity) => {
    expect(problemOf(request(body), entity)).toMatchObject({ status: 400, code: 'invalid-body' })
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf'])('%s is carried in a document', (name) => {
    const body = `{"chefId":"1","title":"x","notes":{"${name}":{"${name}":[1]}}}`
    const { notes } = readBody(request(body), recipe)
    expect(JSON.stringify(notes)).toBe(`{"${name}":{"${name}":["1"]}}`)
    expect(problemOf(request(`{"firstName":"a","lastName":"b","${name}":1}`))).toMatchObject({
      errors: [{ pointer: `/${name}`, detail: 'is not a known field' }],
    })
  })
})
