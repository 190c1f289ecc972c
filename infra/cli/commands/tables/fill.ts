import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { JobBusyError, type JobLease, type Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import { addTallies } from '../../../../functions/bridge/jobs/segments.ts'
import { backfill } from '../../../../functions/bridge/tables/backfill.ts'
import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import type { Projection } from '../../../../functions/bridge/tables/projection.ts'
import type { Context } from '../../conventions/command.ts'
import { interrupted } from '../../conventions/errors.ts'
import { grouped } from '../../conventions/figures.ts'
import { Progress } from '../../conventions/progress.ts'
import { throttledNote } from '../../target/throttled.ts'

type Given = {
  readonly sync: TableSyncParts
  readonly lease: JobLease
  /** Items that the source is believed to have. */
  readonly estimate: number
  readonly maxRate?: number | undefined
  readonly concurrency?: number | undefined
}

/**
 * Runs the job that fills a kept table to its end, with progress, and gives it back.
 *
 * @throws CliError with exit code 130 when it was interrupted: behind whole pages, and it says how to go on
 */
export const fill = async (
  { io, interrupt, goOn }: Pick<Context, 'io' | 'interrupt' | 'goOn'>,
  projection: Projection,
  { sync, lease, estimate, maxRate, concurrency }: Given,
): Promise<Tally> => {
  const { segments } = lease.record
  const before = addTallies(lease.progress.map(({ tally }) => tally)).items
  const limiter = new RateLimiter({ maxRate })
  const progress = new Progress(io, 'items', {
    total: estimate,
    estimated: true,
    before,
    note: throttledNote(limiter, maxRate),
  })
  try {
    const { done, tally } = await backfill({
      projection,
      sync,
      lease,
      segments,
      concurrency,
      limiter,
      deadline: sync.deadline,
      signal: AbortSignal.any([interrupt, lease.lost]),
      onProgress: ({ items }) => progress.advance(items - progress.done),
    })
    lease.lost.throwIfAborted()
    const { items, applied, skipped, refused } = tally
    await lease.end(done ? 'done' : 'stopped', { result: { items, applied, skipped, refused } })
    if (done) return tally
    const parts = lease.progress.filter((segment) => segment.done).length
    throw interrupted(
      `interrupted: ${grouped(items)} items are filled in, ${parts} of ${segments} segments are done`,
      `go on with: ${goOn}`,
    )
  } catch (error) {
    if (lease.record.state === 'running' && !(error instanceof JobBusyError)) await giveBack(lease, error)
    throw error
  } finally {
    progress.end()
  }
}

/** Notes the failure with the job, for who asks later. */
const giveBack = async (lease: JobLease, error: unknown): Promise<void> => {
  const message = error instanceof Error ? error.message : String(error)
  try {
    await lease.end('failed', { message })
  } catch (second) {
    throw new AggregateError([error, second], `${message}; and the job could not be given back`)
  }
}
