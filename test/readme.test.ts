import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decimal } from '../functions/bridge/model/attributes/decimal.ts'
import { reference } from '../functions/bridge/model/attributes/reference.ts'
import { text } from '../functions/bridge/model/attributes/text.ts'
import { childRows } from '../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../functions/bridge/model/entity.ts'
import { autoIncrement } from '../functions/bridge/model/identity.ts'
import { teamPlaces } from '../infra/team.ts'
import { chef } from './fixtures/entities/chef.ts'

const pageAt = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

describe('the first page', () => {
  const page = pageAt('README.md')

  it('is read in a few minutes', () => expect(page.split('\n').length).toBeLessThanOrEqual(160))

  it('leads to pages that are there', () => {
    const pages = [...page.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => path)

    expect(pages.length).toBeGreaterThan(5)
    for (const path of pages) expect(pageAt(path)).toMatch(/^# /)
  })
})

describe("the operator's handbook", () => {
  it("lists every place that is a team's", () => {
    const page = pageAt('infra/cli/README.md')
    const section = page.slice(page.indexOf('\n## How do I go to the next release?\n'))
    const named = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path)

    expect(named).toEqual(teamPlaces.map(({ path }) => path))
  })
})

describe('the page on entities', () => {
  const code = /^ *```ts\n(.*?)```/ms.exec(pageAt('functions/entities/README.md'))?.[1] ?? ''

  it('has a valid definition, with a valid example', () => {
    const known = { defineEntity, autoIncrement, text, decimal, reference, childRows, chef }
    const define = new Function(...Object.keys(known), code.replace(/export const \w+ =/, 'return'))
    const entity: unknown = define(...Object.values(known))

    expect(entity).toMatchObject({ name: 'dish', children: { sides: { table: 'dish_sides' } } })
  })

  it('has it in twenty lines', () => expect(code.trim().split('\n').length).toBeLessThanOrEqual(20))
})

describe('the page on the design', () => {
  it('names tests that are there for what is promised', () => {
    const page = pageAt('functions/README.md')
    const section = page.slice(page.indexOf('\n## Promises'), page.indexOf('\n## Errors'))
    const tests = [...section.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)

    expect(tests.length).toBeGreaterThan(8)
    for (const path of tests) expect(pageAt(path)).toContain('expect')
  })
})
