import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { settled, transcriptsOf } from '../../../support/transcripts.ts'
import { jsonLines } from '../harness.ts'
import { type Guarded, MINUTE, openGuarded, quietly } from './guarded.ts'

/** What the handbook shows of it. */
const [shownStatus, shownHistory] = transcriptsOf(
  readFileSync(resolve('infra/cli/README.md'), 'utf8'),
  'console of-guard',
)

/** How slow this machine's answers are is its own. */
const shown = (text: string): string => settled(text).replace(/^ ?slow answers: .*$/m, 'slow answers')

describe('a guard over routes that are on their way', () => {
  let world: Guarded
  beforeAll(async () => {
    world = await openGuarded()
  }, 60_000)
  afterAll(() => world.close())

  const cutover: Guarded['cutover'] = (...args) => world.cutover(...args)
  const minute: Guarded['minute'] = (requests) => world.minute(requests)
  const quiet = { '1': 40, fine: 25 }

  it('looks at none that nobody moves', async () => {
    expect(await minute(quiet)).toEqual({ judged: [], stepped: [], held: [], unjudged: [] })
    expect((await cutover('status')).stdout).not.toContain('guard')
    expect(await world.guardIn()).toBeNull()
  })

  it('says of one that was just moved that nobody has looked, how much lacks, and from when on it counts', async () => {
    await world.moveTo('mirrored')
    await world.moveTo('shadow')
    await world.moveTo('live', '--percent', '20', '--allow', 'fine,broken', '--deny', '1')
    expect((await cutover('status')).stdout).toMatch(
      /^chef +cannot tell; nobody has looked yet +errors: 0 of 0 +worse 0 %, as good 0 % +at least \d+ requests$/m,
    )
    expect(await world.look()).toEqual(quietly)
    const from = new Date(world.now() + MINUTE).toISOString()
    expect((await cutover('status')).stdout).toContain(`cannot tell; what is seen counts from ${from} on`)
  })

  it('leaves one alone that is quiet, and tells what it has seen, how near that is to a verdict, and what lacks', async () => {
    await world.settle()
    for (let n = 0; n < 5; n++) expect(await minute(quiet)).toEqual(quietly)
    const { stdout } = await cutover('status')
    expect(stdout).toMatch(/^chef +cannot tell +errors: 0 of 50, beside 0 of 80 .* at least \d+ requests$/m)
    expect(shown(stdout)).toBe(shown(shownStatus?.expected ?? ''))
    const report = await world.guardIn()
    expect(report).toMatchObject({
      ...{ verdict: 'cannot tell', note: null, lookedAt: new Date(world.now()).toISOString() },
    })
    const [asked] = Object(report).signals
    expect(asked).toMatchObject({ cohort: { looks: 50, bad: 0 }, control: { looks: 80, bad: 0 } })
    // So many more, and it is called as good.
    const lacks = Number(/\d+/.exec(asked.lacks)?.[0])
    for (let left = lacks; left > 0; left -= 25) await minute({ '1': 5, fine: 25 })
    await world.arrive()
    const [error] = Object(await world.guardIn()).signals
    expect(error).toMatchObject({ signal: 'error', verdict: 'as good', lacks: null })
    expect((await cutover('status')).stdout).toMatch(/^chef .* errors: .*as good 100 % +-$/m)
  }, 60_000)

  it('finds errors, steps back by them, and says by which it was', async () => {
    world.alarms.length = 0
    await minute({ '1': 60, fine: 28, broken: 12 })
    const found = await world.arrive()
    expect(found).toMatchObject({ judged: ['chef'], stepped: ['chef'] })
    expect(world.alarms).toContainEqual(['StepsBack', 'chef', 1])

    const { stdout } = await cutover('history', 'chef')
    expect(stdout).toMatch(/^4 +\S+ +live 20 % +live 5 % +guard +errors: 12 of \d+, beside 0 of \d+$/m)
    expect(settled(stdout)).toBe(settled(shownHistory?.expected ?? ''))
    const [last] = jsonLines((await cutover('history', 'chef', '--json')).stdout)
    expect(last).toMatchObject({
      ...{ by: 'guard', to: { stage: 'live', percent: 5 } },
      evidence: [{ signal: 'error', by: 'above', cohort: { bad: 12 } }],
    })
    expect(await cutover('status')).toMatchObject({
      stdout: expect.stringContaining('cannot tell; nobody has looked since the last move'),
    })
  })

  it('steps back no further for what it has answered already, and does for what goes on', async () => {
    const bad = { '1': 10, fine: 20, broken: 10 }
    // Five minutes of rest from its next look on; and what is seen then is known three later.
    for (let n = 0; n < 9; n++) expect(await minute(bad)).toEqual(quietly)
    expect(await minute(bad)).toMatchObject({ stepped: ['chef'] })
    expect((await cutover('history', 'chef')).stdout).toMatch(/^5 +\S+ +live 5 % +live 1 % +guard +errors/m)
  }, 60_000)

  it('tells of one that is worse and that somebody holds', async () => {
    await cutover('freeze', 'chef', '--why', 'we look at it', '--yes')
    world.alarms.length = 0
    for (let n = 0; n < 11; n++) await minute({ '1': 10, fine: 20, broken: 10 })
    expect(world.alarms).toContainEqual(['WorseHeld', 'stack', 1])
    expect(world.alarms.filter(([name]) => name === 'StepsBack')).toEqual([])
    expect((await cutover('status')).stdout).toMatch(/^chef +worse +errors: .*worse 100 %, /m)
    await cutover('freeze', 'chef', '--thaw', '--yes')
    expect(await minute({})).toMatchObject({ stepped: ['chef'], held: [] })
  }, 60_000)

  it('says of a guard that has stopped since when it has', async () => {
    await minute({})
    const last = new Date(world.now()).toISOString()
    world.pass(6 * MINUTE)
    expect((await cutover('status')).stdout).toContain(`nobody has looked since ${last}`)
  })
})
