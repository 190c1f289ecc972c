import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decimal } from '../functions/bridge/model/attributes/decimal.ts'
import { reference } from '../functions/bridge/model/attributes/reference.ts'
import { text } from '../functions/bridge/model/attributes/text.ts'
import { childRows } from '../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../functions/bridge/model/entity.ts'
import { chef } from './fixtures/entities/chef.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The first block of TypeScript below a heading. */
const codeBelow = (heading: string): string => {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`))
  return /```ts\n(.*?)```/s.exec(section)?.[1] ?? ''
}

/** All blocks of TypeScript below a heading. */
const codesBelow = (heading: string): string[] => {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`))
  const own = section.slice(0, section.indexOf('\n## ', 1))
  return [...own.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
}

describe("the README's kept tables", () => {
  const sources = ['users', 'user-preferences'].map((file) =>
    readFileSync(new URL(`../functions/tables/${file}.ts`, import.meta.url), 'utf8'),
  )
  const declared = codesBelow('Tables from tables').flatMap((code) => code.trim().split('\n\n'))

  it('are three declarations', () => expect(declared).toHaveLength(3))

  it.each(declared)('are those that the stack has: %s', (code) => {
    expect(sources.some((source) => source.includes(code))).toBe(true)
  })
})

describe("the README's entity", () => {
  const code = codeBelow('Add an entity')

  it('is a valid definition, with a valid example', () => {
    const known = { defineEntity, text, decimal, reference, childRows, chef }
    const define = new Function(...Object.keys(known), code.replace(/export const \w+ =/, 'return'))
    const entity: unknown = define(...Object.values(known))

    expect(entity).toMatchObject({ name: 'dish', children: { sides: { table: 'dish_sides' } } })
  })

  it('takes twenty lines', () => expect(code.trim().split('\n').length).toBeLessThanOrEqual(20))
})
