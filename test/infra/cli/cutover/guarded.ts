import { expect, jest } from '@jest/globals'
import type { InvocationContext } from '../../../../functions/bridge/runtime/deadline.ts'
import { readEmf } from '../../../../infra/local/metrics/emf.ts'
import { httpApiEvent } from '../../../functions/fixtures/http-events.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

type Handler = (event: unknown, context: InvocationContext) => Promise<unknown>
const context: InvocationContext = { awsRequestId: 'request', getRemainingTimeInMillis: () => 20_000 }
export const MINUTE = 60_000

/** A stack whose facade is called and whose guard looks, by their functions; only the clock is set. */
export type Guarded = {
  readonly stack: TestStack
  /** What the guard's function has published: name, entity, value. */
  readonly alarms: (readonly (string | number)[])[]
  now(): number
  /** Lets time pass in which nothing happens, in milliseconds. */
  pass(time: number): void
  cutover(...args: string[]): ReturnType<TestStack['run']>
  moveTo(...to: string[]): Promise<void>
  look(): Promise<unknown>
  /** One minute in which clients read chefs, by key and how often; and one more look of the guard. */
  minute(requests: Readonly<Record<string, number>>): Promise<unknown>
  /** As long as what was on its way at a move doesn't count. */
  settle(): Promise<void>
  /** Until what was measured is known. @returns what the guard makes of it */
  arrive(): Promise<unknown>
  /** What the command tells of the guard on chefs. */
  guardIn(): Promise<unknown>
  /** Has whatever is answered now take longer, in milliseconds: the machine's own haste is no part of what is timed. */
  takes(time: number): void
  close(): Promise<void>
}

/** What the guard's function answers where nothing happens. */
export const quietly = { judged: ['chef'], stepped: [], held: [], unjudged: [] }

/** @param env of the functions, beside what the stack gives them */
export const openGuarded = async (env: Readonly<Record<string, string>> = {}): Promise<Guarded> => {
  const before = { ...process.env }
  const stack = await openTestStack({ owned: ['chef', 'recipe'] })
  Object.assign(
    process.env,
    stack.functionSettings,
    {
      ...{ IDEMPOTENCY_TABLE: 'none', LOG_LEVEL: 'error' },
      LATE: JSON.stringify({ aurora: MINUTE, dynamo: MINUTE }),
    },
    env,
  )
  const facade: Handler = (await import('../../../../functions/cutover/handler.ts')).handler
  const guard: Handler = (await import('../../../../functions/operations/guard.ts')).handler
  // In the middle of a minute: what is measured in it is of that minute.
  let now = Math.floor(Date.now() / MINUTE) * MINUTE + MINUTE / 2
  const alarms: (readonly (string | number)[])[] = []
  const publish = (line: string): void => {
    for (const one of readEmf(line)) {
      stack.metrics.record(one)
      if (one.service === 'guard') alarms.push([one.name, one.entity, ...one.values])
    }
  }
  let clock = 0
  jest.spyOn(performance, 'now').mockImplementation(() => clock)
  jest.spyOn(Date, 'now').mockImplementation(() => now)
  // What functions print is where Lambda takes their metrics from.
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    publish(String(text))
    return true
  })
  await stack.aurora.legacy.query("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'Ada', 'Cook')")
  const own = { backsync_owner: { S: 'dynamo' }, backsync_epoch: { N: '0' } }
  await stack.put('chef', 'fine', 1, { firstName: { S: 'Bea' }, lastName: { S: 'Baker' }, ...own })
  // No text: whoever reads it is answered 500.
  await stack.put('chef', 'broken', 1, { firstName: { N: '7' }, lastName: { S: 'Baker' }, ...own })

  const cutover = (...args: string[]) => stack.run('cutover', ...args)
  const look = () => guard({}, context)
  const minute = async (requests: Readonly<Record<string, number>>): Promise<unknown> => {
    now += MINUTE
    // What is known of a route is read anew.
    clock += MINUTE
    for (const [key, times] of Object.entries(requests))
      for (let n = 0; n < times; n++) await facade(httpApiEvent('GET', `/chefs/${key}`), context)
    return look()
  }
  return {
    ...{ stack, alarms, cutover, look, minute },
    takes: (time) => {
      clock += time
    },
    now: () => now,
    pass: (time) => {
      now += time
    },
    moveTo: async (...to) => {
      const { code, stderr } = await cutover('set', 'chef', ...to, '--force', '--why', 'a test', '--yes')
      expect([code, stderr]).toEqual([0, ''])
    },
    settle: async () => {
      for (let n = 0; n < 2; n++) expect(await minute({})).toEqual(quietly)
    },
    arrive: async () => {
      for (let n = 0; n < 2; n++) expect(await minute({})).toEqual(quietly)
      return minute({})
    },
    guardIn: async () =>
      Object(
        jsonLines((await cutover('status', '--json')).stdout).find((one) => Object(one).entity === 'chef'),
      ).guard,
    close: async () => {
      jest.restoreAllMocks()
      process.env = before
      await stack.close()
    },
  }
}
