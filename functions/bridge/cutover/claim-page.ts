import type { RefusedItem } from '../jobs/jobs.ts'
import { type ItemsRun, NOTHING, type PageOutcome } from '../jobs/segments.ts'
import { BridgeError } from '../model/errors.ts'
import { UnsettledError } from '../model/outcome.ts'
import { CallUnderWayError, StaleClaimError, UndecidedError } from '../ports/claim-errors.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { SweptHead } from './sweep-pages.ts'

/* Claims the keys of a page, for a job that goes over all of them. */

/** Keys that are claimed at once: each takes several calls of both stores. */
const LANES = 8

/**
 * Moves each key of a page. One that a later move has is that one's.
 *
 * @returns those that can't be moved, with the reason
 * @throws what isn't one key's own
 */
export const claimEach = async (
  heads: readonly SweptHead[],
  move: (head: SweptHead) => Promise<unknown>,
  { limiter, signal }: Pick<ItemsRun, 'limiter' | 'signal'>,
): Promise<readonly RefusedItem[]> => {
  const refusals = await inLanes(heads, LANES, async (head): Promise<RefusedItem[]> => {
    await limiter?.take(1, signal)
    try {
      await move(head)
      return []
    } catch (error) {
      if (error instanceof StaleClaimError) return []
      if (error instanceof BridgeError && isOfKey(error))
        return [refusedKey(head.key, `${error.code}: ${error.message}`)]
      throw error
    }
  })
  return refusals.flat()
}

/** What was done of a page. */
export const pageOutcome = ({
  looked,
  nameless,
  todo,
  refusals,
}: {
  readonly looked: number
  readonly nameless: readonly string[]
  readonly todo: readonly SweptHead[]
  readonly refusals: readonly RefusedItem[]
}): PageOutcome => ({
  ...NOTHING,
  items: looked,
  applied: todo.length - refusals.length,
  skipped: looked - todo.length - nameless.length,
  refused: refusals.length + nameless.length,
  refusals,
})

/** Whether an error is one key's own, and holds up no other. */
const isOfKey = (error: BridgeError): boolean =>
  ['data', 'dependency', 'client'].includes(error.kind) ||
  [UndecidedError, CallUnderWayError, UnsettledError].some((passing) => error instanceof passing)

export const refusedKey = (key: string, why: string): RefusedItem => ({ key: { key: { S: key } }, why })
