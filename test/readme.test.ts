import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { decimal } from '../functions/bridge/model/attributes/decimal.ts'
import { reference } from '../functions/bridge/model/attributes/reference.ts'
import { text } from '../functions/bridge/model/attributes/text.ts'
import { childRows } from '../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../functions/bridge/model/entity.ts'
import { teamPlaces } from '../infra/team.ts'
import { chef } from './fixtures/entities/chef.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The first block of TypeScript below a heading. */
const codeBelow = (heading: string): string => {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`))
  return /```ts\n(.*?)```/s.exec(section)?.[1] ?? ''
}

describe("the README's list of what is a team's", () => {
  it('has every place', () => {
    const section = readme.slice(readme.indexOf('\n## What is yours\n'))
    const named = [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path)
    expect(named.slice(0, teamPlaces.length)).toEqual(teamPlaces.map(({ path }) => path))
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
