import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { UnsettledError } from '../model/outcome.ts'
import { type Authority, type Owner, otherOf } from '../model/owner.ts'
import { CallUnderWayError, UndecidedError } from '../ports/claim-errors.ts'
import type { KeySets } from '../ports/key-sets.ts'
import { inLanes } from '../runtime/lanes.ts'
import { type ClaimOptions, type ClaimSides, takeOrGiveBack } from './claim.ts'
import { type ClaimStep, inTurn, isMissing, type Records, releaseOf, stepOf } from './claim-step.ts'

export type SetSides = Readonly<Record<Owner, KeySets>>

/** What became of keys that were claimed together; those that are named nowhere are left to claims of their own. */
export type ClaimedSet = {
  readonly moved: ReadonlySet<string>
  /** They were where they belong, or a later move has them. */
  readonly already: ReadonlySet<string>
  /** Somebody is writing their rows: nothing was changed of them. */
  readonly busy: ReadonlySet<string>
  /** What the target had against their content: they are given back, and listed. */
  readonly failed: ReadonlyMap<string, BridgeError>
}

/** Keys that are gone on with by themselves at once. */
const LANES = 8

/**
 * Claims many keys by one move, as `claim` does each: the same step is decided by the same words, and the calls of both stores have
 * the same conditions. What anything comes between, or what takes another step than one of the two plain ones, is left out, and so
 * is nobody's to wait for. Where this dies, keys are left half way as a single claim leaves one.
 *
 * @param parts.unmovable as a claim's: hears of what the target has against a key's content
 * @throws what is no key's own
 */
export const claimSet = async (
  entity: Entity,
  keys: readonly string[],
  move: Authority,
  parts: {
    readonly sets: SetSides
    readonly sides: ClaimSides
    readonly unmovable?: ClaimOptions['unmovable']
  },
): Promise<ClaimedSet> => {
  const { sets } = parts
  const aurora = await sets.aurora.read(entity, keys)
  const dynamo = await sets.dynamo.read(entity, [...aurora.keys()])
  const seen = [...aurora].flatMap(([key, row]) => {
    const item = dynamo.get(key)
    return item === undefined ? [] : [{ key, aurora: row, dynamo: item }]
  })
  const steps = Map.groupBy(seen, (records) => stepNow(entity, records, move))
  const todo = [...(steps.get('affirm') ?? []), ...(steps.get('move') ?? [])]
  const busy = await sets.aurora.busy(
    entity,
    todo.map(({ key }) => key),
  )
  const isFree = ({ key }: Known): boolean => !busy.has(key)
  const affirmed = await affirm(entity, (steps.get('affirm') ?? []).filter(isFree), move, sets)
  const { moved, failed } = await moveOver(entity, (steps.get('move') ?? []).filter(isFree), move, parts)
  const still = [...(steps.get('already') ?? []), ...(steps.get('stale') ?? [])]
  return {
    moved: new Set([...affirmed, ...moved]),
    already: new Set(still.map(({ key }) => key)),
    busy,
    failed,
  }
}

type Known = Records & { readonly key: string }

/** @returns undefined where what has become of the key is not known yet */
const stepNow = (entity: Entity, records: Known, move: Authority): ClaimStep['is'] | undefined => {
  try {
    return stepOf(entity, records, move, { isDecided: false }).is
  } catch (error) {
    if (error instanceof UndecidedError) return undefined
    throw error
  }
}

/** The side that has the keys comes first. @returns those of which both say so by now */
const affirm = async (
  entity: Entity,
  known: readonly Known[],
  move: Authority,
  sets: SetSides,
): Promise<readonly string[]> => {
  if (known.length === 0) return []
  const own = known.map((records) => {
    const [, now] = inTurn(records, move.owner)
    return { record: now, as: { was: now.epoch } }
  })
  const said = await sets[move.owner].release(entity, own, move)
  const others = known.filter(({ key }) => said.has(key)).map((records) => toRelease(records, move.owner))
  return [...(await sets[otherOf(move.owner)].release(entity, others, move)).keys()]
}

const toRelease = (records: Known, to: Owner) => {
  const [old] = inTurn(records, to)
  return { record: old, as: releaseOf(records.aurora, old) }
}

/** First the side that has the keys gives them away, then the other one takes them. */
const moveOver = async (
  entity: Entity,
  known: readonly Known[],
  move: Authority,
  { sets, sides, unmovable }: Parameters<typeof claimSet>[3],
): Promise<Pick<ClaimedSet, 'failed'> & { readonly moved: readonly string[] }> => {
  const failed = new Map<string, BridgeError>()
  const from = otherOf(move.owner)
  const absent = move.owner === 'dynamo' ? known.filter(({ dynamo }) => isMissing(dynamo)) : []
  // From here on a key without an item is one that was deleted, however far this comes.
  const said = await sets[move.owner].release(
    entity,
    absent.map(({ dynamo }) => ({ record: dynamo, as: { above: 0n, was: 0n } })),
    { owner: from, epoch: 0n },
  )
  const told = known.filter((records) => said.has(records.key) || !absent.includes(records))
  if (told.length === 0) return { moved: [], failed }
  const lasts = await sets[from].release(
    entity,
    told.map((records) => toRelease(records, move.owner)),
    move,
  )
  const taken = await sets[move.owner].take(entity, [...lasts.values()], move)
  const untaken = told.filter(({ key }) => lasts.has(key) && !taken.has(key))
  const alone = await inLanes(untaken, LANES, async (records) => {
    const last = lasts.get(records.key)
    const [, now] = inTurn(records, move.owner)
    const seen = { now, target: sides[move.owner], sides, unmovable }
    try {
      const record = last && (await takeOrGiveBack(entity, last, move, seen))
      return record === undefined ? [] : [records.key]
    } catch (error) {
      if (!isOfKey(error)) throw error
      failed.set(records.key, error)
      return []
    }
  })
  return { moved: [...taken, ...alone.flat()], failed }
}

/** Whether an error is one key's own, and holds up no other. */
export const isOfKey = (error: unknown): error is BridgeError =>
  error instanceof BridgeError &&
  (['data', 'dependency', 'client'].includes(error.kind) ||
    [UndecidedError, CallUnderWayError, UnsettledError].some((passing) => error instanceof passing))
