import type { Row, Version } from '../model/change.ts'
import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { type Authority, type Owner, type Ownership, ownershipOf } from '../model/owner.ts'
import { sameValue } from '../model/values.ts'
import { conflictSlots } from '../ports/conflict-slots.ts'
import type { ParkedHead } from '../ports/parking.ts'
import type { Stored } from '../ports/stored.ts'

/** What a store has under a key. */
export type Holding =
  | {
      readonly is: 'held'
      readonly key: string
      readonly row: Row
      readonly version: Version
      readonly at?: string
    }
  /** Deleted, and still known to have been: by its tombstone. */
  | { readonly is: 'deleted'; readonly version: Version; readonly at?: string }
  | { readonly is: 'absent' }
  /** It is there, and its definition has no form for what it holds. */
  | { readonly is: 'unreadable'; readonly code: string; readonly message: string }

/**
 * How the two stand to each other. `behind` is as often a write that is on its way as one that is lost: asked again
 * after the lag, only the latter is left.
 */
export type Relation =
  | 'agree'
  /** One has it, and the other doesn't. */
  | 'only aurora'
  | 'only dynamo'
  | 'aurora behind'
  | 'dynamo behind'
  /** The same version, and other content. */
  | 'conflict'
  | 'unreadable'

/** All that both stores know of one key. */
export type KeyReport = {
  readonly entity: string
  readonly key: string
  readonly relation: Relation
  readonly aurora: Holding
  readonly dynamo: Holding
  /** Fields of which the two have other values, by their names in JSON. */
  readonly differing: readonly string[]
  /** Whose each side says the key is, and since which move; absent where a side has no record of it. */
  readonly records: Readonly<Partial<Record<Owner, Authority>>>
  /** Aurora's tombstone of it, which may be there beside a row that was made since. */
  readonly tombstone?: { readonly version: Version; readonly at?: string }
  /** Whose the key is, as the two say it; absent where they are not known yet to say so. */
  readonly owner?: KeyOwnership
  /** The change of it that is set aside. */
  readonly parked?: ParkedHead
  /** What Aurora holds of it that DynamoDB can't take. */
  readonly parkedOutward?: ParkedHead
  /** What one side has accepted of it that had no right to: for a person to decide. */
  readonly conflict?: ParkedHead
  /** All of these, beside each other; `conflict` is the first. */
  readonly conflicts: readonly ParkedHead[]
}

/** `undecided`: a row is there that is DynamoDB's, and of its item not even a tombstone: its delete is on its way. */
export type KeyOwnership = Omit<Ownership, 'is'> & { readonly is: Ownership['is'] | 'undecided' }

export type KeyStores = {
  readonly aurora: {
    get(entity: Entity, key: string): Promise<Stored | undefined>
    head(entity: Entity, key: string): Promise<KnownAuthority | undefined>
    tombstone(
      entity: Entity,
      key: string,
    ): Promise<(KnownAuthority & { readonly version: Version; readonly at: string | null }) | undefined>
  }
  readonly dynamo: {
    get(entity: Entity, key: string): Promise<Stored | undefined>
    authority(
      entity: Entity,
      key: string,
    ): Promise<
      | (Authority & { readonly deleted?: { readonly version: Version; readonly at: string | null } })
      | undefined
    >
  }
  readonly parking: {
    parkedAmong(entity: string, keys: readonly string[]): Promise<ReadonlyMap<string, ParkedHead>>
  }
}

type KnownAuthority = Authority & { readonly known: boolean }

/**
 * Asks both stores what they hold under a key. A row is found by its legacy id, too: its item is looked for under the
 * row's own key then. The stores are read one behind the other, so that a key which is being written may be told as
 * behind.
 *
 * @throws BridgeError when one can't be reached
 */
