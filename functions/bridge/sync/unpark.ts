import { isTaken } from '../drivers/sql-errors.ts'
import { type Change, subjectOf } from '../model/change.ts'
import { ForeignWriteError } from '../model/conflict.ts'
import { isWaiting, type ParkedHead, type Parking } from '../ports/parking.ts'
import { BEFORE_ALL } from '../ports/place.ts'
import { inLanes } from '../runtime/lanes.ts'
import { applyAll, endParking } from './apply.ts'
import { isDependency, type NamedOutcome } from './apply-patiently.ts'
import { type Evidence, placeOf } from './evidence.ts'
import type { Mirror } from './mirror.ts'
import { isCurrent, OverruledError } from './overruled.ts'
import { retryParked } from './retry-parked.ts'

/** What has waited for so long, in ms, is told of when it is tried in vain; and a process looks for it so often. */
const OVERDUE = 5 * 60_000
const SWEEP_EVERY = 30_000
/** Of a batch's own, those that are tried with others; larger tangles are an operator's. */
const TOGETHER = 100
/** Keys that are asked about at once. */
const LANES = 8
/** What trying a group may take, in milliseconds: none is begun that can't end. */
const GROUP_TIME = 10_000

/**
 * Tries once more what a batch has just parked because something was missing: that may have come in between, by another
 * invocation that saw nothing parked yet.
 */
export const recheck = async (
  evidence: readonly Evidence[],
  outcomes: readonly NamedOutcome[],
  mirror: Mirror,
): Promise<void> => {
  const waits = new Set(
    outcomes.flatMap(({ refused }) => refused.filter(isDependency).map(({ change }) => change)),
  )
  const waiting = evidence.filter((one) => 'change' in one).filter(({ change }) => waits.has(change))
  const { verdicts, unproved } = await applyAll(waiting, mirror, { refused: 'left' })
  for (const { change } of waiting.filter((one, at) => verdicts[at] === 'settled' && !unproved.has(one))) {
    const of = { entity: change.entity, key: subjectOf(change) }
    // One without a version that was parked since is not ended by this.
    await endParking(of, { upTo: { ...BEFORE_ALL, version: change.version }, how: 'applied' }, mirror)
  }
}

/**
 * Tries what a batch has just parked because another row holds its value together with what is parked for the same reason:
 * values that change places may come in two batches, and nothing else might ever wake them.
 */
export const rejoin = async (outcomes: readonly NamedOutcome[], mirror: Mirror): Promise<void> => {
  const { parking } = mirror
  for (const { name, refused } of outcomes) {
    const own = refused.filter(({ error }) => isTaken(error)).map(({ change }) => subjectOf(change))
    if (own.length === 0) continue
    const others = (await parking.waitingFor(name, [])).filter(({ head }) => head.entity === name)
    const heads = new Map(others.map(({ head }) => [head.key, head]))
    for (const key of own) heads.delete(key)
    if (heads.size === 0) continue
    const parked = await parking.parkedAmong(name, own.slice(0, TOGETHER))
    await tryAgain(name, [...heads.values(), ...parked.values()], mirror)
  }
}

/** Whether it is what the store holds of the key that stands against a change. */
const isOfTheKey = (error: Error): boolean =>
  error instanceof OverruledError || error instanceof ForeignWriteError

/**
 * Ends the parking of what a batch has just parked for its data, where the store is beyond it and its source has something
 * else: another invocation, which saw nothing parked yet, may have brought that in between.
 */
export const leaveBehind = async (
  evidence: readonly Evidence[],
  outcomes: readonly NamedOutcome[],
  mirror: Mirror,
): Promise<void> => {
  const bad = new Set(
    outcomes.flatMap(({ refused }) => refused.filter((one) => !isDependency(one) && !isOfTheKey(one.error))),
  )
  const changes = new Set([...bad].map(({ change }) => change))
  const parked = evidence.filter((one) => 'change' in one).filter(({ change }) => changes.has(change))
  await inLanes(parked, LANES, async (one) => {
    const { change } = one
    const { entity, key, sourceKey, version, source, at } = change
    // As a delete: where nothing stands, nothing proves that the store is beyond it.
    const beyond: Change = { entity, key, version, source, at, op: 'delete', ...(sourceKey && { sourceKey }) }
    if ((await isCurrent(change, mirror)) || !(await mirror.sink.isLater(beyond))) return
    const of = { entity: change.entity, key: subjectOf(change) }
    await endParking(of, { upTo: placeOf(one), how: 'superseded' }, mirror)
  })
}

