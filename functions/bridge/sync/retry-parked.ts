import { MissingParentError, type Refused } from '../aurora/outcome.ts'
import type { Change } from '../change.ts'
import type { Entity } from '../entity.ts'
import { BridgeError, InvalidRecordError } from '../errors.ts'
import { itemToChange } from '../normalise/record.ts'
import type { ParkedHead } from '../parking/parked.ts'
import { applyPatiently } from './apply-patiently.ts'
import { parkedChange } from './parking-entry.ts'
import type { SyncParts } from './parts.ts'

export type RetryOutcome = {
  readonly head: ParkedHead
  /** `superseded`: the store already held a later version. */
  readonly outcome: 'applied' | 'superseded' | 'parked'
  /** Why it stays parked. */
  readonly error?: BridgeError
}

/** Keys that are tried in one go. */
const GROUP = 100

/**
 * Tries parked changes again: applies each key's *current* item, since what was parked may be outdated. A key whose
 * item is gone is deleted, one version above the parked one. What fails again stays parked, with its reason as of now.
 *
 * @throws BridgeError when a store can't be reached or is not set up; the keys so far are done then
 */
export const retryParked = async (
  parts: SyncParts,
  entity: Entity,
  heads: readonly ParkedHead[],
): Promise<readonly RetryOutcome[]> => {
  const outcomes: RetryOutcome[] = []
  for (let at = 0; at < heads.length; at += GROUP)
    outcomes.push(...(await retryGroup(parts, entity, heads.slice(at, at + GROUP))))
  return outcomes
}

type Prepared = { readonly head: ParkedHead } & (
  | { readonly change: Change }
  | { readonly change?: undefined; readonly error?: BridgeError }
)

const retryGroup = async (
  parts: SyncParts,
  entity: Entity,
  heads: readonly ParkedHead[],
): Promise<RetryOutcome[]> => {
  const prepared = await Promise.all(heads.map((head) => prepare(parts, entity, head)))
  const changes = prepared.flatMap(({ change }) => (change === undefined ? [] : [change]))
  // Whoever asks for it has waited already.
  const [applied] = await applyPatiently(new Map([[entity.name, changes]]), parts, { pauses: [] })
  const refused = new Map((applied?.refused ?? []).map((one) => [one.change.key, one.error]))
  await parkAgain(parts, entity, applied?.refused ?? [])
  const someSkipped = (applied?.skipped ?? 0) > 0
  return Promise.all(
    prepared.map((one) => conclude(parts, entity, one, refused.get(one.head.key), someSkipped)),
  )
}

/** What a parked key's table says now. */
const prepare = async (parts: SyncParts, entity: Entity, head: ParkedHead): Promise<Prepared> => {
  const { key, version } = head
  if (key.startsWith('?') && version === undefined)
    return {
      head,
      error: new InvalidRecordError('The record names no key: repair the item, then it comes by itself'),
    }
  try {
    const item = await parts.items.get(entity, key)
    if (item !== undefined) return { head, change: itemToChange(entity, key, item, version) }
  } catch (error) {
    if (error instanceof InvalidRecordError) return { head, error }
    throw error
  }
  if (version !== undefined)
    return { head, change: deletion(entity, head, head.op === 'delete' ? version : version + 1n, parts) }
  // Neither an item nor a version: done when Aurora has no such row either.
  return (await parts.store.get(entity, key)) === undefined
    ? { head }
    : {
        head,
        error: new InvalidRecordError(
          'The item is gone and its version unknown: delete the row on the legacy side',
        ),
      }
}

const deletion = (entity: Entity, { key }: ParkedHead, version: bigint, { now }: SyncParts): Change => ({
  entity: entity.name,
  key,
  op: 'delete',
  version,
  source: 'stream',
  at: now().toISOString(),
})

const conclude = async (
  parts: SyncParts,
  entity: Entity,
  prepared: Prepared,
  refusal: Error | undefined,
  someSkipped: boolean,
): Promise<RetryOutcome> => {
  const { head, change } = prepared
  // A broken item was not tried: its entry stays as it is.
  const error = refusal ?? (change === undefined ? prepared.error : undefined)
  if (error !== undefined) return { head, outcome: 'parked', error: asBridgeError(error) }
  const superseded = change !== undefined && someSkipped && (await isNewer(parts, entity, change))
  const outcome = superseded ? 'superseded' : 'applied'
  const upTo = [change?.version ?? 0n, head.version ?? 0n].reduce((a, b) => (a > b ? a : b))
  // What has been parked since the head was read is behind it in the stream, and stays.
  await parts.parking.resolve(entity.name, head.key, upTo, outcome, parts.now(), head.sequenceNumber ?? '0')
  return { head, outcome }
}

/** Counts the attempts and notes the reasons as of now. */
const parkAgain = async (
  { parking, entities, now }: SyncParts,
  entity: Entity,
  refused: readonly Refused[],
): Promise<void> => {
  await parking.park(
    refused.map((one) => parkedChange(entity, entities, one, { payload: describe(entity, one.change) })),
    now(),
  )
}

/** What was tried, for an entry whose evidence is not a stream record. */
const describe = (entity: Entity, change: Change): string =>
  JSON.stringify({
    ...change,
    version: String(change.version),
    ...(change.op === 'upsert' && {
      row: Object.fromEntries(
        Object.entries(entity.fields).map(([name, field]) => [name, field.toJson(change.row[name] ?? null)]),
      ),
    }),
  })

const isNewer = async ({ store }: SyncParts, entity: Entity, change: Change): Promise<boolean> => {
  const stored = await store.get(entity, change.key)
  return stored === undefined ? change.op === 'upsert' : stored.version > change.version
}

const asBridgeError = (error: Error): BridgeError =>
  error instanceof BridgeError ? error : new MissingParentError(error.message, { cause: error })
