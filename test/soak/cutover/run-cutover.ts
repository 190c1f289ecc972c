import { comesTrue } from '../faults/until-true.ts'
import { check, type Finding } from './checker.ts'
import { Crowd, type CrowdFigures, type CrowdOptions } from './crowd.ts'
import type { MovedGround } from './ground.ts'
import { movedNames } from './moved.ts'
import type { Recorder } from './recorder.ts'
import { differenceOf, listsOf, readBoth, readLogged } from './stores.ts'
import type { Sweeps } from './sweeps.ts'

export type CutoverOptions = CrowdOptions & {
  /** How long both stores may take to become equal in the end, in milliseconds. */
  readonly patience: number
}

export type CutoverResult = CrowdFigures & {
  readonly seed: number
  readonly engine: string
  /** Operations of the history, of so many keys, of which one has at most so many. */
  readonly history: number
  readonly keys: number
  readonly longestKey: number
  readonly checkedInSeconds: number
  readonly quietAfterSeconds: number
  /** Keys that each store owns in the end, and those that are listed. */
  readonly owned: Readonly<Record<'aurora' | 'dynamo' | 'listed', number>>
  /** What is wrong beside the history, a line each. */
  readonly problems: readonly string[]
  readonly findings: readonly Finding[]
}

/**
 * The share of requests that may be answered with a 503, of each of its kinds, where so much goes wrong: that it can't be served, and
 * that nobody knows what became of it. Of fewer requests it says nothing.
 */
const REFUSED = 0.1
const MANY = 1_000

/** Has a crowd at work on the same keys, and then checks all that was answered, and what both stores hold. */
export const runCutover = async (ground: MovedGround, options: CutoverOptions): Promise<CutoverResult> => {
  const crowd = new Crowd(ground, options)
  const { recorder, moves, sweeps } = crowd
  const problems: string[] = []
  await moves.begin()
  try {
    await crowd.work(1)
    const quietFrom = performance.now()
    await moves.thaw()
    const isListed = await settle(ground, sweeps, options.patience, problems)
    const owned = await compare(ground, recorder, isListed, problems)
    const quietAfterSeconds = (performance.now() - quietFrom) / 1000
    problems.push(...refusedTooOften(recorder), ...new Set(recorder.faults))
    const checking = performance.now()
    const { findings, keys, longest } = check(recorder.history)
    return {
      ...{ seed: options.seed, engine: ground.stack.servers.mysql, ...crowd.figures() },
      ...{ history: recorder.history.length, keys, longestKey: longest },
      checkedInSeconds: tenths((performance.now() - checking) / 1000),
      quietAfterSeconds: tenths(quietAfterSeconds),
      ...{ owned, problems, findings },
    }
  } finally {
    await sweeps.close()
  }
}

const tenths = (value: number): number => Math.round(value * 10) / 10

const refusedTooOften = ({ answers, requests }: Recorder): readonly string[] =>
  [...answers].flatMap(([name, times]) =>
    name.startsWith('503') && requests >= MANY && times > requests * REFUSED
      ? [`${times} of ${requests} requests were answered with ${name}`]
      : [],
  )

/**
 * Sweeps all routes to their ends, so that nothing is half done, and waits until both stores hold the same.
 *
 * @returns tells which keys are listed
 */
export const settle = async (
  ground: MovedGround,
  sweeps: Sweeps,
  patience: number,
  problems: string[],
): Promise<ReturnType<typeof listsOf>> => {
  const isListed = listsOf(ground)
  for (const entity of movedNames) {
    let last = await sweeps.run(entity, 'end', true)
    const isSettled = await comesTrue(patience, async () => {
      if (last?.settled === true) return true
      last = await sweeps.run(entity, 'end', true)
      return last?.settled === true
    })
    // What can't be moved is listed; nothing else may be left.
    if (!isSettled)
      problems.push(`the route of ${entity} is not settled: ${JSON.stringify(last).slice(0, 2_000)}`)
  }
  const differing = async (): Promise<string[]> => {
    const wrong: string[] = []
    for (const one of await readBoth(ground)) {
      const difference = differenceOf(one)
      if (difference !== undefined && !(await isListed(one))) wrong.push(difference)
    }
    return wrong
  }
  const isQuiet = async (): Promise<boolean> =>
    (await readLogged(ground)) === 0 && (await differing()).length === 0
  if (!(await comesTrue(patience, isQuiet))) {
    problems.push(...(await differing()))
    const logged = await readLogged(ground)
    if (logged > 0) problems.push(`${logged} rows are still in the log`)
  }
  return isListed
}

/** What the owners hold in the end is what a last reader would have seen. */
const compare = async (
  ground: MovedGround,
  recorder: Recorder,
  isListed: ReturnType<typeof listsOf>,
  problems: string[],
): Promise<CutoverResult['owned']> => {
  const owned = { aurora: 0, dynamo: 0, listed: 0 }
  const both = new Map((await readBoth(ground)).map((one) => [one.name, one]))
  const from = performance.now()
  for (const name of new Set(recorder.history.flatMap(({ key }) => key ?? []))) {
    const one = both.get(name)
    const { item, row } = one ?? {}
    if (one !== undefined && (await isListed(one))) {
      owned.listed += 1
      problems.push(`${name} is listed, though nothing but the bridge and plain SQL wrote it`)
      continue
    }
    const held = item?.owner === 'dynamo' ? item : row
    if (held !== undefined) owned[held.owner] += 1
    const until = performance.now()
    recorder.add({
      ...{ key: name, asked: { do: 'read' }, from, until, by: 'what its owner holds in the end' },
      answer:
        held === undefined ? { is: 'absent' } : { is: 'found', value: held.value, version: held.version },
    })
  }
  return owned
}
