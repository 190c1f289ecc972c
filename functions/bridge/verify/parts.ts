import type { ScanPage } from '../drivers/dynamo/scan.ts'
import type { Pace } from '../jobs/pace.ts'
import { BucketSums } from './bucket-sums.ts'
import type { VerificationLedger } from './ledger.ts'
import type { ReadSoFar } from './sides.ts'

/** What one read adds to the sums of a part, and how far it came. */
export type ReadOn = (from: string | undefined, sums: BucketSums) => Promise<ReadSoFar>

/** So often it is noted how far a part is, in milliseconds: what is read again after a kill. */
const KEPT_EVERY = 10_000

/**
 * Reads a part to its end, from where an earlier run has stopped, and keeps what it has in each bucket.
 *
 * A job's ledger notes a position after each page. That would be a note of all sums for each of them: so a part is one page of
 * the job, and notes by itself, now and then, its sums together with where they end.
 *
 * @returns the page that says that the part is done
 * @throws what `read` throws, when what it had was kept
 */
export async function* sumPart(
  read: ReadOn,
  of: {
    readonly ledger: Pick<VerificationLedger<never>, 'sums' | 'keepSums'>
    readonly step: string
    readonly part: number
    readonly buckets: number
    readonly signal: AbortSignal
    readonly pace?: Pace | undefined
    /** Hears how many were gone through. */
    readonly onLooked: (looked: number) => void
  },
): AsyncGenerator<ScanPage> {
  const { ledger, step, part, buckets, signal, pace, onLooked } = of
  const kept = await ledger.sums(step, part)
  const sums = kept?.sums ?? new BucketSums(buckets)
  let next = kept?.next
  let keptAt = Date.now()
  const readAt = keptAt
  const isDone = kept !== undefined && next === undefined
  let looked = 0
  try {
    while (!isDone) {
      signal.throwIfAborted()
      await pace?.look(signal)
      const done = await read(next, sums)
      next = done.next
      looked += done.looked
      onLooked(done.looked)
      if (next === undefined) break
      if (Date.now() - keptAt < KEPT_EVERY) continue
      await ledger.keepSums(step, part, { sums, next })
      keptAt = Date.now()
    }
  } catch (error) {
    // What was read needn't be read again; where it can't be kept, the error that is there says why.
    if (next !== kept?.next) await ledger.keepSums(step, part, { sums, next }).catch(() => {})
    throw error
  }
  if (!isDone) await ledger.keepSums(step, part, { sums, next: undefined })
  yield { items: [], next: undefined, readAt, looked }
}
