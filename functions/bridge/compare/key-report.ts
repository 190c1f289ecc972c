import type { Row, Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { sameValue } from '../model/values.ts'
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
  /** The change of it that is set aside. */
  readonly parked?: ParkedHead
}

export type KeyStores = {
  readonly aurora: {
    get(entity: Entity, key: string): Promise<Stored | undefined>
    tombstone(
      entity: Entity,
      key: string,
    ): Promise<{ readonly version: Version; readonly at: string | null } | undefined>
  }
  readonly dynamo: { get(entity: Entity, key: string): Promise<Stored | undefined> }
  readonly parking: {
    parkedAmong(entity: string, keys: readonly string[]): Promise<ReadonlyMap<string, ParkedHead>>
  }
}

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
  const [dynamo, parked] = await Promise.all([
    holdingOf(() => stores.dynamo.get(entity, own)),
    stores.parking.parkedAmong(entity.name, [own]),
  ])
  const buried = aurora.is === 'absent' ? await buriedOf(entity, own, stores) : aurora
  const head = parked.get(own)
  const differing = differenceOf(entity, buried, dynamo)
  return {
    entity: entity.name,
    key: own,
    relation: relationOf(entity, buried, dynamo, differing.length > 0),
    aurora: buried,
    dynamo,
    differing,
    ...(head !== undefined && { parked: head }),
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

const buriedOf = async (entity: Entity, key: string, { aurora }: KeyStores): Promise<Holding> => {
  const tombstone = await aurora.tombstone(entity, key)
  if (tombstone === undefined) return { is: 'absent' }
  const { version, at } = tombstone
  return { is: 'deleted', version, ...(at !== null && { at }) }
}

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
