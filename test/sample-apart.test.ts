import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { importsOf, importsSample } from '../infra/cli/init/lists.ts'
import { isOfSample, sample } from '../infra/cli/init/sample.ts'
import { repository } from '../infra/constructs/bundled-code.ts'
import { teamLists, teamPlaces } from '../infra/team.ts'

const read = (path: string): string => readFileSync(join(repository, path), 'utf8')
const modules = globSync('{functions,infra,test}/**/*.{ts,mjs}', { cwd: repository })
const isOfTeam = (path: string): boolean =>
  teamPlaces.some((place) => path === place.path || path.startsWith(`${place.path}/`))

describe('the sample', () => {
  it('is imported by the lists of a team only, and by itself', () => {
    const importers = modules.filter((path) => !isOfSample(path) && importsSample(path, read(path)))
    expect(importers.filter((path) => !teamLists.includes(path))).toEqual([])
  })

  it('is named nowhere else in the product, but where it is removed', () => {
    const naming = /functions\/sample|infra\/sample|sample\/(entities|tables|extensions|users)/
    const others = modules.filter(
      (path) => !isOfSample(path) && !isOfTeam(path) && !path.startsWith('test/') && naming.test(read(path)),
    )
    expect(others).toEqual(['infra/cli/init/sample.ts'])
  })
})

describe("a team's own", () => {
  it('is imported by what reads the lists only: nothing else of the product knows what is in there', () => {
    const others = modules.filter((path) => !isOfSample(path) && !isOfTeam(path))
    const imported = others.flatMap((path) => importsOf(path, read(path)).filter(isOfTeam))
    expect([...new Set(imported)].sort()).toEqual([...teamLists].sort())
  })

  it('has no part in the tests of the product, which have lists of their own', () => {
    const tests = modules.filter((path) => path.startsWith('test/') && !isOfSample(path))
    expect(tests.filter((path) => importsOf(path, read(path)).some(isOfTeam))).toEqual([])
  })

  it('has the migrations that are the sample as long as the sample is there', () => {
    const there = globSync('functions/sample', { cwd: repository }).length > 0
    const found = globSync([...sample.migrations], { cwd: repository }).sort()
    expect(found).toEqual(there ? [...sample.migrations].sort() : [])
  })
})
