import { describe, expect, it } from '@jest/globals'
import { encodeCursor, readPageRequest } from '../../../../functions/bridge/http/paging.ts'

describe('a page request', () => {
  it.each([
    ['nothing', {}, 50],
    ['the smallest limit', { limit: '1' }, 1],
    ['the largest limit', { limit: '100' }, 100],
  ])('with %s', (_, query, limit) => {
    expect(readPageRequest(query)).toEqual({ limit, position: undefined })
  })

  it.each(['0', '101', '-1', '1.5', '1e1', '', ' 1', 'all', '99999999999999999999'])(
    'refuses the limit %j',
    (limit) => {
      expect(() => readPageRequest({ limit })).toThrow(
        expect.objectContaining({ status: 400, code: 'invalid-limit' }),
      )
    },
  )
})

describe('a cursor', () => {
  it.each(['7', '01990000-0000-7000-8000-000000000001', 'ключ 👩', '~/?#'])(
    'carries the position %j through a URL',
    (position) => {
      const cursor = encodeCursor(position)

      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(readPageRequest({ cursor })).toEqual({ limit: 50, position })
    },
  )

  it.each([
    ['empty', ''],
    ['of another alphabet', 'a+b='],
    ['with a blank', 'a b'],
  ])('is refused when it is %s', (_, cursor) => {
    expect(() => readPageRequest({ cursor })).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid-cursor' }),
    )
  })

  it.each(['aurora', 'dynamo'] as const)('is read by the store %s that gave it', (store) => {
    const cursor = encodeCursor('behind it', store)
    expect(readPageRequest({ cursor }, store)).toEqual({ limit: 50, position: 'behind it' })
  })

  it.each([
    ['aurora', 'dynamo'],
    ['dynamo', 'aurora'],
  ] as const)(
    'is refused where it is of a list of %s, asked of %s: it would skip in silence',
    (one, other) => {
      const refused = { status: 400, code: 'invalid-cursor', message: expect.stringContaining('other side') }
      expect(() => readPageRequest({ cursor: encodeCursor('behind it', one) }, other)).toThrow(
        expect.objectContaining(refused),
      )
    },
  )

  it('is refused where it names no store, of a list that has one', () => {
    expect(() => readPageRequest({ cursor: encodeCursor('behind it') }, 'aurora')).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid-cursor' }),
    )
  })
})
