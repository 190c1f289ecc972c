import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { RowDataPacket } from 'mysql2/promise'
import { InvokeError } from '../../../../functions/bridge/drivers/lambda/errors.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { kindOf } from '../../../../functions/bridge/model/errors.ts'
import type { FunctionCaller } from '../../../../functions/bridge/ports/function-caller.ts'
import { runs } from '../../../support/runs.ts'
import { openTestFunctions, type TestFunctions } from './harness.ts'
import { isDone, keyOf, platterOf, platterTables, remove, upsert } from './platters.ts'

/** What happens to a call: it runs and is answered, or its answer is lost, or it never runs, or its caller dies with it done. */
const FATES = ['answered', 'answered', 'lost', 'not run', 'dies', 'dies before'] as const
type Fate = (typeof FATES)[number]

/** A process that is at an end: nothing of its own is done any more. */
class Died extends Error {}

const named = (name: string) => new InvokeError('platters', Object.assign(new Error(name), { name }))

/** How much of the guard there is. */
const GUARDS: readonly (readonly [name: string, rewrite: (sql: string) => string])[] = [
  // Everybody takes every call over, also those that are under way.
  ['without the claim', (sql) => sql.replaceAll('backsync_calls.until <= UTC_TIMESTAMP(3)', 'TRUE')],
]

const platter = platterOf({ done: isDone, timeout: 5, lanes: 3 })

/** One step of a schedule: a process brings versions of keys, and each of its calls has a fate. */
const step = fc.record({
  changes: fc.array(fc.record({ key: fc.integer({ min: 1, max: 3 }), remove: fc.boolean() }), {
    ...{ minLength: 1, maxLength: 4 },
  }),
  fates: fc.array(fc.constantFrom<Fate>(...FATES), { minLength: 4, maxLength: 4 }),
  /** What the next one meets: that all is over, or that a call of this one is under way, or whatever there is. */
  before: fc.constantFrom('all is over', 'a call', 'anything'),
  /** Whether the time of all claims is over then. */
  late: fc.boolean(),
})
type Step = { changes: { key: number; remove: boolean }[]; fates: Fate[]; before: string; late: boolean }

const openWorld = async (rewrite?: (sql: string) => string) => {
  const functions = await openTestFunctions(
    [platter],
    { platters: { handler: 'platters.handler', timeout: 5 } },
    rewrite,
  )
  for (const statement of platterTables) await functions.aurora.legacy.query(statement)
  return functions
}

/** Plays a schedule, then brings the last version of each key until nothing is left to do. */
const play = async (functions: TestFunctions, steps: readonly Step[]): Promise<string[]> => {
  const { legacy } = functions.aurora
  for (const table of [
    'platters',
    'platter_calls',
    'backsync_tombstones',
    'backsync_records',
    'backsync_calls',
  ])
    await legacy.query(`DELETE FROM ${table}`)
  const versions = new Map<number, number>()
  const last = new Map<number, Change>()
  let overlapping = 0
  const at = new Map<string, number>()
  const caller = (fates: readonly Fate[], begins: () => void): FunctionCaller => {
    const rest = [...fates]
    return {
      invoke: async (name, event, timeout) => {
        const fate = rest.shift() ?? 'answered'
        if (fate === 'not run') throw named('TooManyRequestsException')
        if (fate === 'dies before') throw new Died()
        // Of a delete the path alone tells which row it is.
        const key = /size\\":\d/.exec(event)?.[0] ?? /platters\/\d+/.exec(event)?.[0] ?? event
        at.set(key, (at.get(key) ?? 0) + 1)
        begins()
        if ((at.get(key) ?? 0) > 1) overlapping += 1
        const answer = await functions.caller.invoke(name, event, timeout)
        at.set(key, (at.get(key) ?? 1) - 1)
        if (fate === 'lost') throw named('TimeoutError')
        if (fate === 'dies') throw new Died()
        return answer
      },
    }
  }
  const expected = (error: unknown): void => {
    if (error instanceof Died || kindOf(error) === 'transient') return
    throw error
  }
  const running: Promise<unknown>[] = []
  for (const { changes, fates, before, late } of steps) {
    const batch = changes.map(({ key, remove: removes }) => {
      const version = (versions.get(key) ?? 0) + 1
      versions.set(key, version)
      // It takes a while, so that another one may begin beside it.
      const change = removes ? remove(key, version) : upsert(key, `late 40 ${key} ${version}`, version)
      last.set(key, change)
      return change
    })
    const { promise: begun, resolve: begins } = Promise.withResolvers<void>()
    const process = functions.open({ caller: caller(fates, begins) })
    const ended = process.writer.applyIsolating(platter, batch).catch(expected)
    running.push(ended)
    if (before === 'a call') await Promise.race([begun, ended])
    if (before === 'all is over') await Promise.all(running.splice(0))
    if (before === 'all is over' && late)
      await legacy.query('UPDATE backsync_calls SET until = until - INTERVAL 60 SECOND')
  }
  await Promise.all(running)
  const faults: string[] = overlapping > 0 ? [`${overlapping} calls of one key at once`] : []
  await legacy.query('UPDATE backsync_calls SET until = until - INTERVAL 60 SECOND')
  const end = functions.open()
  const { refused } = await end.writer.applyIsolating(platter, [...last.values()])
  faults.push(...refused.map(({ error }) => `refused in the end: ${error.message}`))
  const [rows] = await legacy.query<RowDataPacket[]>('SELECT title FROM platters ORDER BY title')
  const wanted = [...last.values()].flatMap((change) =>
    change.op === 'upsert' ? [String(change.row.title)] : [],
  )
  if (String(rows.map(({ title }) => title)) !== String(wanted.toSorted()))
    faults.push(`rows ${rows.map(({ title }) => title)} and not ${wanted.toSorted()}`)
  for (const [key, change] of last) {
    const stored = await end.store.get(platter, keyOf(key))
    const version = stored?.version ?? (await end.store.tombstone(platter, keyOf(key)))?.version
    if (version !== change.version) faults.push(`key ${key} at ${version} and not at ${change.version}`)
  }
  const [left] = await legacy.query<RowDataPacket[]>('SELECT entity_key FROM backsync_calls')
  if (left.length > 0) faults.push(`${left.length} calls are left`)
  return faults
}

describe('calls whose callers die and whose answers are lost', () => {
  let functions: TestFunctions
  beforeAll(async () => {
    functions = await openWorld()
  })
  afterAll(() => functions.close())

  it('end with one row for each key, at its last version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        expect(await play(functions, steps)).toEqual([])
      }),
      { ...runs(60, { seed: 7, short: 20 }), endOnFailure: true },
    )
  }, 300_000)
})

describe.each(GUARDS)('the same, %s', (_, rewrite) => {
  let functions: TestFunctions
  beforeAll(async () => {
    functions = await openWorld(rewrite)
  })
  afterAll(() => functions.close())

  it('ends otherwise, or has calls of one key at once', async () => {
    const found = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        expect(await play(functions, steps)).toEqual([])
      }),
      { ...runs(60, { seed: 7, short: 20 }), endOnFailure: true },
    )
    expect(found.failed).toBe(true)
  }, 300_000)
})
