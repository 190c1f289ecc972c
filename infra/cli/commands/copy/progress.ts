import type { CopyProgress } from '../../../../functions/bridge/copy/copy.ts'
import type { Io } from '../../conventions/io.ts'
import { Progress } from '../../conventions/progress.ts'

const WHAT = { cleanup: 'items deleted', migrate: 'items copied', verify: 'items read again' } as const

/**
 * The progress of a copy, step by step.
 *
 * @param before what an earlier run has done of the step that goes on
 * @param note says why it takes its time
 */
export const progressOf = (
  io: Io,
  before: { readonly step: string | undefined; readonly items: number } | undefined,
  note: () => string | undefined,
): { show(progress: CopyProgress): void; end(): void } => {
  let current: { readonly step: string; readonly progress: Progress } | undefined
  const begin = ({ step, expected }: CopyProgress): Progress => {
    current?.progress.end()
    const done = before?.step === step ? before.items : 0
    const progress = new Progress(io, WHAT[step], { total: expected, estimated: true, before: done, note })
    current = { step, progress }
    return progress
  }
  return {
    show: (told) => {
      const progress = current?.step === told.step ? current.progress : begin(told)
      progress.advance(told.tally.items - progress.done)
    },
    end: () => current?.progress.end(),
  }
}
