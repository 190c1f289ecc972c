import { describe, expect, it } from '@jest/globals'
import { writersOf } from '../../../../functions/bridge/cutover/writers.ts'

describe('writers of an entity', () => {
  const now = new Date('2026-11-22T10:00:00.000Z')

  it.each([
    ['never', undefined, 'counting'],
    ['a moment ago', '2026-11-22T09:59:59.999Z', 'careless'],
    ['almost a day ago', '2026-11-21T10:00:00.001Z', 'careless'],
    ['a day ago', '2026-11-21T10:00:00.000Z', 'counting'],
  ] as const)('of whose items one was lifted %s (%s) are %s', (_, lifted, are) => {
    expect(writersOf(lifted, now)).toBe(are)
  })
})
