import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'

const handbook = readFileSync(new URL('../../../infra/cli/README.md', import.meta.url), 'utf8')

describe("the kept tables of the operator's handbook", () => {
  const sources = ['users', 'user-preferences'].map((file) =>
    readFileSync(new URL(`../../../functions/sample/tables/${file}.ts`, import.meta.url), 'utf8'),
  )
  const declared = [...handbook.matchAll(/```ts\n(.*?)```/gs)].flatMap(([, code = '']) =>
    code.trim().split('\n\n'),
  )

  it('are three declarations', () => expect(declared).toHaveLength(3))

  it.each(declared)('are those that the sample has: %s', (code) => {
    expect(sources.some((source) => source.includes(code))).toBe(true)
  })
})
