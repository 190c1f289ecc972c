import type { Change } from '../model/change.ts'
import { ConfigurationError } from '../model/errors.ts'
import { isWaiting, type Parked, type Resolution } from '../ports/parking.ts'
import type { Sink } from '../ports/sink.ts'
import type { Subject } from '../ports/source.ts'
import type { CountName } from '../runtime/metrics.ts'
import { applyPatiently, type NamedOutcome } from './apply-patiently.ts'
import { type Evidence, toParked } from './evidence.ts'
import type { Mirror } from './mirror.ts'

/**
 * What became of one. `settled`: the store is as late as it, or another one of its key in the same batch decides.
 * `parked`: set aside with its payload, and listed. `again`: neither could be done; its source has to bring it once more.
 */
export type Verdict = 'settled' | 'parked' | 'again'

export type Applied = {
  /** One for each that was handed in, in that order. */
  readonly verdicts: readonly Verdict[]
  readonly outcomes: readonly NamedOutcome[]
  /** What could not be applied; parked, unless there is a `failure`. */
  readonly refused: readonly Parked[]
  /** Why something is to come again. */
  readonly failure?: unknown
}

/** All but the source, of which nothing but its evidence is asked. */
type SinkSide = Omit<Mirror, 'source'>

type Options = {
  /** Before each time that what waits for something else is tried once more, in milliseconds. @default none */
  readonly pauses?: readonly number[]
  /**
   * What is refused is parked, and counted; or is parked already: then one attempt more and its reason as of now are to
   * be `noted`, or it is to be `left` as it is. @default 'parked'
   */
  readonly refused?: 'parked' | 'noted' | 'left'
}

/**
 * The one way in which changes come into a store, whatever their source: each good one is applied, whatever stands
 * before it; each bad one is parked, so that it holds up none behind it; and all of them are counted.
 *
 * @throws BridgeError when the store can't be reached or is not set up: nothing is known of any of them then. That
 *   something can't be parked is no error but `again`
 */
export const applyAll = async (
  evidence: readonly Evidence[],
  mirror: SinkSide,
  { pauses = [], refused: mode = 'parked' }: Options = {},
): Promise<Applied> => {
  const outcomes = await applyPatiently(byName(evidence, mirror.sink), mirror, pauses)
  for (const { name, applied, skipped } of outcomes) {
    mirror.metrics.count('Applied', name, applied)
    mirror.metrics.count('SkippedAsOlder', name, skipped)
  }
  const errors = errorsOf(evidence, outcomes)
  const refused = [...errors].map(([one, error]) => toParked(one, error, mirror.sink))
  const failure = mode === 'left' ? undefined : await park(refused, mode === 'parked', mirror)
  const verdict = failure === undefined ? 'parked' : 'again'
  const verdicts = evidence.map((one) => (errors.has(one) ? verdict : 'settled'))
  return { verdicts, outcomes, refused, failure }
}

/** Ends the parking of a key up to a place, and counts it where there was something to end. */
export const endParking = async (
  { entity, key }: Pick<Subject, 'entity' | 'key'>,
  { upTo, how }: Omit<Resolution, 'at'>,
  { parking, metrics, now }: SinkSide,
): Promise<void> => {
  if (await parking.resolve({ entity, key }, { upTo, how, at: now() }))
    metrics.count(how === 'applied' ? 'Unparked' : 'Superseded', entity, 1)
}

const byName = (evidence: readonly Evidence[], { names }: Sink): ReadonlyMap<string, readonly Change[]> => {
  const groups = new Map<string, Change[]>(names.map((name) => [name, []]))
  for (const one of evidence) {
    if (!('change' in one)) continue
    const { change } = one
    const group = groups.get(change.entity)
    // Passed over, it would count as settled.
    if (group === undefined) throw new ConfigurationError([`nothing is kept of ${change.entity}`])
    group.push(change)
  }
  return groups
}

/** Those that can't be applied, and why. */
const errorsOf = (
  evidence: readonly Evidence[],
  outcomes: readonly NamedOutcome[],
): ReadonlyMap<Evidence, Error> => {
  const open = new Map(outcomes.flatMap(({ refused }) => refused).map(({ change, error }) => [change, error]))
  const errors = new Map<Evidence, Error>()
  // The usual batch, of up to a thousand good ones.
  if (open.size === 0 && !evidence.some((one) => 'fault' in one)) return errors
  for (const one of evidence) {
    const error = 'fault' in one ? one.fault.error : open.get(one.change)
    if (error !== undefined) errors.set(one, error)
    if ('change' in one) open.delete(one.change)
  }
  // It would be listed nowhere.
  if (open.size > 0) throw new TypeError('The sink refuses a change that it was not given')
  return errors
}

/** Refusals that are counted by a name of their own, too. */
const COUNTED: Readonly<Record<string, CountName>> = { 'target.taken': 'Collisions' }

/** @returns why they could not be parked; undefined when they are */
const park = async (
  refused: readonly Parked[],
  isNews: boolean,
  { parking, metrics, now }: SinkSide,
): Promise<unknown> => {
  try {
    await parking.park(refused, now())
  } catch (failure) {
    return failure
  }
  for (const one of isNews ? refused : []) {
    const { entity, code } = one
    const own = COUNTED[code]
    metrics.count(isWaiting(one) && own === undefined ? 'Waiting' : 'Parked', entity, 1)
    if (own !== undefined) metrics.count(own, entity, 1)
  }
  return undefined
}
