import { subjectOf } from '../model/change.ts'
import { BridgeError, InvalidRecordError, kindOf } from '../model/errors.ts'
import { normaliseStreamEvent, type TableIndex } from '../normalise/stream.ts'
import { inLanes } from '../runtime/lanes.ts'
import { evidenceOf } from '../sync/apply-stream.ts'
import type { Evidence } from '../sync/evidence.ts'
import { follow } from '../sync/follow.ts'
import type { Mirror } from '../sync/mirror.ts'
import { UnreadableBatchError } from './errors.ts'
import type { GivenUp } from './given-up.ts'
import type { Undelivered, UndeliveredHead } from './undelivered.ts'

/** A function that takes the records of streams, as far as its batches can be applied in its place. */
export type Follower = {
  /** Its name in Lambda. Absent where nobody knows. */
  readonly functionName?: string | undefined
  /** What it applies changes with; opened when it is needed. */
  readonly open: () => Promise<{
    readonly mirror: Mirror
    /** Who reads the records of which table, as of now. */
    readonly tables: () => Promise<TableIndex>
  }>
}

/** What became of a batch. */
export type Redriven = {
  readonly head: UndeliveredHead
  /** `kept`: it stays where it is, and `reason` says why. `gone`: somebody else has ended it. */
  readonly outcome: 'redriven' | 'kept' | 'gone'
  readonly records: number
  /** Changes that are applied, or were late. */
  readonly settled: number
  /** Changes that are listed as parked now. */
  readonly parked: number
  readonly reason?: BridgeError
}

/**
 * A delete is remembered for 90 days where tables are kept. What is nearly as old could bring back what was deleted since;
 * of these not the record counts but what its item is now. In milliseconds.
 */
const TRUSTED_FOR = 60 * 24 * 3600_000
/** How long a batch may take, in milliseconds, a store that can't be reached included. */
const BATCH_LIMIT = 60_000
/** Items that are read at once. */
const READS = 8
/** So many batches that fail one behind the other are not the batches' fault. */
const FAILURES_IN_A_ROW = 3

export type RedriveParts = {
  readonly undelivered: Undelivered
  readonly followers: readonly Follower[]
  readonly now: () => Date
}

/**
 * Delivers batches again that an event source gave up on, one after the other. Their records go the way of all records:
 * the store's guard decides which are late, and what it refuses is parked. A batch of which nothing is left to do is
 * ended; one that can't be applied now stays. Who stops in between has lost nothing: what was ended is ended.
 *
 * @param options.mayBegin asked before each; the rest stays as it is when it says no
 * @param options.onBatch told of each
 * @throws BridgeError what the last of several batches in a row failed with: then something is wrong with the stores
 */
export const redrive = async (
  heads: readonly UndeliveredHead[],
  parts: RedriveParts,
  options: { readonly mayBegin: () => boolean; readonly onBatch: (one: Redriven) => void },
): Promise<void> => {
  let failures = 0
  for (const head of heads) {
    if (!options.mayBegin()) return
    const one = await redriveOne(head, parts)
    options.onBatch(one)
    const failed = one.reason !== undefined && kindOf(one.reason) !== 'data'
    failures = failed ? failures + 1 : 0
    if (failures >= FAILURES_IN_A_ROW) throw one.reason
  }
}

const redriveOne = async (head: UndeliveredHead, parts: RedriveParts): Promise<Redriven> => {
  const { undelivered } = parts
  let batch: GivenUp | undefined
  const done = { settled: 0, parked: 0 }
  try {
    batch = await undelivered.read(head)
    if (batch === undefined) return { head, outcome: 'gone', records: 0, ...done }
    await applyTo(batch, await readersOf(batch, parts), done, parts.now())
    await undelivered.end(head, 'redriven')
    return { head, outcome: 'redriven', records: batch.records.length, ...done }
  } catch (error) {
    const reason = error instanceof BridgeError ? error : undefined
    if (reason === undefined) throw error
    return { head, outcome: 'kept', records: batch?.records.length ?? 0, ...done, reason }
  }
}

type Reader = { readonly mirror: Mirror; readonly tables: TableIndex }

/** The function that gave it up, by its name; all that take the table's records where that is not known any more. */
const readersOf = async (batch: GivenUp, { followers }: RedriveParts): Promise<readonly Reader[]> => {
  const named = followers.filter(({ functionName }) => functionName === batch.functionName)
  const readers: Reader[] = []
  for (const { open } of named.length > 0 ? named : followers) {
    const { mirror, tables } = await open()
    const index = await tables()
    if (index.has(batch.table)) readers.push({ mirror, tables: index })
  }
  if (readers.length === 0)
    throw new UnreadableBatchError(
      `Nothing is kept of the table ${batch.table}: deploy what was, or drop the batch`,
    )
  return readers
}

const applyTo = async (
  { records }: GivenUp,
  readers: readonly Reader[],
  done: { settled: number; parked: number },
  now: Date,
): Promise<void> => {
  for (const { mirror, tables } of readers) {
    const batch = normaliseStreamEvent({ Records: records }, tables)
    if (batch === undefined) throw new UnreadableBatchError('The records are none of a DynamoDB stream')
    mirror.deadline.within(BATCH_LIMIT)
    const evidence = await asOfNow(evidenceOf(batch), mirror, now)
    const verdicts = await follow(evidence, mirror)
    const of = (verdict: string): number => verdicts.filter((one) => one === verdict).length
    done.settled += of('settled')
    done.parked += of('parked')
    if (of('again') > 0) throw new NotYetError(`${of('again')} changes can be neither applied nor parked now`)
  }
}

/** Some of a batch's changes have to be brought once more. */
class NotYetError extends BridgeError {
  override readonly name = 'NotYetError'
  readonly code = 'undelivered.not-yet'
  readonly kind = 'transient'
}

/** Changes that are too old to be told from what was deleted since become what their items are now. */
const asOfNow = async (
  evidence: readonly Evidence[],
  { source }: Mirror,
  now: Date,
): Promise<readonly Evidence[]> => {
  const read = await inLanes(evidence, READS, async (one): Promise<readonly Evidence[]> => {
    if ('fault' in one || now.getTime() - Date.parse(one.change.at) < TRUSTED_FOR) return [one]
    const { change, ...proof } = one
    const { entity, version, op } = change
    const key = subjectOf(change)
    try {
      const changes = await source.current({ entity, key, version, op }, now)
      return changes.map((current) => ({ ...proof, change: current }))
    } catch (error) {
      if (error instanceof InvalidRecordError) return [{ ...proof, fault: { entity, key, version, error } }]
      throw error
    }
  })
  return read.flat()
}
