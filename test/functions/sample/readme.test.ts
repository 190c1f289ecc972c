import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

/** All blocks of TypeScript below a heading. */
const codesBelow = (heading: string): string[] => {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`))
  const own = section.slice(0, section.indexOf('\n## ', 1))
  return [...own.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code)
}

describe("the README's kept tables", () => {
  const sources = ['users', 'user-preferences'].map((file) =>
    readFileSync(new URL(`../../../functions/sample/tables/${file}.ts`, import.meta.url), 'utf8'),
  )
  const declared = codesBelow('Tables from tables').flatMap((code) => code.trim().split('\n\n'))

  it('are three declarations', () => expect(declared).toHaveLength(3))

  it.each(declared)('are those that the sample has: %s', (code) => {
    expect(sources.some((source) => source.includes(code))).toBe(true)
  })
})
