import { describe, expect, it } from '@jest/globals'
import { Delivered } from './delivered.ts'

const at = (positions: Readonly<Record<string, bigint>>): ReadonlyMap<string, bigint> =>
  new Map(Object.entries(positions))

describe('the time of a stream, by what has been delivered of it', () => {
  it('is that of the last reading where nothing is left', () => {
    const delivered = new Delivered(100)
    delivered.found('a', '5')
    delivered.read(200)
    delivered.read(300)

    expect(delivered.upTo(at({ a: 5n }))).toBe(300)
  })

  it('stands still where the first record that is left may have been written', () => {
    const delivered = new Delivered(100)
    delivered.found('a', '5')
    delivered.read(200)
    delivered.found('a', '9')
    delivered.read(300)
    delivered.read(400)

    expect(delivered.upTo(at({ a: 5n }))).toBe(200)
    expect(delivered.upTo(at({ a: 8n }))).toBe(200)
    expect(delivered.upTo(at({ a: 9n }))).toBe(400)
  })

  it('takes pages of one reading for one', () => {
    const delivered = new Delivered(100)
    delivered.read(200)
    delivered.found('a', '5')
    delivered.found('a', '9')
    delivered.read(300)

    expect(delivered.upTo(at({ a: 5n }))).toBe(200)
  })

  it('is that of the shard which is furthest behind, also where nothing of it was delivered', () => {
    const delivered = new Delivered(100)
    delivered.found('a', '5')
    delivered.read(200)
    delivered.found('b', '7')
    delivered.read(300)

    expect(delivered.upTo(at({ a: 4n }))).toBe(100)
    expect(delivered.upTo(at({ a: 5n }))).toBe(200)
    expect(delivered.upTo(at({ a: 5n, b: 7n }))).toBe(300)
  })
})
