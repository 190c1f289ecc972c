import type { Entity } from '../model/entity.ts'
import type { Authority, Owner } from '../model/owner.ts'
import type { AsRead, KeyRecord } from './key-records.ts'

/** A key that is to be given away: its record as it was read, and on what. */
export type ToRelease = { readonly record: KeyRecord; readonly as: AsRead }

/**
 * A store as one side of the claims of many keys at once. Each call does of each key what the one of the same name in
 * `KeyRecords` does, under the same conditions, with a number of calls that doesn't grow with the keys where the store can; and
 * it leaves out what is anything but plain, changed or not: that is for the claim of the one key, which looks at it anew.
 */
export interface KeySets {
  readonly side: Owner
  /** @returns the records that a look at all of them tells, by their keys */
  read(entity: Entity, keys: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>>
  /** Keys whose records somebody is writing, and may be for long. @param keys those that were read */
  busy(entity: Entity, keys: readonly string[]): Promise<ReadonlySet<string>>
  /** @returns the records of the keys that are given away by now: the last that was accepted here */
  release(entity: Entity, asked: readonly ToRelease[], to: Authority): Promise<ReadonlyMap<string, KeyRecord>>
  /** @returns the keys that are taken, by this very move */
  take(entity: Entity, lasts: readonly KeyRecord[], to: Authority): Promise<ReadonlySet<string>>
}
