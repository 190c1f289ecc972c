import { toJsonText } from '../drivers/dynamo/json-text.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import { type Change, holdsAll, laterVersion, type Row, subjectOf, type Version } from '../model/change.ts'
import { ForeignWriteError } from '../model/conflict.ts'
import { BridgeError, InvalidRecordError, kindOf } from '../model/errors.ts'
import type { Held, Overruled, Refused } from '../model/outcome.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Mirror } from './mirror.ts'

/** Keys that are asked about at once. */
const LANES = 8

/** A change that did nothing, although it is what its source holds now, and that was not lifted: no later change will mend it. */
export class OverruledError extends BridgeError {
  override readonly name = 'OverruledError'
  readonly code: 'version.behind' | 'version.conflict'
  readonly kind = 'data'
  /**
   * The version under which it is set aside: not its own, which tells nothing of its place any more, but the one from
   * which on a change of its key gets through. For a delete that is the version at which it would be done.
   */
  readonly version: Version

  /** @param cause what kept it from being lifted */
  constructor({ change, held }: Overruled, cause?: BridgeError) {
    const why = cause === undefined ? '' : `. It could not be lifted above that: ${cause.message}`
    super(`${messageOf(change, held)}${why}`, { cause })
    this.code = held.version === change.version ? 'version.conflict' : 'version.behind'
    this.version = change.op === 'delete' ? held.version + 1n : held.version
  }
}

/** A change that is set aside for what overrules it. */
export type Lost = Refused & {
  /** Makes of the record's own text one that shows both sides, too. */
  readonly payload: (record: string) => string
}

export type Decided = {
  /** Their source's current state, and left as it is there. */
  readonly lost: readonly Lost[]
  /** Overtaken at their source: what it holds now comes, or has come, by itself. */
  readonly late: ReadonlySet<Change>
  /** Their source's current state: by now it is above what the store holds, and comes once more. */
  readonly lifted: ReadonlySet<Change>
  /** Deletes that their source still means, each as the one that is above what the store holds. */
  readonly raised: ReadonlyMap<Change, Change>
}

/**
 * The one place where it is decided what a change means that did nothing and is no repeat. The store can't tell: what it
 * holds may be newer, or the source's writers may have let the version step back, by a plain put, a restore or a new
 * life of a deleted key. So the source is asked what is true now, and in the same call its item is raised above what the
 * store holds; a call that lands late is told from that, too.
 *
 * It ends: a lift makes one record, and that is above what the store held, so that it is overruled only by what was applied
 * in between, which is another change.
 *
 * @param above versions that a lift has to leave behind, too. @default none but the store's
 * @throws BridgeError when the source can't be asked
 */
export const decideOverruled = async (
  overruled: readonly Overruled[],
  mirror: Pick<Mirror, 'source' | 'now'>,
  above: ReadonlyMap<Change, Version> = new Map(),
): Promise<Decided> => {
  const fates = await inLanes(overruled, LANES, async (one) => {
    const least = laterVersion(one.held.version, above.get(one.change) ?? 0n)
    return { one, ...(await fateOf(one, least, mirror)) }
  })
  const of = (fate: Fate['fate']) => fates.filter((each) => each.fate === fate).map(({ one }) => one)
  const lifted = of('lifted')
  const isDelete = ({ change }: Overruled): boolean => change.op === 'delete'
  return {
    lost: await Promise.all(
      fates.flatMap(({ fate, one, cause }) => (fate === 'lost' ? [toLost(one, mirror, cause)] : [])),
    ),
    late: new Set(of('late').map(({ change }) => change)),
    lifted: new Set(lifted.filter((one) => !isDelete(one)).map(({ change }) => change)),
    raised: new Map(lifted.filter(isDelete).map((one) => [one.change, raisedOf(one)])),
  }
}

/** A delete above what is held, and under the move by which its source has the key. */
const raisedOf = ({ change, held, authority }: Overruled): Change => ({
  ...change,
  // What is only of an earlier move may be above it already.
  version: laterVersion(held.version + 1n, change.version),
  ...(authority === 'late' && held.epoch !== undefined && { epoch: held.epoch }),
})

type Fate = { readonly fate: 'lifted' | 'late' | 'lost'; readonly cause?: BridgeError }