/**
 * Tries again what is parked and waits for what a batch has just applied; then what waits for these in turn, each once.
 */
export const unpark = async (outcomes: readonly NamedOutcome[], mirror: Mirror): Promise<void> => {
  const { sink, parking } = mirror
  // What this batch has parked itself was tried again behind that.
  const tried = new Set(
    outcomes.flatMap(({ refused }) =>
      refused.map(({ change }) => nameOf({ entity: change.entity, key: subjectOf(change) })),
    ),
  )
  let come = new Map(outcomes.map(({ name, changes, refused }) => [name, keysOf(changes, refused)]))
  while (come.size > 0) {
    const woken = new Map<string, ParkedHead>()
    for (const [name, keys] of come) {
      const how = sink.references?.howWaitedFor(name) ?? 'never'
      if (how === 'never' || keys.size === 0) continue
      for (const { head } of await parking.waitingFor(name, how === 'key' ? [...keys] : []))
        if (!tried.has(nameOf(head))) woken.set(nameOf(head), head)
    }
    come = new Map()
    for (const name of sink.names) {
      const heads = [...woken.values()].filter(({ entity }) => entity === name)
      for (const head of heads) tried.add(nameOf(head))
      const done = await tryAgain(name, await free(name, heads, mirror), mirror)
      for (const { waitsFor = [], entity, key } of done) {
        // Beside what it is itself: what it has waited for has room for the next that waits for the same.
        for (const on of [{ entity, key }, ...waitsFor])
          if (on.key !== undefined) come.set(on.entity, (come.get(on.entity) ?? new Set()).add(on.key))
      }
    }
  }
}

/** Tries again what has waited for long though nothing has woken it: nobody may know what it waits for. */
export const sweep = async (mirror: Mirror): Promise<void> => {
  const { sink, parking, now } = mirror
  const at = now()
  if (sink.references === undefined || at.getTime() - (swept.get(parking) ?? 0) < SWEEP_EVERY) return
  swept.set(parking, at.getTime())
  for (const name of sink.names) await tryAgain(name, await parking.due(name, at), mirror)
}

/** When each was swept by this process. */
const swept = new WeakMap<Parking, number>()

const nameOf = ({ entity, key }: Pick<ParkedHead, 'entity' | 'key'>): string => JSON.stringify([entity, key])

const keysOf = (changes: readonly Change[], refused: NamedOutcome['refused']): Set<string> => {
  const failed = new Set(refused.map(({ change }) => change.key))
  return new Set(changes.map(({ key }) => key).filter((key) => !failed.has(key)))
}

/** Leaves out deletes of what is still referred to. */
const free = async (
  name: string,
  heads: readonly ParkedHead[],
  { sink, now }: Mirror,
): Promise<readonly ParkedHead[]> => {
  const at = now().toISOString()
  const deletes = heads.flatMap(({ key, op, version = 1n }): Change[] =>
    op === 'delete' ? [{ entity: name, key, version, op, source: 'parking', at }] : [],
  )
  const blocked = await sink.references?.blocked?.(name, deletes)
  const keys = new Set([...(blocked ?? [])].map(({ key }) => key))
  return heads.filter(({ key }) => !keys.has(key))
}

/** @returns those that wait no more */
const tryAgain = async (
  name: string,
  heads: readonly ParkedHead[],
  mirror: Mirror,
): Promise<readonly ParkedHead[]> => {
  const { deadline, log, metrics, now } = mirror
  const outcomes = await retryParked(mirror, name, heads, {
    // What time doesn't suffice for stays parked and is swept up later.
    mayBegin: () => deadline.remaining() >= GROUP_TIME,
    onGroup: (group) => {
      for (const { head, outcome } of group) {
        const { key, version } = head
        if (outcome !== 'parked')
          log.info('unparked', { entity: name, key, version: version?.toString(), outcome })
        else if (isWaiting(head) && now().getTime() - Date.parse(head.firstSeen) >= OVERDUE)
          metrics.count('Overdue', name, 1)
      }
    },
  })
  return outcomes.filter(({ outcome }) => outcome !== 'parked').map(({ head }) => head)
}
