import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { mutants as both } from './both/mutant-list.ts'
import { mutants as cutover } from './cutover/mutant-list.ts'
import { mutants as field } from './field/mutant-list.ts'
import { tested } from './field/tested-list.ts'

const root = new URL('../..', import.meta.url)

describe('what is taken out of the source to see that a soak sees it', () => {
  it.each([...field, ...tested, ...both, ...cutover])(
    'is in the source once: $name',
    ({ file, find, replace }) => {
      const text = readFileSync(new URL(file, root), 'utf8')

      expect(text.split(find)).toHaveLength(2)
      expect(replace).not.toBe(find)
    },
  )
})