const fateOf = async (
  { change, held, authority }: Overruled,
  above: Version,
  mirror: Pick<Mirror, 'source' | 'now'>,
): Promise<Fate> => {
  const isLate = authority === 'late'
  const { side = 'dynamo' } = mirror.source
  // Nobody can tell it from one of before the move: what is gone says nothing.
  if (isLate && held.owner !== side && change.op === 'delete') return { fate: 'late' }
  let cause: BridgeError | undefined
  try {
    // Where the key may be the other store's, a lift could overwrite what that has accepted.
    const mayLift = authority !== 'foreign' && held.owner === side
    // What is made anew, or put whole, knows nothing of the move that gave its key to the source.
    const under = isLate ? held.epoch : undefined
    const lifting = mayLift ? await mirror.source.lift?.(change, above, under) : 'kept'
    if (lifting === 'lifted' || lifting === 'late') return { fate: lifting }
  } catch (error) {
    // What passes comes again. A right that is missing, or an item that would grow too large, must not hold up others.
    const kind = kindOf(error)
    if (!(error instanceof BridgeError) || (kind !== 'configuration' && kind !== 'data')) throw error
    cause = error
  }
  return (await (isLate ? isStill(change, mirror) : isCurrent(change, mirror)))
    ? { fate: 'lost', ...(cause && { cause }) }
    : { fate: 'late' }
}

/** As `isCurrent`, where the source may have nothing to say of the key since it isn't its own any more. */
const isStill = async (change: Change, mirror: Pick<Mirror, 'source' | 'now'>): Promise<boolean> => {
  if (change.op === 'upsert') return isCurrent(change, mirror)
  const { entity, version, op } = change
  const current = await mirror.source.current({ entity, key: subjectOf(change), version, op }, mirror.now())
  return current.some((one) => one.op === 'delete')
}

/** Whether a change has made what its source holds now. @throws BridgeError when that can't be asked */
export const isCurrent = async (
  change: Change,
  { source, now }: Pick<Mirror, 'source' | 'now'>,
): Promise<boolean> => {
  const { entity, version, op } = change
  let current: readonly Change[]
  try {
    current = await source.current({ entity, key: subjectOf(change), version, op }, now())
  } catch (error) {
    // It holds something that is no such thing now, and the record of that is set aside by its own name.
    if (error instanceof InvalidRecordError) return false
    throw error
  }
  const upserts = current.filter((one) => one.op === 'upsert' && one.key === change.key)
  if (change.op === 'delete') return upserts.length === 0
  return upserts.some(
    (one) => one.op === 'upsert' && one.version === version && holdsAll(one.row, change.row),
  )
}

/** @param cause what kept it from being lifted */
export const toLost = async (
  one: Overruled,
  { source: from }: Pick<Mirror, 'source'>,
  cause?: BridgeError,
): Promise<Lost> => {
  const { change, held, authority } = one
  const { side = 'dynamo' } = from
  const isForeign = authority === 'foreign' || (authority === 'late' && held.owner !== side)
  // A row as DynamoDB would have it.
  const asItem = (of: Row) => toAttributeValue(from.outward?.(change.entity, of) ?? of).M
  const row = held.op === 'upsert' ? await contentOf(held) : undefined
  const store = { version: String(held.version), op: held.op, ...(row !== undefined && shown(asItem(row))) }
  const source = {
    version: String(change.version),
    op: change.op,
    ...(change.op === 'upsert' && { row: asItem(change.row) }),
  }
  const sides = `"store":${toJsonText(store)},"source":${toJsonText(source)}`
  return {
    change,
    error:
      isForeign && held.owner !== undefined
        ? new ForeignWriteError(held.owner)
        : new OverruledError(one, cause),
    payload: (record) => `{"record":${record},${sides}}`,
  }
}

/** Of a store's row no more is kept than this, in characters of JSON: it may be larger than an item, and is in the store. */
const MOST_SHOWN = 1_000_000

const shown = (row: unknown): { readonly row?: unknown; readonly rowLeftOut?: string } => {
  const { length } = toJsonText(row)
  return length <= MOST_SHOWN ? { row } : { rowLeftOut: `${length} characters` }
}

/** It is for an operator to read: that the change is listed does not depend on it. */
const contentOf = async (held: Held): Promise<Row | undefined> => {
  try {
    return await held.row()
  } catch {
    return undefined
  }
}

const messageOf = ({ op, version }: Change, held: Held): string => {
  const there = `what the store holds is at version ${held.version}`
  if (op === 'delete')
    return `The source has deleted it at version ${version}, and ${there}. Tried again, it is deleted there as well, unless the source has it by then`
  if (held.op === 'delete')
    return `The source has it at version ${version}, and the store has deleted it at version ${held.version}. Written at the source with a version above that, it is applied`
  return held.version === version
    ? `The source and the store have it both at version ${version}, with different content. Written at the source once more, with a larger version, that is applied over it`
    : `The source has it at version ${version}, and ${there}. Written at the source with a version above that, it is applied`
}
