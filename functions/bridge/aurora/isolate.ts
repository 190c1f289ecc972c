import { SqlError } from '../drivers/sql-errors.ts'
import { kindOf } from '../model/errors.ts'
import { nothingApplied, type PartialOutcome, type Refused, sum } from '../model/outcome.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import type { Batch } from './batch.ts'
import { HookError, HookTimeoutError } from './hook-errors.ts'

export type IsolateParts = {
  readonly apply: (batch: Batch) => Promise<PartialOutcome>
  /** Sends the batch's statements without any change: throws where it is not a change that they fail on. */
  readonly probe: (batch: Batch) => Promise<unknown>
  readonly deadline: Deadline
}

/**
 * Applies what can be applied and names the rest: a batch that fails is halved until the changes to blame are alone.
 *
 * Bad data and missing rows are told by the error. What the server refuses for another reason, or for one that isn't
 * known, is the change's fault if it fails alone while others pass: then it is refused like bad data, with the server's
 * number. Where nothing passes, the same statements are sent without any change: if they pass, the changes are to blame,
 * such as the rows that a trigger of a table refuses on which little else happens; if they don't, it is the set-up, and nothing
 * is set aside.
 *
 * @throws BridgeError what the whole batch has met: the connection, the set-up
 */
export const isolate = async (
  batch: Batch,
  { apply, probe, deadline }: IsolateParts,
): Promise<PartialOutcome> => {
  const suspects: Refused[] = []
  let passed = false
  /** Up to when it is told which changes a hook doesn't end over: what else there is to do has its own time. */
  let until: number | undefined
  const visit = async (piece: Batch, attempt: (piece: Batch) => Promise<PartialOutcome>) => {
    try {
      const outcome = await attempt(piece)
      passed = true
      return outcome
    } catch (error) {
      if (!(error instanceof Error) || !mayBeOfOne(error)) throw error
      const [only] = piece.changes
      if (error instanceof HookTimeoutError && piece.changes.length > 1) {
        until ??= performance.now() + deadline.remaining() / 2
        return visitParts(piece)
      }
      if (only !== undefined && piece.changes.length === 1) {
        if (isOfChange(error)) return { ...nothingApplied, refused: [{ change: only, error }] }
        suspects.push({ change: only, error })
        return nothingApplied
      }
      const outcomes: PartialOutcome[] = []
      for (const half of piece.halves()) outcomes.push(await visit(half, apply))
      return sum(outcomes)
    }
  }
  /**
   * Tells of several over which a hook hasn't ended which of them it is. Each such end costs time, so it is told in few steps; for
   * what is left when the time is over it counts as if it were so: it comes again by itself, and holds up nobody.
   */
  const visitParts = async (piece: Batch): Promise<PartialOutcome> => {
    const outcomes: PartialOutcome[] = []
    for (const part of piece.parts(Math.floor(Math.sqrt(piece.changes.length)))) {
      if (performance.now() < (until ?? 0) && deadline.remaining() >= PART_TIME)
        outcomes.push(await visit(part, apply))
      else {
        const error = new HookTimeoutError(part.entity, 'write')
        outcomes.push({ ...nothingApplied, refused: part.changes.map((change) => ({ change, error })) })
      }
    }
    return sum(outcomes)
  }
  const outcome = await visit(batch, (all) =>
    retry({ ...UNKNOWN, retryable: (error) => kindOf(error) === 'unknown', deadline }, () => apply(all)),
  )
  const [suspect] = suspects
  if (suspect === undefined) return outcome
  if (!passed) {
    // Of several of which the server has said nothing, none is to blame.
    if (suspects.length > 1 && !suspects.every(({ error }) => isRefusal(error))) throw suspect.error
    await probe(batch)
  }
  return { ...outcome, refused: [...outcome.refused, ...suspects] }
}

/** With less time than this nothing is tried any more over which a hook may not end, in milliseconds. */
const PART_TIME = 8_000

/** How often what isn't known is tried before anything is blamed on a change; pauses in milliseconds. */
const UNKNOWN = { attempts: 3, firstPause: 100, longestPause: 1_000 }

/**
 * Whether the error itself says that the change can't be applied as things are. What an entity's own code has thrown over one
 * change is that change's, also where no other passes.
 */
const isOfChange = (error: Error): boolean => {
  const kind = kindOf(error)
  return kind === 'data' || kind === 'dependency' || error instanceof HookError
}

/** Whether it is what the server said. */
const isRefusal = (error: Error): boolean => error instanceof SqlError && error.wasRefusedByServer

/** Whether it may be about one change of several. A missing right or table may be a trigger's, for some rows only. */
const mayBeOfOne = (error: Error): boolean =>
  isOfChange(error) || kindOf(error) === 'unknown' || (kindOf(error) === 'configuration' && isRefusal(error))
