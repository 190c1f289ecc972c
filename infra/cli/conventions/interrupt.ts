import { EXIT } from './exit-codes.ts'

/** One Ctrl-C may come twice, from the terminal and from whoever passes it on. In ms; no hand is that fast. */
const SAME_KEY_WITHIN = 300
/** Whoever stops within so many milliseconds needs no word about it. */
const PATIENCE = 500

/** What is needed of a process to watch it. */
export type Interruptible = {
  on(signal: NodeJS.Signals, listener: () => void): unknown
  off(signal: NodeJS.Signals, listener: () => void): unknown
  exit(code: number): void
  readonly stderr: { write(text: string): unknown }
}

/**
 * Turns Ctrl-C (and SIGTERM, SIGHUP) into a signal that commands look at where nothing is half done. A second one ends
 * the process at once.
 *
 * @param now a clock in milliseconds @default performance.now
 */
export const watchForInterrupt = (
  process: Interruptible,
  now: () => number = () => performance.now(),
): { readonly signal: AbortSignal; stop(): void } => {
  const controller = new AbortController()
  let askedAt: number | undefined
  let notice: NodeJS.Timeout | undefined
  const ask = (): void => {
    if (askedAt !== undefined) {
      if (now() - askedAt >= SAME_KEY_WITHIN) process.exit(EXIT.interrupted)
      return
    }
    askedAt = now()
    notice = setTimeout(() => {
      process.stderr.write('stopping at the next safe point; once more to stop at once\n')
    }, PATIENCE).unref()
    controller.abort()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const name of signals) process.on(name, ask)
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(notice)
      for (const name of signals) process.off(name, ask)
    },
  }
}
