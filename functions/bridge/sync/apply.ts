import type { Change } from '../model/change.ts'
import { ForeignWriteError } from '../model/conflict.ts'
import { ConfigurationError, InvalidRecordError, kindOf } from '../model/errors.ts'
import { isWaiting, type Parked, type Resolution } from '../ports/parking.ts'
import type { Sink } from '../ports/sink.ts'
import type { Subject } from '../ports/source.ts'
import type { CountName } from '../runtime/metrics.ts'
import { retry } from '../runtime/retry.ts'
import { applyPatiently, type NamedOutcome } from './apply-patiently.ts'
import { decide } from './decide.ts'
import { type Evidence, identityOf, isBehind, placeOf, toParked } from './evidence.ts'
import type { Mirror } from './mirror.ts'

/**
 * What became of one. `settled`: the store is as late as it, or another one of its key in the same batch decides.
 * What did nothing is settled only where it is known why: the store holds it, its source has something else by now, or
 * has it above what the store holds, and brings it once more.
 * `parked`: set aside with its payload, and listed. `again`: neither could be done; its source has to bring it once more.
 */
export type Verdict = 'settled' | 'parked' | 'again'

export type Applied = {
  /** One for each that was handed in, in that order. */
  readonly verdicts: readonly Verdict[]
  readonly outcomes: readonly NamedOutcome[]
  /** What could not be applied; parked, unless there is a `failure`. */
  readonly refused: readonly Parked[]
  /** Of those that are settled, the ones whose key's last change was late or lifted: nothing proves that the store holds it. */
  readonly unproved: ReadonlySet<Evidence>
  /** Changes that were lifted at their source: each comes once more, and gets through then. */
  readonly lifted: ReadonlySet<Change>
  /** Why something is to come again. */
  readonly failure?: unknown
}

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
  mirror: Mirror,
  { pauses = [], refused: mode = 'parked' }: Options = {},
): Promise<Applied> => {
  const applied = await applyPatiently(byName(evidence, mirror.sink), mirror, pauses)
  for (const { name, applied: rows } of applied) mirror.metrics.count('Applied', name, rows)
  const { outcomes, aside, unproved: changes, lifted } = await decide(applied, evidence, mirror)
  const errors = errorsOf(evidence, outcomes)
  if (mode === 'parked') await leaveOutdated(errors, mirror)
  const unproved = ofSameKey(evidence, changes)
  if (mode === 'parked') leaveOvertaken(evidence, errors, unproved, mirror)
  const refused = [...errors].map(([one, error]) =>
    toParked(one, error, mirror.sink, 'change' in one ? aside.get(one.change) : undefined),
  )
  const failure = mode === 'left' ? undefined : await park(refused, mode === 'parked', mirror)
  const verdict = failure === undefined ? 'parked' : 'again'
  const verdicts = evidence.map((one) => (errors.has(one) ? verdict : 'settled'))
  return { verdicts, outcomes, refused, unproved, lifted, failure }
}

/** All that is of the key of one of some changes. */
const ofSameKey = (evidence: readonly Evidence[], changes: ReadonlySet<Change>): ReadonlySet<Evidence> => {
  if (changes.size === 0) return new Set()
  const keys = new Set(evidence.filter((one) => 'change' in one && changes.has(one.change)).map(identityOf))
  return new Set(evidence.filter((one) => keys.has(identityOf(one))))
}

/**
 * Takes out what the same batch has overtaken: a later change of its key was applied, or proved to be held, and nothing of
 * that key behind it is refused. It is settled, and never listed.
 */
const leaveOvertaken = (
  evidence: readonly Evidence[],
  errors: Map<Evidence, Error>,
  unproved: ReadonlySet<Evidence>,
  { metrics }: Mirror,
): void => {
  // A foreign write is never overtaken: what came behind it is not made of it.
  const own = [...errors].flatMap(([one, error]) => (error instanceof ForeignWriteError ? [] : [one]))
  if (own.length === 0) return
  const refusedKeys = new Set(own.map(identityOf))
  const lastGood = new Map<string, Evidence>()
  const lastBad = new Map<string, Evidence>()
  for (const one of evidence) {
    const key = identityOf(one)
    if (!refusedKeys.has(key) || unproved.has(one)) continue
    const last = errors.has(one) ? lastBad : lastGood
    const known = last.get(key)
    if (known === undefined || isBehind(placeOf(one), placeOf(known))) last.set(key, one)
  }
  for (const one of own) {
    const [good, bad] = [lastGood.get(identityOf(one)), lastBad.get(identityOf(one))]
    if (good === undefined || bad === undefined || !isBehind(placeOf(good), placeOf(bad))) continue
    errors.delete(one)
    metrics.count('Superseded', 'change' in one ? one.change.entity : one.fault.entity, 1)
  }
}

/**
 * Takes out records that are no change and come again, when their source has something else by now and the store is
 * beyond them: they are settled, and listed no more than when that came behind them in one batch.
 *
 * @throws BridgeError when source or store can't be asked
 */
const leaveOutdated = async (errors: Map<Evidence, Error>, mirror: Mirror): Promise<void> => {
  for (const one of [...errors.keys()]) {
    if (!('fault' in one) || one.fault.error instanceof ForeignWriteError) continue
    if (!(await isOutdated(one.fault, mirror))) continue
    errors.delete(one)
    mirror.metrics.count('Superseded', one.fault.entity, 1)
  }
}

/** What is asked about one record must not end a batch, or a whole fill, for what passes by itself. */
const ASKING = {
  attempts: 5,
  firstPause: 50,
  longestPause: 1_000,
  retryable: (error: unknown): boolean => kindOf(error) === 'transient',
}

const isOutdated = async (
  { entity, key, version }: Subject,
  { sink, source, now, deadline }: Mirror,
): Promise<boolean> => {
  if (version === undefined) return false
  try {
    const current = await retry({ ...ASKING, deadline }, () =>
      source.current({ entity, key, version }, now()),
    )
    if (current.length === 0 || current.some((one) => one.version <= version)) return false
    // Where the store has it, only what is there now tells.
    const later = await Promise.all(
      current.map((one) => retry({ ...ASKING, deadline }, () => sink.isLater({ ...one, version }))),
    )
    return later.every((is) => is)
  } catch (error) {
    // It holds something that is no change now, either.
    if (error instanceof InvalidRecordError) return false
    throw error
  }
}

/** Ends the parking of a key up to a place, and counts it where there was something to end. */
export const endParking = async (
  { entity, key }: Pick<Subject, 'entity' | 'key'>,
  { upTo, how }: Omit<Resolution, 'at'>,
  { parking, metrics, now }: Mirror,
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
const errorsOf = (evidence: readonly Evidence[], outcomes: readonly NamedOutcome[]): Map<Evidence, Error> => {
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
const COUNTED: Readonly<Record<string, CountName>> = {
  'target.taken': 'Collisions',
  'version.behind': 'Behind',
  'version.conflict': 'Conflicts',
  'owner.foreign': 'Conflicts',
}

/** @returns why they could not be parked; undefined when they are */
const park = async (
  refused: readonly Parked[],
  isNews: boolean,
  { parking, metrics, now }: Mirror,
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
