import { setTimeout as wait } from 'node:timers/promises'
import { type Change, coalesce } from '../model/change.ts'
import { kindOf } from '../model/errors.ts'
import { type PartialOutcome, type Refused, StillReferencedError, sum } from '../model/outcome.ts'
import { retry } from '../runtime/retry.ts'
import type { Mirror } from './mirror.ts'

/** Kept back for parking and for the answer, in milliseconds. */
const RESERVE = 5_000

/** What became of the changes of one name. */
export type NamedOutcome = PartialOutcome & { readonly name: string; readonly changes: readonly Change[] }

/**
 * Applies changes of several names, one name after the other. What fails for the moment is tried again while the
 * invocation has time; a change whose parent is missing, or a delete of a row that is referred to, after all the others.
 *
 * @param changesOf in this order
 * @param pauses before each time that those are tried again, in milliseconds
 * @returns for each name with changes, what was applied and what was refused in the end
 * @throws BridgeError when the store can't be reached or is not set up
 */
export const applyPatiently = async (
  changesOf: ReadonlyMap<string, readonly Change[]>,
  parts: SinkParts,
  pauses: readonly number[],
): Promise<readonly NamedOutcome[]> => {
  const outcomes: NamedOutcome[] = []
  for (const [name, changes] of changesOf)
    if (changes.length > 0) outcomes.push({ name, changes, ...(await applyOne(name, changes, parts)) })
  for (const pause of pauses) {
    const waiting = outcomes.filter(({ refused }) => refused.some(isDependency))
    if (waiting.length === 0 || parts.deadline.remaining() < RESERVE) break
    if (pause > 0) await wait(pause)
    for (const outcome of waiting) {
      const again = outcome.refused.filter(isDependency).map(({ change }) => change)
      parts.metrics.count('Retried', outcome.name, again.length)
      const second = await applyOne(outcome.name, again, parts)
      outcomes[outcomes.indexOf(outcome)] = {
        ...outcome,
        ...sum([{ ...outcome, refused: outcome.refused.filter((one) => !isDependency(one)) }, second]),
      }
    }
  }
  return outcomes
}

/** Whether something else has to come or go first. */
export const isDependency = ({ error }: Refused): boolean => kindOf(error) === 'dependency'

type SinkParts = Pick<Mirror, 'sink' | 'deadline' | 'metrics' | 'log'>

const applyOne = async (
  name: string,
  changes: readonly Change[],
  parts: SinkParts,
): Promise<PartialOutcome> => {
  const { deadline, metrics, log } = parts
  return retry(
    {
      attempts: 30,
      firstPause: 100,
      longestPause: 5_000,
      retryable: (error) => {
        if (kindOf(error) !== 'transient' || deadline.remaining() < RESERVE) return false
        metrics.count('Retried', name, changes.length)
        log.warn('trying again', { entity: name, changes: changes.length, error })
        return true
      },
      deadline,
    },
    () => applyUnblocked(name, changes, parts),
  )
}

/** Sets aside at once the deletes that would fail: each would halve its batch on the way. */
const applyUnblocked = async (
  name: string,
  changes: readonly Change[],
  { sink }: SinkParts,
): Promise<PartialOutcome> => {
  const deletes = changes.filter(({ op }) => op === 'delete')
  const blocked = await sink.references?.blocked?.(name, deletes)
  if (blocked === undefined || blocked.size === 0) return sink.applyIsolating(name, changes)
  const keys = new Set([...blocked].map(({ key }) => key))
  // A key that was written again behind its delete is not deleted.
  const held = coalesce(changes.filter(({ key }) => keys.has(key))).filter(({ op }) => op === 'delete')
  const heldKeys = new Set(held.map(({ key }) => key))
  // All of the others, not the newest only: what they say together is of use to the writer.
  const others = changes.filter(({ key }) => !heldKeys.has(key))
  const outcome = await sink.applyIsolating(name, others)
  const error = new StillReferencedError(`Something still refers to the ${name}`)
  return { ...outcome, refused: [...outcome.refused, ...held.map((change) => ({ change, error }))] }
}