export const reportKey = async (entity: Entity, key: string, stores: KeyStores): Promise<KeyReport> => {
  const aurora = await holdingOf(() => stores.aurora.get(entity, key))
  const own = aurora.is === 'held' ? aurora.key : key
  const parkedOf = (name: string) => stores.parking.parkedAmong(name, [own])
  const [item, itemHead, rowHead, tombstone, parked, conflicts, outward] = await Promise.all([
    holdingOf(() => stores.dynamo.get(entity, own)),
    stores.dynamo.authority(entity, own),
    stores.aurora.head(entity, own),
    stores.aurora.tombstone(entity, own),
    parkedOf(entity.name),
    stores.parking.parkedAmong(conflictsOf(entity.name), conflictSlots(own)),
    entity.mirror && parkedOf(outwardParkingOf(entity.name)),
  ])
  const buried = aurora.is === 'absent' ? deletedAt(tombstone) : aurora
  const dynamo = item.is === 'absent' ? deletedAt(itemHead?.deleted) : item
  const [head, parkedOutward] = [parked.get(own), outward?.get(own)]
  const inConflict = conflictSlots(own).flatMap((slot) => conflicts.get(slot) ?? [])
  const [conflict] = inConflict
  const isUndecided = rowHead?.owner === 'dynamo' && itemHead === undefined
  // A tombstone beside a row is of before it.
  const known = rowHead ?? tombstone
  const said = known?.known === false ? undefined : ownershipOf(known, itemHead)
  const owner = said && isUndecided ? { ...said, is: 'undecided' as const } : said
  const differing = differenceOf(entity, buried, dynamo)
  return {
    entity: entity.name,
    key: own,
    relation: relationOf(entity, buried, dynamo, differing.length > 0),
    aurora: buried,
    dynamo,
    differing,
    records: {
      ...authorityOf('aurora', rowHead ?? tombstone),
      ...authorityOf('dynamo', itemHead),
    },
    ...(tombstone !== undefined && { tombstone: timed(tombstone) }),
    ...(owner !== undefined && { owner }),
    ...(head !== undefined && { parked: head }),
    ...(parkedOutward !== undefined && { parkedOutward }),
    ...(conflict !== undefined && { conflict }),
    conflicts: inConflict,
  }
}

/** What is wrong with a row or item is told, not thrown: it is what somebody looks for. */
const holdingOf = async (read: () => Promise<Stored | undefined>): Promise<Holding> => {
  try {
    const stored = await read()
    if (stored === undefined) return { is: 'absent' }
    const { key, row, version, updatedAt } = stored
    return { is: 'held', key, row, version, ...(updatedAt !== null && { at: updatedAt }) }
  } catch (error) {
    if (error instanceof BridgeError && OF_THE_ROW.has(error.code))
      return { is: 'unreadable', code: error.code, message: error.message }
    throw error
  }
}

/** Codes of errors that say something of what is there, and nothing of the way to it. */
const OF_THE_ROW: ReadonlySet<string> = new Set([
  'item.foreign',
  'row.unreadable',
  'row.too-large',
  'value.unreadable',
])

/** A delete of version 0 is none: by it a key is known that never was. */
const deletedAt = (
  tombstone: { readonly version: Version; readonly at: string | null } | undefined,
): Holding => {
  if (tombstone === undefined || tombstone.version === 0n) return { is: 'absent' }
  return { is: 'deleted', ...timed(tombstone) }
}

const timed = ({ version, at }: { readonly version: Version; readonly at: string | null }) => ({
  version,
  ...(at !== null && { at }),
})

const authorityOf = (side: Owner, record: Authority | undefined) =>
  record && { [side]: { owner: record.owner, epoch: record.epoch } }

const differenceOf = (entity: Entity, aurora: Holding, dynamo: Holding): string[] => {
  if (aurora.is !== 'held' || dynamo.is !== 'held') return []
  return Object.entries(entity.fields)
    .filter(([name]) => !sameValue(aurora.row[name] ?? null, dynamo.row[name] ?? null))
    .map(([name, { as = name }]) => as)
}

const relationOf = (entity: Entity, aurora: Holding, dynamo: Holding, differ: boolean): Relation => {
  if (aurora.is === 'unreadable' || dynamo.is === 'unreadable') return 'unreadable'
  if (dynamo.is !== 'held') return aurora.is === 'held' ? 'only aurora' : 'agree'
  if (aurora.is !== 'held') return 'only dynamo'
  // Versions of the stream's own are on no item.
  if (entity.versions === 'stream') return differ ? 'conflict' : 'agree'
  if (aurora.version === dynamo.version) return differ ? 'conflict' : 'agree'
  return aurora.version < dynamo.version ? 'aurora behind' : 'dynamo behind'
}
