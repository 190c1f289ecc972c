import { isLockWait } from '../drivers/sql-errors.ts'
import type { Change } from '../model/change.ts'
import { DeadlineError } from '../model/errors.ts'
import { LockedRowError, type PartialOutcome, sum } from '../model/outcome.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { pause } from '../runtime/retry.ts'
import type { Batch } from './batch.ts'
import type { LockedRows } from './locked-rows.ts'

export type AroundLocksParts = {
  /** Applies what can be applied and names the rest; waits for a lock but shortly. */
  readonly apply: (batch: Batch) => Promise<PartialOutcome>
  readonly look: (batch: Batch) => Promise<LockedRows>
  /** Whether a change's row has been waited for before. */
  readonly isKnown: (change: Change) => boolean
  readonly deadline: Deadline
  /** @default PATIENCE */
  readonly patience?: number | undefined
}

/** What somebody holds for so long, in milliseconds, is left to them. */
const PATIENCE = 5_000
/** No attempt begins with less time left, in milliseconds: it ends, and what follows has its own. */
const ATTEMPT_TIME = 8_000
/** Telling what is held from what isn't may take so long, in milliseconds. */
const TELLING_TIME = 20_000

/**
 * Applies a batch beside others who hold some of its rows: what they don't hold is applied, and what they go on holding is
 * refused by name, to be tried again later. Most of it is found by a look that waits for nobody. What a look can't find, as a
 * gap that a new row falls into, is told by halving what waits in vain.
 *
 * Where time doesn't suffice to tell, what hasn't been tried is refused with the rest: it holds nothing up, and comes as they do.
 *
 * @throws DeadlineError where there was too little time from the start; BridgeError as `apply` does
 */
export const aroundLocks = async (batch: Batch, parts: AroundLocksParts): Promise<PartialOutcome> => {
  const { look, isKnown, deadline, patience = PATIENCE } = parts
  const hadTime = deadline.remaining() >= TELLING_TIME + ATTEMPT_TIME
  const until = performance.now() + patience
  const telling = new Telling(parts, hadTime)
  const outcomes: PartialOutcome[] = []
  let rest = batch
  for (let attempt = 1; ; attempt++) {
    deadline.require(ATTEMPT_TIME, 'a batch of which others hold rows')
    const { locked, standing } = await look(rest)
    const held = new Set(locked)
    // Rows that are there first: who holds the gap behind the last of them would keep all of it from being told.
    for (const isThere of [true, false]) {
      const free = rest.only((change) => standing.has(change) === isThere && !locked.has(change))
      if (free.changes.length > 0) outcomes.push(await telling.apply(free, held))
    }
    rest = rest.only((change) => held.has(change))
    const isOver = performance.now() >= until || deadline.remaining() < ATTEMPT_TIME + LONGEST_PAUSE
    if (isOver || rest.changes.every(isKnown)) break
    await pause(attempt, FIRST_PAUSE, LONGEST_PAUSE)
  }
  const error = new LockedRowError(batch.entity)
  return sum([...outcomes, { ...sum([]), refused: rest.changes.map((change) => ({ change, error })) }])
}

/** Between two looks, in milliseconds. */
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 1_000

/** Tells by halving what waits in vain, as long as it has time. */
class Telling {
  readonly #parts: AroundLocksParts
  readonly #hadTime: boolean
  readonly #until: number

  constructor(parts: AroundLocksParts, hadTime: boolean) {
    this.#parts = parts
    this.#hadTime = hadTime
    this.#until = performance.now() + TELLING_TIME
  }

  /** @param held what turns out to be, or what can't be told any more, is added to it */
  async apply(piece: Batch, held: Set<Change>): Promise<PartialOutcome> {
    const { apply, deadline } = this.#parts
    const setAside = (): PartialOutcome => {
      for (const change of piece.changes) held.add(change)
      return sum([])
    }
    const isLate = performance.now() >= this.#until || deadline.remaining() < ATTEMPT_TIME
    if (isLate && this.#hadTime) return setAside()
    if (isLate) throw new DeadlineError('There is no time left to tell which rows others hold')
    try {
      return await apply(piece)
    } catch (error) {
      if (!isLockWait(error)) throw error
      if (piece.changes.length === 1) return setAside()
      const outcomes: PartialOutcome[] = []
      for (const half of piece.halves()) outcomes.push(await this.apply(half, held))
      return sum(outcomes)
    }
  }
}
