import type { Epoch } from './owner.ts'
import { sameValue, type Value } from './values.ts'

/** A positive integer per key. Every write, at either side, makes it larger; the larger one is the truth. */
export type Version = bigint

/** The later of two versions. */
export const laterVersion = (one: Version, other: Version): Version => {
  if (one > other) return one
  return other
}

/**
 * The largest version that is accepted: every client's JSON parser still holds it exactly.
 * A version beyond it is refused by name, not rounded.
 */
export const LARGEST_VERSION: Version = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * The digits of the longest version, one that is taken from a stream: ten of its second, forty of its sequence number.
 */
export const VERSION_DIGITS = 50

/** A version as text that sorts as the numbers do. */
export const versionText = (version: Version): string => String(version).padStart(VERSION_DIGITS, '0')

/** An entity's attributes by name, without key, version and time. */
export type Row = Readonly<Record<string, Value>>

/** Whether a row holds the same value for each attribute that another one has. */
export const holdsAll = (row: Row, wanted: Row): boolean =>
  Object.entries(wanted).every(([name, value]) => sameValue(row[name] ?? null, value))

type Identified = {
  /** The name of the entity, such as `chef`, or of the table that is kept by another one. */
  readonly entity: string
  /** The identity, the same string in both stores. */
  readonly key: string
  /**
   * The key of what it was made from, where a store's keys are others than its source's. Of several with one key the
   * store keeps one, and knows by this whose it is.
   */
  readonly sourceKey?: string
  /** Where it came from, such as `api`, `stream` or `scan`; by whoever made it of what was there. */
  readonly source: string
  /** When the write happened: ISO 8601, UTC, milliseconds. */
  readonly at: string
  /** The move that had given the key to the store which accepted the write; absent: none had, it is 0. */
  readonly epoch?: Epoch
  /** What a sink would write was held by somebody else when it was tried last. A hint: nothing has to wait for that again. */
  readonly contended?: boolean
}

/** The whole new image of one key. Nothing is ever merged. */
type Upsert = Identified & {
  readonly op: 'upsert'
  readonly row: Row
  /** The source held other content of the key at this very version, before it held this. */
  readonly restates?: boolean
  /** The source says that it held the key before. A hint: it may spare a sink the dearer of two ways. */
  readonly replaces?: boolean
  /** It makes what is not there, and nothing else: a row that is there by then stays as it is, whatever its version. */
  readonly birth?: true
}
type Delete = Identified & { readonly op: 'delete' }

/** One write, of one key, at a known version: the shape that every source produces and every sink applies. */
export type Change = (Upsert | Delete) & { readonly version: Version }

/**
 * A client's wish to change an existing key. Which version it makes is known once the store has been read:
 * see `settle`.
 */
export type Intent = (Upsert | Delete) & {
  readonly version: 'next'
  /** The versions of which the client accepts one as current; absent: any. */
  readonly ifMatch?: readonly Version[]
  /**
   * What the client says that it may find under a key which it may make: `something`, so that nothing is made; `nothing`, so
   * that nothing is replaced; or `either`. Absent: a key that it may not make.
   */
  readonly finding?: 'something' | 'nothing' | 'either'
}

/** Turns an intent into a change: one version above the one that the store holds. */
export const settle = ({ ifMatch: _, finding: __, ...intent }: Intent, current: Version): Change => ({
  ...intent,
  version: current + 1n,
})

/** As a change that only makes what is not there. */
export const asBirth = (change: Change): Change =>
  change.op === 'upsert' ? { ...change, birth: true } : change

/** Whether a change leaves a row that is there as it is. */
export const isBirth = (change: Change): boolean => change.op === 'upsert' && change.birth === true

/** What a change is of, as its source names it: by this it is parked and tried again. */
export const subjectOf = ({ key, sourceKey = key }: Pick<Change, 'key' | 'sourceKey'>): string => sourceKey

/**
 * Reduces a batch to one change per key, and source key where it has one: the last one. It is what the source ended with,
 * also where its writers let versions step back: who puts an item anew begins at 1 again. A version that is taken from the
 * stream is that order itself.
 *
 * @param changes of one entity, in their source's order, repeats allowed
 * @returns in the order of each key's first appearance; says nothing about what the store holds already
 */
export const coalesce = (changes: readonly Change[]): Change[] => {
  const last = new Map<string, Change>()
  for (const change of changes) {
    const identity = keyOf(change)
    const known = last.get(identity)
    if (known !== undefined && (isBehind(change, known) || addsNothing(change, known))) continue
    last.set(identity, change)
  }
  return [...last.values()]
}

/**
 * Where the last change of a key has a smaller version than one before it, that one before: the store has to have heard of
 * it. Otherwise the smaller version would stand there, and a repeat of the larger one overwrite it.
 */
export const peaksOf = (changes: readonly Change[]): Change[] => {
  const peaks = new Map<string, Change>()
  let stepsBack = false
  for (const change of changes) {
    const identity = keyOf(change)
    const known = peaks.get(identity)
    if (known === undefined || change.version >= known.version) peaks.set(identity, change)
    else stepsBack = true
  }
  // The usual batch.
  if (!stepsBack) return []
  const last = new Map(coalesce(changes).map((change) => [keyOf(change), change]))
  return [...peaks].flatMap(([identity, peak]) =>
    peak.version > (last.get(identity)?.version ?? peak.version) ? [peak] : [],
  )
}

/** Several items of a source may want one key. */
const keyOf = ({ key, sourceKey }: Change): string =>
  sourceKey === undefined ? key : JSON.stringify([key, sourceKey])

/** Whether it is what the source held already: then what that had replaced is still to be known. */
const addsNothing = (change: Change, known: Change): boolean =>
  known.op === 'upsert' &&
  known.restates === true &&
  change.op === 'upsert' &&
  change.restates !== true &&
  change.version === known.version &&
  change.epoch === known.epoch &&
  holdsAll(known.row, change.row)

const isBehind = ({ version }: Change, { version: known }: Change): boolean =>
  version > LARGEST_VERSION && version < known
