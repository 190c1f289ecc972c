import { describe, expect, it } from '@jest/globals'
import { Recent } from '../../../../infra/local/data-api/recent.ts'

describe('what was worked out lately', () => {
  const worked: string[] = []
  const work = (key: string) => () => {
    worked.push(key)
    return { key }
  }

  it('is worked out once, until the one longest unused goes', () => {
    const recent = new Recent<string, { key: string }>(2)
    expect(recent.get('a', work('a'))).toBe(recent.get('a', work('a')))
    recent.get('b', work('b'))
    recent.get('a', work('a'))
    recent.get('c', work('c'))
    recent.get('a', work('a'))
    expect(worked).toEqual(['a', 'b', 'c'])
    expect(recent.get('b', work('b'))).toEqual({ key: 'b' })
    expect(worked).toEqual(['a', 'b', 'c', 'b'])
  })

  it('is not kept when the work fails', () => {
    const recent = new Recent<string, { key: string }>(2)
    const fail = () => {
      throw new RangeError('no')
    }
    expect(() => recent.get('a', fail)).toThrow(RangeError)
    expect(recent.get('a', work('a'))).toEqual({ key: 'a' })
  })
})
