import { SteppedBackError } from '../model/store-mark.ts'
import { type LambdaMetrics, WHOLE_STACK } from '../runtime/metrics.ts'
import { type Carried, type RelayParts, relay } from './relay.ts'

/** Pause of a relay that stays between two looks into an empty log, in milliseconds: a write waits for half of it, mostly. */
const POLL = 500
/** One that doesn't stay ends when it has found nothing for so long, in milliseconds: whoever has woken it may write on. */
const LINGER = 2_000

type Options = {
  /** Whether it looks for as long as the invocation has time. */
  readonly stays: boolean
  readonly gauges: Pick<LambdaMetrics, 'gauge'>
}

/**
 * One invocation of the relay. How much is left behind it, and for how long it has been, is published also where it fails.
 *
 * @throws as `relay` does
 */
export const runRelay = async (parts: RelayParts, { stays, gauges }: Options): Promise<Carried> => {
  let back = 0
  try {
    const carried = await relay(parts, stays ? { poll: POLL } : { poll: POLL, linger: LINGER })
    if (carried.rows > 0 || carried.again > 0 || carried.conflicts > 0)
      parts.log.info('carried over', { ...carried })
    return carried
  } catch (error) {
    if (error instanceof SteppedBackError) back = error.stores.length
    throw error
  } finally {
    gauges.gauge('SteppedBack', WHOLE_STACK, back)
    const { rows, oldest } = await parts.changes.depth()
    gauges.gauge('LogRows', WHOLE_STACK, rows)
    gauges.gauge('LogAge', WHOLE_STACK, oldest)
  }
}
