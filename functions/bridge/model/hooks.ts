import type { Kysely } from 'kysely'
import type { Change, Version } from './change.ts'
import type { Identity } from './identity.ts'

type Upserting = Extract<Change, { readonly op: 'upsert' }>
type Deleting = Extract<Change, { readonly op: 'delete' }>

/** What addresses a row that is there. */
export type Addressed = {
  /** A counted row's id, in decimal; of a natural key or a UUID the key itself, by which the row is found. */
  readonly legacyId: string
  /** What the columns of the primary key hold, by their names, as the driver gives it: `{ id: 7n }`, `{ code: 'a', no: 3 }`. */
  readonly primaryKey: Readonly<Record<string, unknown>>
}

/** A row that may have to be made yet. */
type Perhaps = Addressed | { readonly legacyId: undefined; readonly primaryKey: undefined }

/** What the columns of an entity's references are to hold, by their names: the ids of the rows that the change's keys name. */
type Referring = { readonly references: Readonly<Record<string, unknown>> }

/** An upsert that is newer than what is there, if anything is. */
export type UpsertToWrite = Upserting & Referring & Perhaps
/** An upsert whose row is there by now. */
export type WrittenUpsert = Upserting & Referring & Addressed
/** A delete whose row is older, and there. */
export type DeleteToWrite = Deleting & Addressed

/**
 * What each hook gets: the changes of one batch that are newer than the store, one for each key, all of them upserts or all of
 * them deletes; and the transaction that writes them, which holds the locks of the rows that are there. It is over once the hook
 * has ended, or was given up.
 */
export type HookInput<C extends Change> = {
  readonly changes: readonly C[]
  readonly transaction: Kysely<unknown>
}

/** The ids of rows by their keys, in a Map or in an object. */
export type MadeIds = ReadonlyMap<string, MadeId> | Readonly<Record<string, MadeId>>

type MadeId = string | number | bigint | undefined

/**
 * An entity's own part in the write to Aurora. All hooks run in the transaction that writes the rows. That is repeated as a
 * whole after a deadlock, and without those changes of a batch that were refused: a hook must have no effect outside of it, and
 * must not end it.
 */
export type Hooks = {
  /** Before the bridge's own statements. */
  readonly before?: (input: HookInput<UpsertToWrite | DeleteToWrite>) => Promise<void>
  /** Behind them; of deletes before the row goes, so that it can still be looked at. */
  readonly after?: (input: HookInput<WrittenUpsert | DeleteToWrite>) => Promise<void>
  readonly instead?: {
    /**
     * Writes rows and lists in place of the bridge, which then says in their records whose they are, and at which version.
     *
     * @returns the ids of the rows that it has made; those that were there may be left out. Nothing where the key is the
     *   primary key
     */
    readonly upsert?: (input: HookInput<UpsertToWrite>) => Promise<MadeIds | undefined>
    /** Deletes rows and lists in place of the bridge. A row that stays counts as deleted. */
    readonly delete?: (input: HookInput<DeleteToWrite>) => Promise<void>
  }
  /**
   * How long each of them may take over one change of the stream, in seconds, 1 to 15; over many it may take somewhat longer. What
   * takes longer is given up, and comes again. @default 5
   */
  readonly timeout?: number
}

/** How long a hook may take over one change, in seconds, where its definition doesn't say it. */
export const HOOK_TIMEOUT = 5
const LONGEST_HOOK = 15

/** What of an entity is read by code of its own: what the bridge knows of rows by itself. */
export type FoundRow = Addressed & {
  readonly key: string
  readonly version: Version
  /** ISO 8601, UTC; null for a row that the bridge has never written. */
  readonly updatedAt: string | null
}

/**
 * Reads the content of rows, for the API's answers and wherever content is compared. Which rows there are, their order, pages,
 * versions and owners stay the bridge's own.
 *
 * @param input.database of the same moment as what was found; it may only be read
 * @returns for each key the attributes and lists by the entity's names for them, each in the form of its kind, or as the
 *   driver gives a column. A key that is left out has no row
 */
export type ReadRows = (input: {
  readonly rows: readonly FoundRow[]
  readonly database: Kysely<unknown>
}) => Promise<OwnRows>

/** How an entity's own code reads rows. */
export type OwnReading = {
  /** The whole content: for GET by key, and wherever content is compared, carried over, claimed or verified. */
  readonly get: ReadRows
  /** What a page of a list shows of each row, which may be less: fields that it doesn't tell are not shown. @default `get` */
  readonly list?: ReadRows
}

/**
 * An entity's own reading as its definition has it: a function alone is `get`.
 *
 * @throws TypeError for one without `get`
 */
export const readingOf = (read: ReadRows | OwnReading | undefined): OwnReading | undefined => {
  if (typeof read === 'function') return { get: read }
  if (read === undefined) return undefined
  const { get, list, ...others } = read
  if (typeof get !== 'function') throw new TypeError('read.get reads the whole content of rows')
  if (list !== undefined && typeof list !== 'function') throw new TypeError('read.list is a function')
  const [strange] = Object.keys(others)
  if (strange !== undefined) throw new TypeError(`read has get and list, and no ${strange}`)
  return { get, ...(list && { list }) }
}

/** Rows by their keys, in a Map or in an object. */
export type OwnRows =
  | ReadonlyMap<string, Readonly<Record<string, unknown>>>
  | Readonly<Record<string, Readonly<Record<string, unknown>>>>

/**
 * An entity's hooks as its definition has them: a function alone is what comes `after`.
 *
 * @param of what else of the definition they have to go with
 * @throws TypeError for some that don't
 */
export const hooksOf = (
  write: Hooks | Hooks['after'],
  of: { readonly identity: Identity; readonly record: 'row' | 'sideTable' },
): Hooks | undefined => {
  const hooks = typeof write === 'function' ? { after: write } : write
  if (hooks === undefined) return undefined
  const { before, after, instead, timeout = HOOK_TIMEOUT } = hooks
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > LONGEST_HOOK)
    throw new TypeError(`write.timeout is a whole number of seconds from 1 to ${LONGEST_HOOK}`)
  if (before === undefined && after === undefined && instead === undefined)
    throw new TypeError('write has before, after or instead')
  if (instead === undefined) return hooks
  if (instead.upsert === undefined && instead.delete === undefined)
    throw new TypeError('write.instead has upsert or delete')
  const staysInTheWay = of.identity.kind !== 'autoIncrement' || of.record === 'sideTable'
  if (instead.delete !== undefined && instead.upsert === undefined && staysInTheWay)
    throw new TypeError(
      'write.instead.delete needs write.instead.upsert: the row that stays is in the way of one that is made anew',
    )
  return hooks
}

/** Whether rows may stay whose keys are deleted. */
export const keepsDeleted = ({ write }: { readonly write?: Hooks | undefined }): boolean =>
  write?.instead?.delete !== undefined

/** Whether what is written can't be compared column by column: it may stand anywhere. */
export const hasOwnLayout = ({ write }: { readonly write?: Hooks | undefined }): boolean =>
  write?.instead?.upsert !== undefined
