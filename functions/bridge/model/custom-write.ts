import type { Kysely } from 'kysely'
import type { Change } from './change.ts'

/** What a custom write gets: the changes that are newer than the store, and the transaction that writes their rows. */
export type CustomWriteInput = {
  /** One per key. Upserts are written already; deletes still have their row. */
  readonly changes: readonly Change[]
  readonly transaction: Kysely<unknown>
}

/**
 * Writes what an entity's mapping can't express, such as derived columns or rows of other tables. It runs in the
 * transaction that writes the rows, which is run again after a deadlock: it must have no effect outside of it. Since it
 * may change the rows themselves, an entity that has one is known by its versions alone: that the two stores differ at
 * one version is not seen.
 */
export type CustomWrite = (input: CustomWriteInput) => Promise<void>
