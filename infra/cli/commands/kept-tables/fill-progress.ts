import type { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import type { Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Io } from '../../conventions/io.ts'
import { Progress } from '../../conventions/progress.ts'
import { throttledNote } from '../../target/throttled.ts'

/**
 * The progress of a fill, which begins when its job is taken.
 *
 * @param of how many items there are believed to be, and what holds them back
 */
export const fillProgress = (
  io: Io,
  of: { readonly estimate: number; readonly limiter: RateLimiter; readonly maxRate: number | undefined },
) => {
  let begun = performance.now()
  let progress: Progress | undefined
  return {
    begin: ({ items: before }: Tally): void => {
      const note = throttledNote(of.limiter, of.maxRate)
      begun = performance.now()
      progress = new Progress(io, 'items', { total: of.estimate, estimated: true, before, note })
    },
    show: ({ items }: Tally): void => progress?.advance(items - progress.done),
    end: (): void => progress?.end(),
    seconds: (): number => (performance.now() - begun) / 1000,
  }
}
