import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decimal } from '../functions/bridge/model/attributes/decimal.ts'
import { reference } from '../functions/bridge/model/attributes/reference.ts'
import { text } from '../functions/bridge/model/attributes/text.ts'
import { childRows } from '../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../functions/bridge/model/entity.ts'
import { chef } from '../functions/entities/chef.ts'

const pageAt = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** All blocks of TypeScript of a page; within a list they are indented. */
const codesOf = (path: string): string[] =>
  [...pageAt(path).matchAll(/^ *```ts\n(.*?)```/gms)].map(([, code = '']) => code)

describe("the operator's handbook", () => {
  const sources = ['users', 'user-preferences'].map((file) =>
    readFileSync(new URL(`../functions/tables/${file}.ts`, import.meta.url), 'utf8'),
  )
  const declared = codesOf('infra/cli/README.md').flatMap((code) => code.trim().split('\n\n'))

  it('has three declarations', () => expect(declared).toHaveLength(3))

  it.each(declared)('declares what the stack has: %s', (code) => {
    expect(sources.some((source) => source.includes(code))).toBe(true)
  })
})

describe('the page on entities', () => {
  const [code = ''] = codesOf('functions/entities/README.md')

  it('has a valid definition, with a valid example', () => {
    const known = { defineEntity, text, decimal, reference, childRows, chef }
    const define = new Function(...Object.keys(known), code.replace(/export const \w+ =/, 'return'))
    const entity: unknown = define(...Object.values(known))

    expect(entity).toMatchObject({ name: 'dish', children: { sides: { table: 'dish_sides' } } })
  })

  it('has it in twenty lines', () => expect(code.trim().split('\n').length).toBeLessThanOrEqual(20))
})

describe('the first page', () => {
  const page = pageAt('README.md')

  it('is read in a few minutes', () => expect(page.split('\n').length).toBeLessThanOrEqual(160))

  it('leads to pages that are there', () => {
    const pages = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => path)

    expect(pages.length).toBeGreaterThan(5)
    for (const path of pages) expect(pageAt(path)).toMatch(/^# /)
  })
})
