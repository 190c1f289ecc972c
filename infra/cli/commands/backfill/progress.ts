import type { BackfillStep } from '../../../../functions/bridge/backfill/backfill.ts'
import type { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Io } from '../../conventions/io.ts'
import { Progress } from '../../conventions/progress.ts'
import { throttledNote } from '../../target/throttled.ts'

/**
 * The progress of a backfill, step by step, from when its job is taken.
 *
 * @param of the step that it begins with, how many items there are believed to be, and what holds them back
 */
export const backfillProgress = (
  io: Io,
  of: {
    readonly step: BackfillStep
    readonly estimate: number
    readonly limiter: RateLimiter
    readonly maxRate: number | undefined
  },
) => {
  let begun = performance.now()
  let progress: Progress | undefined
  let present = of.step
  const open = (step: BackfillStep, before: number): void => {
    progress?.end()
    present = step
    progress =
      step === 'items'
        ? new Progress(io, 'items', {
            total: of.estimate,
            estimated: true,
            before,
            note: throttledNote(of.limiter, of.maxRate),
          })
        : new Progress(io, 'rows', { before })
  }
  return {
    begin: ({ items }: Tally): void => {
      begun = performance.now()
      open(of.step, items)
    },
    show: (step: BackfillStep, { items }: Tally): void => {
      if (step !== present) open(step, 0)
      if (progress !== undefined) progress.advance(items - progress.done)
    },
    end: (): void => progress?.end(),
    seconds: (): number => (performance.now() - begun) / 1000,
  }
}
