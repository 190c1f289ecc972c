import type { LambdaInvoker } from '../drivers/lambda/invoker.ts'
import type { HttpResponse } from '../http/response.ts'
import type { ApiCall, RefusedCall } from '../normalise/api.ts'
import type { Log } from '../runtime/log.ts'

/** A write's answer waits no longer for the relay to be woken, in milliseconds. */
const LIMIT = 1_000
/** A relay that was woken looks for longer than this, in milliseconds, so that it sees whatever is written meanwhile. */
const REST = 1_000

export type WakeParts = {
  /** Absent: the relay stays, and needs nobody to wake it. */
  readonly relay: string | undefined
  readonly caller: Pick<LambdaInvoker, 'begin'>
  readonly log: Pick<Log, 'warn'>
  /** Milliseconds of a clock that never goes back. @default performance.now */
  readonly now?: () => number
}

/** Has the relay look behind writes, where it only looks now and then. */
export class Wake {
  readonly #parts: WakeParts
  #woken = Number.NEGATIVE_INFINITY

  constructor(parts: WakeParts) {
    this.#parts = parts
  }

  /**
   * To be called once a request is served. Nothing depends on it but the time: what was written stands in the log, and a relay that
   * can't be woken comes by its schedule.
   */
  async behind(call: ApiCall | RefusedCall, { statusCode }: Pick<HttpResponse, 'statusCode'>): Promise<void> {
    const { relay, caller, log, now = () => performance.now() } = this.#parts
    if (relay === undefined || call.changes.length === 0 || statusCode >= 300) return
    if (!('entity' in call) || call.entity.mirror === undefined) return
    const at = now()
    if (at - this.#woken < REST) return
    this.#woken = at
    try {
      await caller.begin(relay, JSON.stringify({ wokenBy: call.entity.name }), LIMIT)
    } catch (error) {
      this.#woken = Number.NEGATIVE_INFINITY
      log.warn('the relay could not be woken: it comes by its schedule', { error })
    }
  }
}
