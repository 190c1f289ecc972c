import { isLockWait } from '../drivers/sql-errors.ts'
import type { RefusedItem } from '../jobs/jobs.ts'
import { type ItemsRun, NOTHING, type PageOutcome } from '../jobs/segments.ts'
import type { Entity } from '../model/entity.ts'
import type { BridgeError } from '../model/errors.ts'
import { LOCKED } from '../model/outcome.ts'
import type { Epoch, Owner } from '../model/owner.ts'
import { StaleClaimError } from '../ports/claim-errors.ts'
import { inLanes } from '../runtime/lanes.ts'
import { pause } from '../runtime/retry.ts'
import type { Claimed } from './claim.ts'
import { type ClaimedSet, isOfKey } from './claim-set.ts'
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
      if (isLockWait(error)) return [refusedBusy(head.key)]
      if (isOfKey(error)) return [refusedFor(head.key, error)]
      throw error
    }
  })
  return refusals.flat()
}

/** Keys that are claimed together: as many as one look at Aurora reads. */
const TOGETHER = 250
/** What somebody goes on writing for so long, in milliseconds, is left where it is. */
const PATIENCE = 5_000
/** Between two looks, in milliseconds. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1_000

export type TogetherParts = {
  /** Moves many keys of one entity to a side. */
  readonly claimSet: (entity: Entity, keys: readonly string[], to: Owner, epoch: Epoch) => Promise<ClaimedSet>
  readonly claim: (entity: Entity, key: string, to: Owner, epoch: Epoch) => Promise<Claimed>
  /** @default PATIENCE */
  readonly patience?: number | undefined
} & Pick<ItemsRun, 'limiter' | 'signal'>

/**
 * Moves the keys of a page by one move, together as far as they are plain; each of the others by a claim of its own. What somebody is
 * writing holds up nothing: it is looked at again behind the rest, for a while.
 *
 * @returns those that can't be moved, with the reason
 * @throws what isn't one key's own
 */
export const claimTogether = async (
  entity: Entity,
  heads: readonly SweptHead[],
  { targetOf, epoch }: { readonly targetOf: (key: string) => Owner; readonly epoch: Epoch },
  parts: TogetherParts,
): Promise<readonly RefusedItem[]> => {
  const { limiter, signal, claimSet, claim, patience = PATIENCE } = parts
  const refusals: RefusedItem[] = []
  let busy: SweptHead[] = []
  const claimSome = async (some: readonly SweptHead[]): Promise<void> => {
    for (const [to, ofSide] of Map.groupBy(some, ({ key }) => targetOf(key))) {
      const keys = ofSide.map(({ key }) => key)
      const { moved, already, busy: held, failed } = await claimSet(entity, keys, to, epoch)
      for (const [key, error] of failed) refusals.push(refusedFor(key, error))
      busy.push(...ofSide.filter(({ key }) => held.has(key)))
      const alone = ofSide.filter(({ key }) =>
        [moved, already, held, failed].every((known) => !known.has(key)),
      )
      refusals.push(...(await claimEach(alone, ({ key }) => claim(entity, key, to, epoch), { signal })))
    }
  }
  for (let at = 0; at < heads.length; ) {
    const some = heads.slice(at, at + Math.min(TOGETHER, limiter?.pageItems ?? TOGETHER))
    await limiter?.take(some.length, signal)
    await claimSome(some)
    at += some.length
  }
  const until = performance.now() + patience
  for (let attempt = 1; busy.length > 0 && performance.now() < until; attempt++) {
    await pause(attempt, FIRST_PAUSE, LONGEST_PAUSE)
    signal?.throwIfAborted()
    const rest = busy
    busy = []
    await claimSome(rest)
  }
  return [...refusals, ...busy.map(({ key }) => refusedBusy(key))]
}

const refusedBusy = (key: string): RefusedItem =>
  refusedKey(
    key,
    `${LOCKED}: somebody has been writing its row for long: commit that, or end it, and sweep once more`,
  )

const refusedFor = (key: string, { code, message }: BridgeError): RefusedItem =>
  refusedKey(key, `${code}: ${message}`)

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

export const refusedKey = (key: string, why: string): RefusedItem => ({ key: { key: { S: key } }, why })
