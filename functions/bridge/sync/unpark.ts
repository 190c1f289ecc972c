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
import { retryTogether } from './retry-parked.ts'

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
    await tryAgain([...heads.values(), ...parked.values()], mirror)
  }
}

/** Whether it is what the store holds of the key that stands against a change. */
const isOfTheKey = (error: Error): boolean =>
  error instanceof OverruledError || error instanceof ForeignWriteError

/**
 * Tries what a batch has just parked because it waits for others together with those that are parked and wait for it: rows
 * that name each other may come in several batches, to be made or to be deleted, and none of them can go first.
 */
export const rejoinCircles = async (outcomes: readonly NamedOutcome[], mirror: Mirror): Promise<void> => {
  const { parking, sink } = mirror
  const isCircular = (name: string): boolean => sink.references?.isCircular?.(name) === true
  const own = new Map<string, string[]>()
  for (const { name, refused } of outcomes) {
    const waits = refused.filter((one) => isDependency(one) && !isTaken(one.error))
    const keys = waits.map(({ change }) => subjectOf(change)).slice(0, TOGETHER)
    if (keys.length > 0 && isCircular(name)) own.set(name, keys)
  }
  const joined = new Map<string, ParkedHead>()
  const known = new Set([...own].flatMap(([entity, keys]) => keys.map((key) => nameOf({ entity, key }))))
  let next: ReadonlyMap<string, readonly string[]> = own
  while (next.size > 0 && joined.size < TOGETHER) {
    const found: ParkedHead[] = []
    for (const [name, keys] of next)
      for (const { head } of await parking.waitingFor(name, keys)) {
        if (known.has(nameOf(head)) || !isCircular(head.entity)) continue
        known.add(nameOf(head))
        found.push(head)
      }
    for (const head of found) joined.set(nameOf(head), head)
    const groups = Map.groupBy(found, ({ entity }) => entity)
    next = new Map([...groups].map(([name, heads]) => [name, heads.map(({ key }) => key)]))
  }
  if (joined.size === 0) return
  for (const [name, keys] of own)
    for (const head of (await parking.parkedAmong(name, keys)).values()) joined.set(nameOf(head), head)
  // Most of those that wait for anything have nothing to do with these: it is no attempt of theirs.
  await tryAgain([...joined.values()].slice(0, TOGETHER), mirror, 'left')
}

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
 * Tries again what is parked and waits for what a batch has just applied; then what waits for these in turn.
 * One that is tried in vain is tried again only for a key that has come since. A delete of what is still referred to is not
 * tried: it is woken again by the next that goes.
 */
export const unpark = async (outcomes: readonly NamedOutcome[], mirror: Mirror): Promise<void> => {
  // What this batch has parked itself was tried again behind that; but a delete may be set free by what this wakes.
  const tried = new Set(
    outcomes.flatMap(({ refused }) =>
      refused
        .filter(({ change }) => change.op === 'upsert')
        .map(({ change }) => nameOf({ entity: change.entity, key: subjectOf(change) })),
    ),
  )
  await wake(
    new Map(outcomes.map(({ name, changes, refused }) => [name, keysOf(changes, refused)])),
    tried,
    mirror,
  )
}

type Keys = Map<string, Set<string>>

/** @param tried what is tried again only for a key that has come since */
const wake = async (first: Keys, tried: Set<string>, mirror: Mirror): Promise<void> => {
  const { sink, parking } = mirror
  let applied: ReadonlySet<string> = new Set()
  let come = first
  while (come.size > 0) {
    const woken = new Map<string, ParkedHead>()
    for (const [name, keys] of come) {
      const how = sink.references?.howWaitedFor(name) ?? 'never'
      if (how === 'never' || keys.size === 0) continue
      for (const { head, on } of await parking.waitingFor(name, how === 'key' ? [...keys] : [])) {
        const hasCome = on.key !== undefined && applied.has(nameOf({ entity: on.entity, key: on.key }))
        if (hasCome || !tried.has(nameOf(head))) woken.set(nameOf(head), head)
      }
    }
    come = new Map<string, Set<string>>()
    const now = new Set<string>()
    for (const name of sink.names) {
      const heads = [...woken.values()].filter(({ entity }) => entity === name)
      const ready = await free(name, heads, mirror)
      for (const head of ready) tried.add(nameOf(head))
      const done = await tryAgain(ready, mirror)
      for (const head of done) now.add(nameOf(head))
      come = comeWith(done, come)
    }
    applied = now
  }
}

/** What has come with these. @returns it, added to what has come beside */
const comeWith = (done: readonly ParkedHead[], come: Keys): Keys => {
  // Beside what it is itself: what it has waited for has room for the next that waits for the same.
  for (const { waitsFor = [], entity, key } of done)
    for (const on of [{ entity, key }, ...waitsFor])
      if (on.key !== undefined) come.set(on.entity, (come.get(on.entity) ?? new Set()).add(on.key))
  return come
}

/** Tries again what has waited for long though nothing has woken it: nobody may know what it waits for. */
export const sweep = async (mirror: Mirror): Promise<void> => {
  const { sink, parking, now } = mirror
  const at = now()
  if (at.getTime() - (swept.get(parking) ?? 0) < SWEEP_EVERY) return
  swept.set(parking, at.getTime())
  await parking.tidy(sink.names, at)
  if (sink.references === undefined) return
  const circular: ParkedHead[] = []
  const done: ParkedHead[] = []
  for (const name of sink.names) {
    const heads = await parking.due(name, at)
    if (sink.references.isCircular?.(name) === true) circular.push(...heads)
    else done.push(...(await tryAgain(heads, mirror)))
  }
  done.push(...(await tryAgain(circular, mirror)))
  // What waits for one of these is woken by nothing else: the stream has brought it long ago.
  await wake(comeWith(done, new Map()), new Set(), mirror)
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
  heads: readonly ParkedHead[],
  mirror: Mirror,
  refused: 'noted' | 'left' = 'noted',
): Promise<readonly ParkedHead[]> => {
  const { deadline, log, metrics, now } = mirror
  const outcomes = await retryTogether(mirror, await openAmong(heads, mirror), {
    refused,
    // What time doesn't suffice for stays parked and is swept up later.
    mayBegin: () => deadline.remaining() >= GROUP_TIME,
    onGroup: (group) => {
      for (const { head, outcome } of group) {
        const { entity, key, version } = head
        if (outcome !== 'parked') log.info('unparked', { entity, key, version: version?.toString(), outcome })
        else if (isWaiting(head) && now().getTime() - Date.parse(head.firstSeen) >= OVERDUE)
          metrics.count('Overdue', entity, 1)
      }
    },
  })
  return outcomes.filter(({ outcome }) => outcome !== 'parked').map(({ head }) => head)
}

/** Without those of routes that are complete: what was left parked of these stays listed. */
const openAmong = async (
  heads: readonly ParkedHead[],
  { ended }: Pick<Mirror, 'ended'>,
): Promise<readonly ParkedHead[]> => {
  if (ended === undefined || heads.length === 0) return heads
  const open: ParkedHead[] = []
  for (const head of heads) if (!(await ended.has(head.entity))) open.push(head)
  return open
}
