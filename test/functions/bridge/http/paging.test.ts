import { describe, expect, it } from '@jest/globals'
import { decodeCursor, encodeCursor, readPageRequest } from '../../../../functions/bridge/http/paging.ts'

describe('a page request', () => {
  it.each([
    ['nothing', {}, 50],
    ['the smallest limit', { limit: '1' }, 1],
    ['the largest limit', { limit: '100' }, 100],
  ])('with %s', (_, query, limit) => {
    expect(readPageRequest(query)).toEqual({ limit, cursor: undefined })
  })

  it('passes the cursor on', () => {
    expect(readPageRequest({ cursor: 'abc' })).toEqual({ limit: 50, cursor: 'abc' })
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
      expect(decodeCursor(cursor, () => true)).toBe(position)
    },
  )

  it.each([
    ['empty', ''],
    ['of another alphabet', 'a+b='],
    ['of another store', encodeCursor('abc')],
  ])('is refused when it is %s', (_, cursor) => {
    expect(() => decodeCursor(cursor, (position) => /^\d+$/.test(position))).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid-cursor' }),
    )
  })
})
