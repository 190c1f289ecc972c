import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { compareStores, type Difference } from './compare/compare.ts'
import { readItems } from './compare/items.ts'
import { type Health, readHealth } from './compare/rows.ts'
import { replay, replays } from './faults/replays.ts'
import { FaultSchedule } from './faults/schedule.ts'
import { comesTrue } from './faults/until-true.ts'
import type { Ground, SoakEntity } from './ground.ts'
import { compareKept } from './kept/compare.ts'
import { KeptWriters } from './kept/writers.ts'
import { becomeQuiet } from './quiet.ts'
import { Random } from './random.ts'
import { Tape } from './tape.ts'
import { openParking, retryAllParked } from './write-back.ts'
import { Writers } from './writers/writers.ts'

export type SoakOptions = {
  readonly seed: number
  /** Writes a second. */
  readonly rate: number
  /** How long is written, in milliseconds; or until each fault has hit, at most so long. */
  readonly time: number
  readonly untilEachFault?: boolean
  /** The longest pause between two faults, in milliseconds. */
  readonly pause: number
  /** Ends the writing early; the comparison is made all the same. */
  readonly signal?: AbortSignal
  /** Compares what this run has written, and not what else is in the stores. */
  readonly touchedOnly?: boolean
  /** Called every ten seconds. */
  readonly progress?: (progress: Progress) => void
}

export type Progress = {
  readonly seconds: number
  readonly writes: number
  readonly applied: number
  readonly parked: number
  readonly faults: number
  /** The median lag of all changes so far, in milliseconds. */
  readonly lag: number
}

export type SoakResult = {
  readonly seed: number
  readonly engine: string
  readonly seconds: number
  readonly writes: number
  readonly writesByKind: Readonly<Record<string, number>>
  readonly streamRecords: number
  readonly faults: Readonly<Record<string, number>>
  /** Faults that have not hit once: the run says nothing of them. */
  readonly missingFaults: readonly string[]
  readonly keys: number
  readonly divergences: readonly Difference[]
  /** Keys that the API acknowledged and DynamoDB doesn't hold like that. */
  readonly unacknowledged: readonly string[]
  /** Keys that are parked in the end, by the reason's code. */
  readonly parked: Readonly<Record<string, number>>
  /** Keys that nothing but a retry by hand has set right. */
  readonly onlyByRetry: readonly Difference[]
  readonly health: Health
  /** What is wrong besides divergences. */
  readonly problems: readonly string[]
  readonly quietAfterSeconds: number
  /** Batches that the event source mappings gave up on, and filed at the failure destination. */
  readonly givenUp: number
}

const PROGRESS_MS = 10_000
/** Writes a second to the tables that others are kept by. */
const KEPT_RATE = 10
/** How long kept tables may be behind after the last write, in milliseconds. */
const KEPT_PATIENCE = 90_000
const TAPE_MS = 250
/** Ids that a table may use for each insert: one that is rolled back, or reserved and not used, is lost. */
const IDS_PER_INSERT = 4
const SPARE_IDS = 500

/** Writes, injects faults, waits for quiet, and compares the two stores. */
export const runSoak = async (ground: Ground, options: SoakOptions): Promise<SoakResult> => {
  const { seed, touchedOnly = false } = options
  const random = new Random(String(seed))
  const tapes = [
    await Tape.open(ground, 'chef', random.fork('tape of chefs')),
    await Tape.open(ground, 'recipe', random.fork('tape of recipes')),
  ]
  const writers = new Writers(ground, random, { seed, run: `soak${seed}` })
  const keptWriters = new KeptWriters(ground, random.fork('kept tables'), `soak${seed}`)
  let landedAt = 0
  const landsBy = (at: number): void => {
    landedAt = Math.max(landedAt, at)
  }
  const scene = { ground, tapes, random: random.fork('injections'), landsBy }
  const faults = new FaultSchedule(scene, random.fork('faults'))

  const started = performance.now()
  await writeUnderFaults({ ground, tapes, writers, keptWriters, faults }, options)
  const quietFrom = performance.now()
  // What is oldest comes last: without a guard, it would stay.
  for (const tape of tapes)
    for (const name of ['repeated old batch', 'reordered redelivery'] as const)
      await replay(ground, ground.backSync, replays[name](tape, random))
  await becomeQuiet(ground, tapes, { landedAt, within: 180_000 })
  // Their streams are behind for as long as they are: what differs then, will.
  await comesTrue(KEPT_PATIENCE, async () => (await compareKept(ground)).length === 0)
  const quietAfterSeconds = (performance.now() - quietFrom) / 1000

  const parking = openParking(ground)
  const first = await compareStores(ground, tapes, parking, { touchedOnly })
  await retryAllParked(ground, parking)
  const second = await compareStores(ground, tapes, parking, { touchedOnly })
  const still = new Set(second.parked.map(nameOf))
  const divergences = [...first.divergences, ...second.divergences]
  const sql = await ground.sql()
  const health = await readHealth(sql).finally(() => sql.end())
  const onlyByRetry = first.parked.filter(
    (one) => !still.has(nameOf(one)) && !second.divergences.some((other) => nameOf(other) === nameOf(one)),
  )
  const unacknowledged = await lostAcknowledgements(ground, writers)
  return {
    seed,
    engine: ground.stack.servers.mysql,
    seconds: (performance.now() - started) / 1000,
    writes: writers.written + keptWriters.written,
    writesByKind: Object.fromEntries(
      [...writers.counts, ['to tables that others are kept by', keptWriters.written] as const].toSorted(),
    ),
    streamRecords: tapes.reduce((sum, { seen }) => sum + seen, 0),
    faults: Object.fromEntries(faults.fired),
    missingFaults: faults.missing,
    keys: second.keys,
    divergences: [...new Map(divergences.map((one) => [nameOf(one), one])).values()],
    unacknowledged,
    parked: countBy(second.parked.map(({ parked }) => parked?.code ?? '')),
    onlyByRetry,
    health,
    problems: [...problemsOf(health, tapes, writers), ...(await compareKept(ground))],
    quietAfterSeconds,
    givenUp: await countGivenUp(ground),
  }
}

