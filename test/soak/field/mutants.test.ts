import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { mutants } from './mutants-list.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')

describe('the mends that the field is tried without', () => {
  it.each(mutants.map((one) => [one.name, one] as const))(
    '%s: its text is there, once',
    async (_, { file, find, replace }) => {
      const text = await readFile(join(root, file), 'utf8')

      expect(text.split(find).length - 1).toBe(1)
      expect(replace).not.toBe(find)
    },
  )
})
