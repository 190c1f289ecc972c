import { describe, expect, it } from '@jest/globals'
import { Problem } from '../../../../functions/bridge/http/problem.ts'
import type { Value } from '../../../../functions/bridge/model/values.ts'
import { exampleUser, readUser } from '../../../../functions/sample/users/user.ts'

const problemOf = (body: Value): Problem => {
  try {
    readUser(body)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('the body was accepted')
}

const without = (field: string): Value =>
  Object.fromEntries(Object.entries(exampleUser).filter(([name]) => name !== field))
const labelled = (length: number): string => Array.from({ length }, () => 'a').join('')

describe('a user', () => {
  it('is taken as it came', () => {
    expect(readUser({ ...exampleUser })).toEqual(exampleUser)
  })

  it.each([
    ['email', `${labelled(64)}@${labelled(60)}.${labelled(60)}.${labelled(60)}.abcde`],
    ['email', "o'brien+tag@sub.example.co"],
    ['state', 'x'.repeat(100)],
    ['city', '👩🏽‍🍳'.repeat(25)],
    ['city', "Robert'); DROP TABLE users;--"],
    ['zipcode', '0'.repeat(20)],
  ])('may have the %s %j', (field, value) => {
    expect(readUser({ ...exampleUser, [field]: value })).toMatchObject({ [field]: value })
  })

  it.each<[string, Value, string]>([
    ['email', '', 'must be an e-mail address'],
    ['email', 'alice', 'must be an e-mail address'],
    ['email', 'alice@', 'must be an e-mail address'],
    ['email', '@example.com', 'must be an e-mail address'],
    ['email', 'alice@localhost', 'must be an e-mail address'],
    ['email', 'alice@exam ple.com', 'must be an e-mail address'],
    ['email', 'alice@example.com\n', 'must be an e-mail address'],
    ['email', 'a@b.com,c@d.com', 'must be an e-mail address'],
    ['email', null, 'must be an e-mail address'],
    ['email', ['alice@example.com'], 'must be an e-mail address'],
    [
      'email',
      `${labelled(64)}@${labelled(61)}.${labelled(61)}.${labelled(61)}.abcdef`,
      'must not be longer than 254 characters',
    ],
    ['state', '', 'must not be empty'],
    ['state', null, 'must be a string'],
    ['state', 'x'.repeat(101), 'must not be longer than 100 characters'],
    ['city', true, 'must be a string'],
    ['city', '👩'.repeat(101), 'must not be longer than 100 characters'],
    ['city', '\ud800', 'must be well-formed Unicode'],
    ['zipcode', '0'.repeat(21), 'must not be longer than 20 characters'],
    ['zipcode', {}, 'must be a string'],
  ])('may not have the %s %j', (field, value, detail) => {
    expect(problemOf({ ...exampleUser, [field]: value })).toMatchObject({
      status: 400,
      code: 'invalid-body',
      errors: [{ pointer: `/${field}`, detail }],
    })
  })

  it.each(['email', 'state', 'city', 'zipcode'])('needs its %s', (field) => {
    expect(problemOf(without(field)).errors).toEqual([{ pointer: `/${field}`, detail: 'is required' }])
  })

  it('is told all of its faults at once, unknown fields by name', () => {
    const { errors } = problemOf({ email: 'x', city: '', zipcode: '1', 'a/b~c': true, age: '7' })

    expect(errors).toEqual(
      expect.arrayContaining([
        { pointer: '/email', detail: 'must be an e-mail address' },
        { pointer: '/state', detail: 'is required' },
        { pointer: '/city', detail: 'must not be empty' },
        { pointer: '/a~1b~0c', detail: 'is not a known field' },
        { pointer: '/age', detail: 'is not a known field' },
      ]),
    )
  })

  it.each<[Value]>([[null], ['x'], [[]], [true], [[{ ...exampleUser }]]])('is no %j', (body) => {
    expect(problemOf(body).errors).toEqual([{ pointer: '', detail: 'must be a JSON object' }])
  })
})
