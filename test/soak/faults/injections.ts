import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from '../../../infra/local/data-api/faults.ts'
import { IMPATIENT_SECONDS } from '../assembly.ts'
import type { Ground } from '../ground.ts'
import type { Random } from '../random.ts'
import type { Tape } from '../tape.ts'
import { type Replay, replay, replays } from './replays.ts'
import { comesTrue } from './until-true.ts'

/** What an injection works with. */
export type Scene = {
  readonly ground: Ground
  readonly tapes: readonly Tape[]
  readonly random: Random
  /** Notes when the latest of the statements under way may still land, in milliseconds of `performance.now()`. */
  landsBy(at: number): void
}

/** @returns whether it has hit something */
type Injection = (scene: Scene) => Promise<boolean>

/** How long a fault waits for a call to hit, in milliseconds. */
const PATIENCE = 4_000

/** Sets a fault of the Data API and waits until it has hit as often as it should. */
const dataApi =
  (fault: (random: Random) => Fault): Injection =>
  async ({ ground: { faults }, random }) => {
    const set = fault(random)
    let hits = 0
    faults.onHit((hit) => {
      if (hit === set) hits += 1
    })
    faults.add(set)
    await comesTrue(PATIENCE, () => !faults.list().includes(set))
    faults.clear()
    return hits > 0
  }

/** Sets a fault between the functions and a table of DynamoDB. */
const dynamo =
  (
    tableOf: (ground: Ground, random: Random) => string,
    kind: 'throttle' | 'drop-after',
    operations?: readonly string[],
  ): Injection =>
  async ({ ground, random }) => {
    const { proxy } = ground
    const before = proxy.hits()
    const times = random.int(1, 8)
    proxy.add({ kind, table: tableOf(ground, random), times, ...(operations && { operations }) })
    await comesTrue(PATIENCE, () => proxy.hits() >= before + times)
    proxy.clear()
    return proxy.hits() > before
  }

const replayed =
  (name: Replay): Injection =>
  async ({ ground, tapes, random }) =>
    replay(ground, ground.backSync, replays[name](random.pick(tapes), random))

const parking = ({ parkingTable }: Ground): string => parkingTable
const kept = ({ kept: { usersByCity, preferencesV2 } }: Ground, random: Random): string =>
  random.pick([usersByCity, preferencesV2])

/** Crashes a function while it is at work. */
const crash =
  (functionOf: (ground: Ground) => string): Injection =>
  async ({ ground }) =>
    comesTrue(PATIENCE, () => ground.stack.crash(functionOf(ground), 1) > 0)

/**
 * A statement that lands when its caller is long gone: it is held back in the endpoint, the function that sent it
 * crashes, its batch is delivered again and newer ones after it, and then the statement reaches the server.
 */
const zombie: Injection = async ({ ground: { faults, stack, backSync }, random, landsBy }) => {
  const ms = random.int(1_500, 4_000)
  const held: Fault = {
    kind: 'delay',
    ms,
    operation: 'Execute',
    sql: random.pick(['UPDATE', 'INSERT', 'DELETE t']),
    times: 1,
  }
  let hit = false
  faults.onHit((fault) => {
    hit ||= fault === held
  })
  faults.add(held)
  await comesTrue(PATIENCE, () => hit)
  faults.clear()
  if (!hit) return false
  landsBy(performance.now() + ms)
  return stack.crash(backSync) > 0
}

/**
 * An invocation of the twin with the short timeout, over old records, whose statements are answered too late: it ends
 * with an error, and they land after it.
 */
const timedOut: Injection = async ({ ground, tapes, random, landsBy }) => {
  const { faults, stack, impatient } = ground
  const records = random.pick(tapes).latest(random.int(5, 60))
  if (records.length === 0) return false
  const ms = (IMPATIENT_SECONDS + 1) * 1000
  faults.add({ kind: 'delay', ms, operation: 'Execute', times: 3 })
  landsBy(performance.now() + ms + PATIENCE)
  const outcome = await stack.invoke(impatient, { Records: records })
  faults.clear()
  return !outcome.ok
}

/** The server dies without a word, and its supervisor starts it again. */
const killMysql: Injection = async ({ ground }) => {
  await ground.killMysql()
  return comesTrue(60_000, async () => {
    try {
      await (await ground.sql()).end()
      return true
    } catch {
      // Down, or not ready yet: the limit of time tells a server that never comes back.
      return false
    }
  })
}

/** Everything that goes wrong in a soak, by name. Each must hit at least once, or the run has proved nothing of it. */
export const injections = {
  'Data API throttled': dataApi((random) => ({ kind: 'throttle', times: random.int(2, 12) })),
  'answer lost after a statement': dataApi((random) => ({
    kind: 'drop-after',
    operation: 'Execute',
    times: random.int(1, 6),
  })),
  'answer lost after a commit': dataApi((random) => ({
    kind: 'drop-after',
    operation: 'CommitTransaction',
    times: random.int(1, 3),
  })),
  'connection broken before a statement': dataApi((random) => ({
    kind: 'drop-before',
    times: random.int(1, 6),
  })),
  'connection refused': async ({ ground: { faults }, random }) => {
    let refused = false
    faults.onHit(({ kind }) => {
      refused ||= kind === 'refuse'
    })
    const seconds = random.int(3, 15) / 10
    faults.add({ kind: 'refuse', seconds })
    await wait(seconds * 1000 + 100)
    return refused
  },
  'a failover': dataApi((random) => ({
    kind: 'error',
    error: 'BadRequestException',
    message: 'Communications link failure',
    after: random.chance(0.5),
    times: random.int(2, 10),
  })),
  'cluster resumes': dataApi((random) => ({ kind: 'resuming', seconds: random.int(5, 20) / 10 })),
  'slow answers': dataApi((random) => ({
    kind: 'delay',
    ms: random.int(200, 1_500),
    times: random.int(1, 4),
  })),
  'MySQL killed': killMysql,
  'function crashed in mid-batch': crash(({ backSync }) => backSync),
  'table sync crashed in mid-batch': crash(({ tableSync }) => tableSync),
  zombie,
  'invocation timed out': timedOut,
  'parking throttled': dynamo(parking, 'throttle'),
  'answer lost after parking': dynamo(parking, 'drop-after', ['TransactWriteItems']),
  'kept table throttled': dynamo(kept, 'throttle'),
  'answer lost after a kept item': dynamo(kept, 'drop-after', ['TransactWriteItems']),
  'duplicate batch': replayed('duplicate batch'),
  'repeated old batch': replayed('repeated old batch'),
  'sliced redelivery': replayed('sliced redelivery'),
  'reordered redelivery': replayed('reordered redelivery'),
  'clock jump in the stream': replayed('clock jump in the stream'),
} as const satisfies Readonly<Record<string, Injection>>

export type FaultName = keyof typeof injections
// The object's own keys.
export const faultNames = Object.keys(injections) as readonly FaultName[]