type Running = {
  readonly ground: Ground
  readonly tapes: readonly Tape[]
  readonly writers: Writers
  readonly keptWriters: KeptWriters
  readonly faults: FaultSchedule
}

const writeUnderFaults = async (
  { ground, tapes, writers, keptWriters, faults }: Running,
  { rate, time, pause, signal, untilEachFault = false, progress }: SoakOptions,
): Promise<void> => {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), time)
  const interrupted = (): void => stop.abort()
  signal?.addEventListener('abort', interrupted, { once: true })
  if (signal?.aborted) stop.abort()
  const started = performance.now()
  const told = setInterval(() => progress?.(progressOf(ground, writers, faults, started)), PROGRESS_MS)
  const failures: unknown[] = []
  const orStop = async (work: Promise<void>): Promise<void> => {
    try {
      await work
    } catch (error) {
      failures.push(error)
      stop.abort()
    }
  }
  const taping = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      for (const tape of tapes) await tape.read()
      await wait(TAPE_MS)
    }
  }
  const injecting = async (): Promise<void> => {
    await faults.run(pause, stop.signal, untilEachFault)
    if (untilEachFault) stop.abort()
  }
  await Promise.all([
    orStop(writers.run(rate, stop.signal)),
    orStop(keptWriters.run(KEPT_RATE, stop.signal)),
    orStop(taping()),
    orStop(injecting()),
  ])
  clearTimeout(timer)
  clearInterval(told)
  signal?.removeEventListener('abort', interrupted)
  ground.faults.clear()
  ground.proxy.clear()
  if (failures.length > 0) throw failures[0]
  for (const tape of tapes) await tape.read()
}

const progressOf = (
  { stack }: Ground,
  writers: Writers,
  faults: FaultSchedule,
  started: number,
): Progress => {
  const metrics = stack.metrics().filter(({ service }) => service === 'back-sync')
  const sum = (name: string): number =>
    metrics.reduce((total, metric) => total + (metric.name === name ? metric.sum : 0), 0)
  return {
    seconds: (performance.now() - started) / 1000,
    writes: writers.written,
    applied: sum('Applied'),
    parked: sum('Parked'),
    faults: [...faults.fired.values()].reduce((total, count) => total + count, 0),
    lag: Math.max(0, ...metrics.filter(({ name }) => name === 'Lag').map(({ p50 }) => p50)),
  }
}

const problemsOf = (health: Health, tapes: readonly Tape[], { counts }: Writers): string[] => {
  const problems: string[] = []
  if (health.orphans > 0) problems.push(`${health.orphans} ingredient rows have no recipe`)
  if (health.poison > 0) problems.push(`${health.poison} poison rows are in Aurora`)
  for (const { entity, inserts } of tapes) {
    const most = inserts * IDS_PER_INSERT + SPARE_IDS
    if (health.largestId[entity] > most)
      problems.push(`${entity}: the largest id is ${health.largestId[entity]} after ${inserts} inserts`)
  }
  for (const status of ['400', '405', '409', '413', '415', '422'])
    if (counts.has(`answered ${status}`)) problems.push(`the API answered ${status}: the schedule is wrong`)
  return problems
}

/** What was acknowledged must be what DynamoDB holds, or older than it. */
const lostAcknowledgements = async (ground: Ground, { pools }: Writers): Promise<string[]> => {
  const lost: string[] = []
  for (const entity of ['chef', 'recipe'] as const satisfies readonly SoakEntity[]) {
    const items = await readItems(ground.dynamodb, ground.tables[entity].name, entity)
    for (const [key, { version, deleted, unsure }] of pools[entity].acknowledged) {
      const item = items.get(key)
      const holds = deleted
        ? item === undefined
        : item === undefined
          ? unsure
          : Number(item.version ?? 0) >= version
      if (!holds) lost.push(`${entity} ${key}`)
    }
  }
  return lost
}

const countGivenUp = async ({ stack }: Ground): Promise<number> => {
  const failures = join(stack.home, 'failures')
  if (!existsSync(failures)) return 0
  const entries = await readdir(failures, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).length
}

const nameOf = ({ entity, key }: Difference): string => `${entity} ${key}`

const countBy = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]).toSorted(),
  )
