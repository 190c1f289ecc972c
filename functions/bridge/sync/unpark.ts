import { type Change, subjectOf } from '../model/change.ts'
import type { ParkedHead, Waiting } from '../ports/parking.ts'
import { BEFORE_ALL } from '../ports/place.ts'
import { applyAll, endParking } from './apply.ts'
import { isDependency, type NamedOutcome } from './apply-patiently.ts'
import type { Evidence } from './evidence.ts'
import type { Mirror } from './mirror.ts'
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
export const recheck = async (
  evidence: readonly Evidence[],
  outcomes: readonly NamedOutcome[],
  mirror: Mirror,
): Promise<void> => {
  const waits = new Set(
    outcomes.flatMap(({ refused }) => refused.filter(isDependency).map(({ change }) => change)),
  )
  const waiting = evidence.filter((one) => 'change' in one).filter(({ change }) => waits.has(change))
  const { verdicts, late } = await applyAll(waiting, mirror, { refused: 'left' })
  for (const { change } of waiting.filter((one, at) => verdicts[at] === 'settled' && !late.has(one))) {
    const of = { entity: change.entity, key: subjectOf(change) }
    // One without a version that was parked since is not ended by this.
    await endParking(of, { upTo: { ...BEFORE_ALL, version: change.version }, how: 'applied' }, mirror)
  }
}

/** Tries again what is parked and waits for what a batch has just applied. */
export const unpark = async (outcomes: readonly NamedOutcome[], mirror: Mirror): Promise<void> => {
  const { sink, parking, now } = mirror
  const wanted = new Map<string, ParkedHead>()
  for (const { name, changes } of outcomes) {
    if (sink.references?.isWaitedFor(name) !== true) continue
    const keys = new Set(changes.map(({ key }) => key))
    const waiting = await parking.waitingFor(name)
    const woken = waiting.filter(({ on }) => on.key === undefined || keys.has(on.key))
    for (const { head } of [...woken, ...overlooked(waiting, now())])
      wanted.set(JSON.stringify([head.entity, head.key]), head)
  }
  for (const name of sink.names) {
    const heads = [...wanted.values()].filter(({ entity }) => entity === name)
    await tryAgain(name, await free(name, heads, mirror), mirror)
  }
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

const overlooked = (waiting: readonly Waiting[], now: Date): readonly Waiting[] =>
  waiting.filter(({ head }) => now.getTime() - Date.parse(head.lastSeen) > SWEEP_AFTER).slice(0, SWEEP_LIMIT)

const tryAgain = async (name: string, heads: readonly ParkedHead[], mirror: Mirror): Promise<void> => {
  await retryParked(mirror, name, heads, {
    // What time doesn't suffice for stays parked and is swept up later.
    mayBegin: () => mirror.deadline.remaining() >= GROUP_TIME,
    onGroup: (tried) => {
      for (const { head, outcome } of tried.filter((one) => one.outcome !== 'parked'))
        mirror.log.info('unparked', {
          entity: name,
          key: head.key,
          version: head.version?.toString(),
          outcome,
        })
    },
  })
}
