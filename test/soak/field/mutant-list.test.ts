import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { mutants } from './mutant-list.ts'

const root = new URL('../../..', import.meta.url)

describe('a mend that is taken out for the field', () => {
  it.each(mutants)('is in the source once: $name', ({ file, find, replace }) => {
    const text = readFileSync(new URL(file, root), 'utf8')

    expect(text.split(find)).toHaveLength(2)
    expect(replace).not.toBe(find)
  })
})
