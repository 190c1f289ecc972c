import { describe, expect, it } from '@jest/globals'
import { Book } from './book.ts'

/** Writes one after the other, each begun after the last was answered. */
const nextMoment = async (): Promise<void> => {
  const now = performance.now()
  while (performance.now() <= now) await Promise.resolve()
}

describe('a book of writes', () => {
  it('takes what was written last, and nothing that it covers', async () => {
    const book = new Book()
    book.begin('a', '1', 'one').end('acknowledged')
    await nextMoment()
    book.begin('a', '2', 'two').end('acknowledged')

    expect(book.fault('a', '2')).toBeUndefined()
    expect(book.fault('a', '1')).toBe('a holds 1, and two had written 2 after that')
    expect(book.fault('a', '3')).toBe('a holds 3, which nobody wrote there')
    expect(book.fault('a', null)).toMatch(/holds nothing/)
  })

  it('takes any of what was written at once', () => {
    const book = new Book()
    const [one, two] = [book.begin('a', '1', 'one'), book.begin('a', '2', 'two')]
    one.end('acknowledged')
    two.end('acknowledged')

    expect(book.fault('a', '1')).toBeUndefined()
    expect(book.fault('a', '2')).toBeUndefined()
  })

  it('takes what was never answered as written at any time, or never; and what was refused as never', async () => {
    const book = new Book()
    book.begin('a', '1', 'one').end('unknown')
    await nextMoment()
    book.begin('a', '2', 'two').end('acknowledged')
    await nextMoment()
    book.begin('a', '3', 'three').end('refused')

    expect(book.fault('a', '1')).toBeUndefined()
    expect(book.fault('a', '2')).toBeUndefined()
    expect(book.fault('a', '3')).toMatch(/nobody wrote/)
  })

  it('knows a key that is gone by who has deleted it', async () => {
    const book = new Book()
    book.begin('a', '1', 'one').end('acknowledged')
    await nextMoment()
    book.begin('a', null, 'two').end('acknowledged')
    await nextMoment()

    expect(book.fault('a', null)).toBeUndefined()
    expect(book.fault('a', '1')).toBe('a holds 1, and two had written that it is gone after that')
    expect(book.fault('b', null)).toBeUndefined()
  })
})
