import { setTimeout as wait } from 'node:timers/promises'
import { type Change, coalesce, peaksOf } from '../model/change.ts'
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
 * invocation has time. A change whose parent is missing, a delete of a row that is referred to, a value that another row
 * holds: these are tried again for as long as something is applied in between, whatever their order and depth; then those
 * of them that can only be applied together; then after each pause.
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
  const isStuck = () => !outcomes.some(isWaiting) || parts.deadline.remaining() < RESERVE
  const proceed = async (progress: boolean): Promise<void> => {
    while (!isStuck()) {
      if (!progress && !(await untangle(outcomes, parts))) return
      progress = await tryWaiting(outcomes, parts)
    }
  }
  await proceed(outcomes.some(({ applied }) => applied > 0))
  for (const pause of pauses) {
    if (isStuck()) break
    if (pause > 0) await wait(pause)
    if (await tryWaiting(outcomes, parts)) await proceed(true)
  }
  return outcomes
}

const isWaiting = ({ refused }: NamedOutcome): boolean => refused.some(isDependency)

/**
 * Tries all once more that wait for something.
 *
 * @returns whether fewer of them do now
 */
const tryWaiting = async (outcomes: NamedOutcome[], parts: SinkParts): Promise<boolean> => {
  let progress = false
  for (const [at, outcome] of outcomes.entries()) {
    if (!isWaiting(outcome)) continue
    const again = outcome.refused.filter(isDependency).map(({ change }) => change)
    parts.metrics.count('Retried', outcome.name, again.length)
    const second = await applyOne(outcome.name, again, parts)
    progress ||= second.refused.length < again.length
    const first = { ...outcome, refused: outcome.refused.filter((one) => !isDependency(one)) }
    outcomes[at] = { ...outcome, ...sum([first, second]) }
  }
  return progress
}

/** @returns whether something was applied */
const untangle = async (outcomes: NamedOutcome[], { sink, log }: SinkParts): Promise<boolean> => {
  const refused = new Map(outcomes.map((outcome) => [outcome.name, outcome.refused.filter(isDependency)]))
  const done = await sink.references?.untangle?.(refused)
  if (done === undefined || done.size === 0) return false
  for (const [at, outcome] of outcomes.entries()) {
    const left = outcome.refused.filter(({ change }) => !done.has(change))
    const applied = outcome.refused.length - left.length
    if (applied > 0) log.info('applied together', { entity: outcome.name, applied })
    outcomes[at] = { ...outcome, applied: outcome.applied + applied, refused: left }
  }
  return true
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
    async () => {
      const peaks = peaksOf(changes)
      // What becomes of them nobody needs to know: each has another one behind it that decides.
      if (peaks.length > 0) await applyUnblocked(name, peaks, parts)
      return applyUnblocked(name, changes, parts)
    },
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
