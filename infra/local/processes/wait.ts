import { setTimeout as sleep } from 'node:timers/promises'

/** The outcome of a wait: the probe's value, or the last error it met before time ran out. */
export type Waited<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown }

/**
 * Repeats a probe until it succeeds.
 *
 * @param probe throws while the thing is not ready; must have its own time limit
 * @param limits `withinMs` in all, `everyMs` between two probes, and an optional signal that ends the wait early
 */
export const waitFor = async <T>(
  probe: () => Promise<T>,
  limits: { withinMs: number; everyMs: number; signal?: AbortSignal },
): Promise<Waited<T>> => {
  const end = performance.now() + limits.withinMs
  for (;;) {
    try {
      return { ok: true, value: await probe() }
    } catch (error) {
      if (limits.signal?.aborted === true || performance.now() >= end) return { ok: false, error }
    }
    await sleep(limits.everyMs)
  }
}
