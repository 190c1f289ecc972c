import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { type Change, subjectOf } from '../model/change.ts'
import { BridgeError, InvalidRecordError } from '../model/errors.ts'
import { LOCKED, UnsettledError } from '../model/outcome.ts'
import { isWaiting, type ParkedHead } from '../ports/parking.ts'
import { BEFORE_ALL } from '../ports/place.ts'
import { applyAll, endParking } from './apply.ts'
import { isNameless, mayPass } from './evidence.ts'
import type { Mirror } from './mirror.ts'

export type RetryOutcome = {
  readonly head: ParkedHead
  /** `superseded`: the store already held a later version. */
  readonly outcome: 'applied' | 'superseded' | 'parked'
  /** Why it stays parked. */
  readonly error?: BridgeError
}

/** Keys that are tried in one go. */
const GROUP = 100
/** How often one is tried that is lifted at its source and overruled once more, since somebody else writes its row. */
const ROUNDS = 3

type Options = {
  /** Asked before each group: may throw; on false the rest stays as it is. @default always */
  readonly mayBegin?: () => boolean
  /** What is refused again is `noted`, as one attempt more, or `left` as it is. @default 'noted' */
  readonly refused?: 'noted' | 'left'
  /** Is told of each group as soon as it is done. */
  readonly onGroup?: (outcomes: readonly RetryOutcome[]) => void
}

/**
 * Tries parked changes again, in groups: applies what their source holds *now*, since what was parked may be outdated.
 * What fails again stays parked, with its reason as of now.
 *
 * @param heads those of the name are tried
 * @throws BridgeError when a store can't be reached or is not set up; the groups so far are done then
 */
export const retryParked = (
  mirror: Mirror,
  name: string,
  heads: readonly ParkedHead[],
  options: Options = {},
): Promise<readonly RetryOutcome[]> =>
  retryTogether(
    mirror,
    heads.filter(({ entity }) => entity === name),
    options,
  )

/** As `retryParked`, of any names: what can only be applied together is, where it is in one group. */
export const retryTogether = async (
  mirror: Mirror,
  heads: readonly ParkedHead[],
  { mayBegin = () => true, refused = 'noted', onGroup }: Options = {},
): Promise<readonly RetryOutcome[]> => {
  const outcomes: RetryOutcome[] = []
  for (let at = 0; at < heads.length && mayBegin(); at += GROUP) {
    const group = await retryGroup(mirror, heads.slice(at, at + GROUP), refused)
    outcomes.push(...group)
    onGroup?.(group)
  }
  return outcomes
}

/** What the source says now, or why it can't. */
type Prepared = Omit<RetryOutcome, 'outcome'> & { readonly changes: readonly Change[] }

const retryGroup = async (
  mirror: Mirror,
  heads: readonly ParkedHead[],
  mode: 'noted' | 'left',
  round = 1,
): Promise<RetryOutcome[]> => {
  const prepared = await Promise.all(heads.map((head) => prepare(mirror, head)))
  const evidence = prepared.flatMap(({ changes }) =>
    changes.map((change) => ({ change, payload: () => describe(change) })),
  )
  // Whoever asks for it has waited already.
  const { outcomes, lifted, failure } = await applyAll(evidence, mirror, { refused: mode })
  if (failure !== undefined) throw failure
  const isLifted = ({ changes }: Prepared): boolean => changes.some((change) => lifted.has(change))
  const refused = new Map(
    outcomes.flatMap((outcome) =>
      outcome.refused.map(({ change, error }) => [nameOf(change.entity, subjectOf(change)), error]),
    ),
  )
  const skipped = new Set(outcomes.filter((outcome) => outcome.skipped > 0).map(({ name }) => name))
  const concluded = await Promise.all(
    prepared
      .filter((one) => !isLifted(one))
      .map((one) => {
        const { entity, key } = one.head
        return conclude(mirror, one, refused.get(nameOf(entity, key)), skipped.has(entity))
      }),
  )
  const raised = prepared.filter(isLifted).map(({ head }) => head)
  if (raised.length === 0) return concluded
  // It comes by the stream as well: it is applied here so that nothing ends that has not come through.
  const next = round < ROUNDS ? await retryGroup(mirror, raised, mode, round + 1) : raised.map(stillToCome)
  const all = new Map([...concluded, ...next].map((one) => [one.head, one]))
  return heads.map((head) => all.get(head)).filter((one) => one !== undefined)
}

const nameOf = (entity: string, key: string): string => JSON.stringify([entity, key])

const stillToCome = (head: ParkedHead): RetryOutcome => ({
  head,
  outcome: 'parked',
  error: new UnsettledError('It was lifted at its source, and something else has been written over it since'),
})

const prepare = async ({ source, now }: Mirror, head: ParkedHead): Promise<Prepared> => {
  try {
    if (isNameless(head))
      throw new InvalidRecordError('The record names no key: repair the item, then it comes by itself')
    const changes = await source.current(head, now())
    if (changes.length === 0 && head.code.startsWith('version.'))
      throw new InvalidRecordError(
        'The source has it no more, and what the store holds was not deleted by that',
      )
    // What it is in conflict with stays another content of its version until one of the two is written anew.
    const isConflict = head.code === 'version.conflict'
    return {
      head,
      changes: changes.map((one) => ({
        ...one,
        ...(head.code === LOCKED && { contended: true }),
        ...(isConflict && one.op === 'upsert' && one.version === head.version && { restates: true }),
      })),
    }
  } catch (error) {
    if (error instanceof InvalidRecordError) return { head, changes: [], error }
    throw error
  }
}

const conclude = async (
  mirror: Mirror,
  { head, changes, error: fault }: Prepared,
  refusal: Error | undefined,
  someSkipped: boolean,
): Promise<RetryOutcome> => {
  // What could not be read was not tried: its entry stays as it is.
  const error = refusal ?? fault
  if (error !== undefined) {
    // Whoever was only waited for so far has not been told of.
    if (isWaiting(head) && refusal !== undefined && !mayPass(refusal))
      mirror.metrics.count('Parked', head.entity, 1)
    return { head, outcome: 'parked', error: asBridgeError(error) }
  }
  const last = changes.at(-1)
  const superseded = last !== undefined && someSkipped && (await mirror.sink.isLater(last))
  const outcome = superseded ? 'superseded' : 'applied'
  const version = [last?.version ?? 0n, head.version ?? 0n].reduce((a, b) => (a > b ? a : b))
  // What has been parked since the head was read is behind it in the stream, and stays.
  const { sequenceNumber } = { ...BEFORE_ALL, ...head }
  await endParking(head, { upTo: { version, sequenceNumber }, how: outcome }, mirror)
  return { head, outcome }
}

/** What was tried, for an entry whose evidence is not a stream record; its row as DynamoDB would have it. */
const describe = (change: Change): string =>
  toJsonText({ ...change, ...(change.op === 'upsert' && { row: toAttributeValue(change.row).M }) })

const asBridgeError = (error: Error): BridgeError =>
  error instanceof BridgeError ? error : new InvalidRecordError(error.message, { cause: error })
