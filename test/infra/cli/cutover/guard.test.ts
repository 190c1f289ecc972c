import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { InvocationContext } from '../../../../functions/bridge/runtime/deadline.ts'
import { readEmf } from '../../../../infra/local/metrics/emf.ts'
import { httpApiEvent } from '../../../functions/fixtures/http-events.ts'
import { settled, transcriptsOf } from '../../../support/transcripts.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

type Handler = (event: unknown, context: InvocationContext) => Promise<unknown>
const context: InvocationContext = { awsRequestId: 'request', getRemainingTimeInMillis: () => 20_000 }
const MINUTE = 60_000
/** What the handbook shows of it. */
const [shownStatus, shownHistory] = transcriptsOf(
  readFileSync(resolve('infra/cli/README.md'), 'utf8'),
  'console of-guard',
)

/** The facade's function and the guard's, over the stores and the metrics of a stack; only the clock is set. */
describe('a guard over routes that are on their way', () => {
  let stack: TestStack
  let facade: Handler
  let guard: Handler
  const before = { ...process.env }
  // In the middle of a minute: what is measured in it is of that minute.
  let now = Math.floor(Date.now() / MINUTE) * MINUTE + MINUTE / 2
  const alarms: (readonly (string | number)[])[] = []

  beforeAll(async () => {
    stack = await openTestStack({ owned: ['chef', 'recipe'] })
    Object.assign(process.env, stack.functionSettings, { IDEMPOTENCY_TABLE: 'none', LOG_LEVEL: 'error' })
    facade = (await import('../../../../functions/cutover/handler.ts')).handler
    guard = (await import('../../../../functions/operations/guard.ts')).handler
    jest.spyOn(Date, 'now').mockImplementation(() => now)
    // What functions print is where Lambda takes their metrics from.
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      for (const one of readEmf(String(text))) {
        stack.metrics.record(one)
        if (one.service === 'guard') alarms.push([one.name, one.entity, ...one.values])
      }
      return true
    })
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'Ada', 'Cook')",
    )
    const own = { backsync_owner: { S: 'dynamo' }, backsync_epoch: { N: '0' } }
    await stack.put('chef', 'fine', 1, { firstName: { S: 'Bea' }, lastName: { S: 'Baker' }, ...own })
    // No text: whoever reads it is answered 500.
    await stack.put('chef', 'broken', 1, { firstName: { N: '7' }, lastName: { S: 'Baker' }, ...own })
  }, 60_000)
  afterAll(async () => {
    jest.restoreAllMocks()
    process.env = before
    await stack.close()
  })

  const cutover = (...args: string[]) => stack.run('cutover', ...args)
  const moveTo = async (...to: string[]): Promise<void> => {
    const { code, stderr } = await cutover('set', 'chef', ...to, '--force', '--why', 'a test', '--yes')
    expect([code, stderr]).toEqual([0, ''])
  }
  const read = async (key: string, times: number): Promise<void> => {
    for (let n = 0; n < times; n++) await facade(httpApiEvent('GET', `/chefs/${key}`), context)
  }
  /** One minute of clients, and one more look of the guard. */
  const minute = async (requests: Readonly<Record<string, number>>): Promise<unknown> => {
    now += MINUTE
    for (const [key, times] of Object.entries(requests)) await read(key, times)
    return guard({}, context)
  }
  const none = { judged: ['chef'], stepped: [], held: [], unjudged: [] }
  const quiet = { '1': 40, fine: 25 }
  /** As long as what was on its way at a move doesn't count. */
  const settle = async (): Promise<void> => {
    for (let n = 0; n < 2; n++) expect(await minute({})).toEqual(none)
  }
  /** Until what was measured is known. @returns what the guard makes of it */
  const arrive = async (): Promise<unknown> => {
    for (let n = 0; n < 2; n++) expect(await minute({})).toEqual(none)
    return minute({})
  }
  const guardIn = async (): Promise<unknown> =>
    Object(jsonLines((await cutover('status', '--json')).stdout).find((one) => Object(one).entity === 'chef'))
      .guard

  it('looks at none that nobody moves', async () => {
    expect(await minute(quiet)).toEqual({ judged: [], stepped: [], held: [], unjudged: [] })
    expect((await cutover('status')).stdout).not.toContain('guard')
    expect(await guardIn()).toBeNull()
  })

  it('says of one that was just moved that nobody has looked, how much lacks, and from when on it counts', async () => {
    await moveTo('mirrored')
    await moveTo('shadow')
    await moveTo('live', '--percent', '20', '--allow', 'fine,broken', '--deny', '1')
    expect((await cutover('status')).stdout).toMatch(
      /^chef +cannot tell; nobody has looked yet +errors: 0 of 0 +worse 0 %, as good 0 % +at least \d+ requests$/m,
    )
    expect(await guard({}, context)).toEqual(none)
    const from = new Date(now + MINUTE).toISOString()
    expect((await cutover('status')).stdout).toContain(`cannot tell; what is seen counts from ${from} on`)
  })

  it('leaves one alone that is quiet, and tells what it has seen, how near that is to a verdict, and what lacks', async () => {
    await settle()
    for (let n = 0; n < 5; n++) expect(await minute(quiet)).toEqual(none)
    const { stdout } = await cutover('status')
    expect(stdout).toMatch(/^chef +cannot tell +errors: 0 of 50, beside 0 of 80 .* at least \d+ requests$/m)
    expect(settled(stdout)).toBe(settled(shownStatus?.expected ?? ''))
    const report = await guardIn()
    expect(report).toMatchObject({
      ...{ verdict: 'cannot tell', note: null, lookedAt: new Date(now).toISOString() },
      signals: [{ signal: 'error', cohort: { looks: 50, bad: 0 }, control: { looks: 80, bad: 0 } }],
    })
    // So many more, and it is called as good.
    const { lacks } = Object(report)
    for (let left = lacks; left > 0; left -= 25) await minute({ '1': 5, fine: 25 })
    await arrive()
    expect(await guardIn()).toMatchObject({ verdict: 'as good', lacks: null })
    expect((await cutover('status')).stdout).toMatch(/^chef +as good .*as good 100 % +-$/m)
  }, 60_000)

  it('finds errors, steps back by them, and says by which it was', async () => {
    alarms.length = 0
    await minute({ '1': 60, fine: 28, broken: 12 })
    const found = await arrive()
    expect(found).toMatchObject({ judged: ['chef'], stepped: ['chef'] })
    expect(alarms).toContainEqual(['StepsBack', 'chef', 1])

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
    for (let n = 0; n < 9; n++) expect(await minute(bad)).toEqual(none)
    expect(await minute(bad)).toMatchObject({ stepped: ['chef'] })
    expect((await cutover('history', 'chef')).stdout).toMatch(/^5 +\S+ +live 5 % +live 1 % +guard +errors/m)
  }, 60_000)

  it('tells of one that is worse and that somebody holds', async () => {
    await cutover('freeze', 'chef', '--why', 'we look at it', '--yes')
    alarms.length = 0
    for (let n = 0; n < 11; n++) await minute({ '1': 10, fine: 20, broken: 10 })
    expect(alarms).toContainEqual(['WorseHeld', 'stack', 1])
    expect(alarms.filter(([name]) => name === 'StepsBack')).toEqual([])
    expect((await cutover('status')).stdout).toMatch(/^chef +worse +errors: .*worse 100 %, /m)
    await cutover('freeze', 'chef', '--thaw', '--yes')
    expect(await minute({})).toMatchObject({ stepped: ['chef'], held: [] })
  }, 60_000)

  it('says of a guard that has stopped since when it has', async () => {
    await minute({})
    const last = new Date(now).toISOString()
    now += 6 * MINUTE
    expect((await cutover('status')).stdout).toContain(`nobody has looked since ${last}`)
  })
})
