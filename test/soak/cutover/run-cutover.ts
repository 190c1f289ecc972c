import { setTimeout as wait } from 'node:timers/promises'
import { comesTrue } from '../faults/until-true.ts'
import { Random } from '../random.ts'
import { check, type Finding } from './checker.ts'
import { Clients } from './clients.ts'
import { Faulty } from './faults.ts'
import { type MovedGround, movedNames } from './ground.ts'
import { Instances } from './instances.ts'
import { Keys } from './keys.ts'
import { Legacy } from './legacy.ts'
import { Moves } from './moves.ts'
import { Recorder } from './recorder.ts'
import { differenceOf, listsOf, readBoth, readLogged } from './stores.ts'
import { Sweeps } from './sweeps.ts'

export type CutoverOptions = {
  readonly seed: number
  readonly instances: number
  /** How many of each there are to be. */
  readonly moves: number
  readonly requests: number
  readonly kills: number
  /** Ends it earlier, in milliseconds: then it is by this that moves and kills are spread. */
  readonly time?: number
  readonly faults: boolean
  /** How long both stores may take to become equal in the end, in milliseconds. */
  readonly patience: number
  readonly progress?: (line: string) => void
}

type Counts = Readonly<Record<string, number>>

export type CutoverResult = {
  readonly seed: number
  readonly engine: string
  readonly seconds: number
  readonly moves: number
  readonly movesByKind: Counts
  readonly requests: number
  readonly requestsPerSecond: number
  readonly clients: number
  readonly instances: number
  readonly kills: number
  readonly answers: Counts
  /** Of answers: half of them came within so many, and so on. */
  readonly milliseconds: Counts
  /** How long a 503 was in coming, at most, in milliseconds. */
  readonly longestRefusal: number
  readonly sql: Counts
  readonly faults: Counts
  readonly sweeps: Counts
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

/** Of each facade, so that some meet at a key, and at a facade that is free. */
const CLIENTS = 1.5
/** The share of requests that may be answered with 503, where things go wrong. */
const REFUSED = 0.05
/** Facades have so long to answer what they have begun, in milliseconds. */
const LAST_MS = 35_000
const SWEPT = 0.6
const KILLED = 0.3
const FROZEN = 0.1

/** Has clients, legacy programs, moves, sweeps and faults at work on the same keys, and then checks all that was answered. */
export const runCutover = async (ground: MovedGround, options: CutoverOptions): Promise<CutoverResult> => {
  const {
    seed,
    instances: count,
    moves: mostMoves,
    requests: mostRequests,
    time,
    progress = () => {},
  } = options
  const random = new Random(`cutover ${seed}`)
  const keys = new Keys(random.fork('keys'))
  const recorder = new Recorder()
  const moves = new Moves(ground, keys, random.fork('moves'))
  const sweeps = new Sweeps(ground, random.fork('sweeps'))
  await moves.begin()
  const instances = await Instances.open(ground, count, random.fork('instances'))
  const faulty = new Faulty(ground, instances, random.fork('faults'))
  const clients = Math.ceil(count * CLIENTS)
  const of = { instances, keys, recorder, random: random.fork('clients') }
  const crowd = new Clients(of)
  const legacy = new Legacy({ ground, keys, recorder, random: random.fork('legacy') })
  const driver = random.fork('driver')
  const problems: string[] = []
  const started = performance.now()
  const stop = new AbortController()
  let kills = 0

  const done = (): number =>
    Math.max(recorder.requests / mostRequests, time === undefined ? 0 : (performance.now() - started) / time)
  let sweeping: Promise<void> | undefined
  const drive = async (): Promise<void> => {
    for (;;) {
      const at = done()
      if (at >= 1 && moves.made >= mostMoves && (kills >= options.kills || !options.faults)) return
      if (moves.made < Math.min(1, at) * mostMoves) {
        const entity = await moves.step()
        if (sweeping === undefined && driver.chance(SWEPT)) {
          const luck = options.faults ? driver.next() : 1
          const fate = luck < KILLED ? 'killed' : luck < KILLED + FROZEN ? 'frozen' : 'end'
          sweeping = sweeps.run(entity, fate).then(() => {
            sweeping = undefined
            sweeps.thaw()
          })
        }
      }
      if (options.faults && kills < Math.min(1, at) * options.kills && (await instances.kill())) kills += 1
      await wait(20)
    }
  }
  const told = setInterval(
    () =>
      progress(`${recorder.requests} requests, ${moves.made} moves, ${kills} kills, ${keys.all.length} keys`),
    10_000,
  )
  const working = [
    ...Array.from({ length: clients }, (_, at) => crowd.run(`client ${at}`, stop.signal)),
    ...[150, 150, 300].map((pause, at) => legacy.run(stop.signal, pause, at === 2)),
    ...(options.faults ? [faulty.run(700, stop.signal)] : []),
  ]
  try {
    await Promise.race([drive(), Promise.all(working).then(() => new Promise<never>(() => {}))])
  } finally {
    stop.abort()
    clearInterval(told)
    faulty.clear()
    instances.thaw()
  }
  const seconds = (performance.now() - started) / 1000
  await Promise.all(working)
  await comesTrue(LAST_MS, () => instances.busy === 0)
  recorder.close()
  await instances.close()
  await sweeping
  sweeps.thaw()

  const quietFrom = performance.now()
  await moves.thaw()
  const listed = await settle(ground, sweeps, options.patience, problems)
  await sweeps.close()
  const owned = await compare(ground, recorder, listed, problems)
  const quietAfterSeconds = (performance.now() - quietFrom) / 1000

  const refused = [...recorder.answers]
    .filter(([name]) => name.startsWith('503'))
    .reduce((sum, [, n]) => sum + n, 0)
  if (refused > recorder.requests * REFUSED)
    problems.push(`${refused} of ${recorder.requests} requests were answered with 503`)
  problems.push(...new Set(recorder.faults))
  const checking = performance.now()
  const { findings, keys: checked, longest } = check(recorder.history)
  return {
    ...{ seed, engine: ground.stack.servers.mysql, seconds: Math.round(seconds) },
    ...{ moves: moves.made, movesByKind: sorted(moves.counts), requests: recorder.requests },
    requestsPerSecond: Math.round(recorder.requests / seconds),
    ...{ clients, instances: count, kills, answers: sorted(recorder.answers) },
    milliseconds: percentiles(recorder.times),
    longestRefusal: Math.round(recorder.longestRefusal),
    ...{ sql: sorted(legacy.counts), faults: sorted(faulty.counts), sweeps: { ...sweeps.counts } },
    ...{ history: recorder.history.length, keys: checked, longestKey: longest },
    checkedInSeconds: tenths((performance.now() - checking) / 1000),
    quietAfterSeconds: tenths(quietAfterSeconds),
    ...{ owned, problems, findings },
  }
}

const sorted = (counts: ReadonlyMap<string, number>): Counts => Object.fromEntries([...counts].toSorted())
const percentiles = (times: readonly number[]): Counts => {
  const inOrder = times.toSorted((one, other) => one - other)
  const at = (share: number): number => Math.round(inOrder[Math.floor((inOrder.length - 1) * share)] ?? 0)
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) }
}
const tenths = (value: number): number => Math.round(value * 10) / 10

/**
 * Sweeps all routes to their ends, so that nothing is half done, and waits until both stores hold the same.
 *
 * @returns tells which keys are listed
 */
const settle = async (
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
      problems.push(`${name} is listed, though nothing but the bridge, plain SQL and its own code wrote it`)
      continue
    }
    const held = item?.owner === 'dynamo' ? item : row
    if (held !== undefined) owned[held.owner] += 1
    recorder.add({
      ...{
        key: name,
        asked: { do: 'read' },
        from,
        until: performance.now(),
        by: 'what its owner holds in the end',
      },
      answer:
        held === undefined ? { is: 'absent' } : { is: 'found', value: held.value, version: held.version },
    })
  }
  return owned
}
