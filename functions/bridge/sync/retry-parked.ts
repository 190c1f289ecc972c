import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { type Change, subjectOf } from '../model/change.ts'
import { BridgeError, InvalidRecordError } from '../model/errors.ts'
import type { Refused } from '../model/outcome.ts'
import type { ParkedHead } from '../ports/parked.ts'
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
 * Tries parked changes again: applies what their source holds *now*, since what was parked may be outdated. What fails
 * again stays parked, with its reason as of now.
 *
 * @param heads all of one name
 * @throws BridgeError when a store can't be reached or is not set up; the keys so far are done then
 */
export const retryParked = async (
  parts: SyncParts,
  name: string,
  heads: readonly ParkedHead[],
): Promise<readonly RetryOutcome[]> => {
  const outcomes: RetryOutcome[] = []
  for (let at = 0; at < heads.length; at += GROUP)
    outcomes.push(...(await retryGroup(parts, name, heads.slice(at, at + GROUP))))
  return outcomes
}

/** What the source says now, or why it can't. */
type Prepared = {
  readonly head: ParkedHead
  readonly changes: readonly Change[]
  readonly error?: BridgeError
}

const retryGroup = async (
  parts: SyncParts,
  name: string,
  heads: readonly ParkedHead[],
): Promise<RetryOutcome[]> => {
  const prepared = await Promise.all(heads.map((head) => prepare(parts, head)))
  const changes = prepared.flatMap((one) => one.changes)
  // Whoever asks for it has waited already.
  const [applied] = await applyPatiently(new Map([[name, changes]]), parts, { pauses: [] })
  const refused = new Map((applied?.refused ?? []).map((one) => [subjectOf(one.change), one.error]))
  await parkAgain(parts, applied?.refused ?? [])
  const someSkipped = (applied?.skipped ?? 0) > 0
  return Promise.all(
    prepared.map((one) => conclude(parts, name, one, refused.get(one.head.key), someSkipped)),
  )
}

const prepare = async ({ source, now }: SyncParts, head: ParkedHead): Promise<Prepared> => {
  try {
    return { head, changes: await source.current(head, now()) }
  } catch (error) {
    if (error instanceof InvalidRecordError) return { head, changes: [], error }
    throw error
  }
}

const conclude = async (
  parts: SyncParts,
  name: string,
  { head, changes, error: fault }: Prepared,
  refusal: Error | undefined,
  someSkipped: boolean,
): Promise<RetryOutcome> => {
  // What could not be read was not tried: its entry stays as it is.
  const error = refusal ?? fault
  if (error !== undefined) return { head, outcome: 'parked', error: asBridgeError(error) }
  const last = changes.at(-1)
  const superseded = last !== undefined && someSkipped && (await parts.sink.isLater(last))
  const outcome = superseded ? 'superseded' : 'applied'
  const upTo = [last?.version ?? 0n, head.version ?? 0n].reduce((a, b) => (a > b ? a : b))
  // What has been parked since the head was read is behind it in the stream, and stays.
  await parts.parking.resolve(name, head.key, upTo, outcome, parts.now(), head.sequenceNumber ?? '0')
  return { head, outcome }
}

/** Counts the attempts and notes the reasons as of now. */
const parkAgain = async ({ parking, sink, now }: SyncParts, refused: readonly Refused[]): Promise<void> => {
  await parking.park(
    refused.map((one) => parkedChange(sink, one, { payload: describe(one.change) })),
    now(),
  )
}

/** What was tried, for an entry whose evidence is not a stream record; its row as DynamoDB would have it. */
const describe = (change: Change): string =>
  toJsonText({ ...change, ...(change.op === 'upsert' && { row: toAttributeValue(change.row).M }) })

const asBridgeError = (error: Error): BridgeError =>
  error instanceof BridgeError ? error : new InvalidRecordError(error.message, { cause: error })
