import { createContext, runInContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { codeOf, messageOf, nameOf, stackOf } from '../../../infra/errors/thrown.ts'

/** An error of another realm: `instanceof Error` says no. */
const foreign: unknown = runInContext(
  "Object.assign(new TypeError('no such file'), { code: 'ENOENT' })",
  createContext(),
)

describe('what was thrown', () => {
  it('is read by its shape, whatever realm it comes from', () => {
    expect(foreign).not.toBeInstanceOf(Error)
    expect([codeOf(foreign), nameOf(foreign), messageOf(foreign)]).toEqual([
      'ENOENT',
      'TypeError',
      'no such file',
    ])
    expect(stackOf(foreign)).toMatch(/^TypeError: no such file\n/)
  })

  it.each([
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
  ])('may be no error at all: %j', (thrown, text) => {
    expect([codeOf(thrown), nameOf(thrown), messageOf(thrown), stackOf(thrown)]).toEqual([
      undefined,
      undefined,
      text,
      text,
    ])
  })

  it('has no code or name where those are no texts', () => {
    expect([codeOf({ code: 1 }), nameOf({ name: {} })]).toEqual([undefined, undefined])
  })
})
