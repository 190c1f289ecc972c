import { type Change, subjectOf } from '../model/change.ts'
import type { ParkedHead, Waiting } from '../ports/parked.ts'
import { applyPatiently, isDependency, type NamedOutcome } from './apply-patiently.ts'
import type { SyncParts } from './parts.ts'
import { retryParked } from './retry-parked.ts'

/** An entry that was missed, because an invocation died between applying and this, is tried again after so long, in ms. */
const SWEEP_AFTER = 5 * 60_000
/** How many of those one invocation tries. */
const SWEEP_LIMIT = 25
/** What trying a group may take, in milliseconds: none is begun that can't end. */
const GROUP_TIME = 10_000

/**
 * Tries once more what a batch has just parked because something was missing: that may have come in between, by another
 * invocation that saw nothing parked yet.
 */
export const recheck = async (outcomes: readonly NamedOutcome[], parts: SyncParts): Promise<void> => {
  const waiting = new Map(
    outcomes.map(({ name, refused }) => [name, refused.filter(isDependency).map(({ change }) => change)]),
  )
  for (const { name, changes, refused } of await applyPatiently(waiting, parts, { pauses: [] })) {
    const failed = new Set(refused.map(({ change }) => change))
    // Before all records: one without a version that was parked since is not ended by this.
    for (const change of changes.filter((one) => !failed.has(one)))
      if (await parts.parking.resolve(name, subjectOf(change), change.version, 'applied', parts.now(), '0'))
        parts.metrics.count('Unparked', name, 1)
  }
}

/** Tries again what is parked and waits for what a batch has just applied. */
export const unpark = async (outcomes: readonly NamedOutcome[], parts: SyncParts): Promise<void> => {
  const wanted = new Map<string, Map<string, ParkedHead>>()
  const want = (head: ParkedHead): void => {
    const heads = wanted.get(head.entity) ?? new Map<string, ParkedHead>()
    wanted.set(head.entity, heads.set(head.key, head))
  }
  for (const { name, changes } of outcomes) {
    if (!parts.sink.isWaitedFor(name)) continue
    const keys = new Set(changes.map(({ key }) => key))
    const waiting = await parts.parking.waitingFor(name)
    for (const { head } of waiting.filter(({ on }) => on.key === undefined || keys.has(on.key))) want(head)
    for (const { head } of overlooked(waiting, parts.now())) want(head)
  }
  for (const name of parts.sink.names) {
    const heads = [...(wanted.get(name)?.values() ?? [])]
    if (heads.length > 0) await tryAgain(name, await free(name, heads, parts), parts)
  }
}

/** Leaves out deletes of what is still referred to. */
const free = async (
  name: string,
  heads: readonly ParkedHead[],
  parts: SyncParts,
): Promise<readonly ParkedHead[]> => {
  const at = parts.now().toISOString()
  const deletes = heads.flatMap(({ key, op, version = 1n }): Change[] =>
    op === 'delete' ? [{ entity: name, key, version, op, source: 'stream', at }] : [],
  )
  const blocked = new Set([...(await parts.sink.blocked(name, deletes))].map(({ key }) => key))
  return heads.filter(({ key }) => !blocked.has(key))
}

const overlooked = (waiting: readonly Waiting[], now: Date): readonly Waiting[] =>
  waiting.filter(({ head }) => now.getTime() - Date.parse(head.lastSeen) > SWEEP_AFTER).slice(0, SWEEP_LIMIT)

const tryAgain = async (name: string, heads: readonly ParkedHead[], parts: SyncParts): Promise<void> => {
  for (let at = 0; at < heads.length; at += 100) {
    // What time doesn't suffice for stays parked and is swept up later.
    if (parts.deadline.remaining() < GROUP_TIME) return
    for (const { head, outcome } of await retryParked(parts, name, heads.slice(at, at + 100))) {
      if (outcome === 'parked') continue
      parts.metrics.count('Unparked', name, 1)
      parts.log.info('unparked', {
        entity: name,
        key: head.key,
        version: head.version?.toString(),
        outcome,
      })
    }
  }
}
