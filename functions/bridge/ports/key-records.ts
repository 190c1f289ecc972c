import { holdsAll, type Row, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority, Epoch, Owner } from '../model/owner.ts'

/** A store's record of a key: its row or item, or else its tombstone, with whose the key is. */
export type KeyRecord = Authority & {
  /** The key in its own form: a legacy row may have been asked for by its id. */
  readonly key: string
  /** When it was written: ISO 8601, UTC; null where that isn't known. */
  readonly at: string | null
} & (
    | {
        readonly state: 'held'
        readonly version: Version
        readonly row: Row
        /** Something of the content may have changed since, and the version doesn't tell: a list that plain SQL has written. */
        readonly isUntold?: boolean
      }
    | { readonly state: 'deleted'; readonly version: Version }
    /** Neither row nor delete is known; it counts as version 0. What it says of authority may be what counts as said. */
    | { readonly state: 'absent'; readonly version: 0n }
  )

/** On what a key is given away. */
export type AsRead = {
  /** The move that the record was of when it was read: one that is of a later move by now stays as it is. */
  readonly was: Epoch
  /**
   * The version of the other store's tombstone, where this one has no record yet; absent: it has one, or the key's delete is on
   * its way.
   */
  readonly above?: Version
  /** Whether it had content when it was read: then nothing need be made, as long as it is still there. */
  readonly isHeld?: boolean
}

/** A store as one side of a claim. Each call may be repeated, and lands late without harm. */
export interface KeyRecords {
  readonly side: Owner
  /** @throws UnreadableAttributesError and the like for a row or item that can't be told as it is */
  read(entity: Entity, key: string): Promise<KeyRecord>
  /**
   * Gives a key away, or says anew that it is this store's, where its record is of no later move than it was read with. Of a
   * key that was given away a write of this store's own is refused, and its version is above each that had other content.
   *
   * @returns the record as it is then: the last that was accepted here, unless it belongs to another move
   * @throws UndecidedError where a record is missing that was there
   */
  release(entity: Entity, key: string, to: Authority, as: AsRead): Promise<KeyRecord>
  /**
   * Takes a key over with the other side's last record, unless a later move has taken it. What has the key already keeps its
   * content: there is nothing later.
   *
   * @returns the record as it is then
   * @throws UndecidedError where a record is missing that was there; ClaimConflictError when what it holds is later than that, or the same version with other content; what the store
   *   has against the content itself
   */
  take(entity: Entity, last: KeyRecord, to: Authority): Promise<KeyRecord>
  /** Has a key again that was given away by a move which could not be completed, if none has taken it since. */
  restore(entity: Entity, key: string, move: Epoch): Promise<void>
}

/** A side whose content may be said to be the right one. */
export interface DecidedRecords extends KeyRecords {
  /**
   * Takes a key over with what this store holds of it, at a version that is larger than the other one's: for a person who has
   * decided between the two.
   *
   * @param above the version of the other side's last record
   * @returns the record as it is then
   */
  insist(entity: Entity, key: string, to: Authority, above: Version): Promise<KeyRecord>
}

/** Whether what one side holds is later than the other one's last record, or the same version with other content. */
export const isBeyond = (here: KeyRecord, last: KeyRecord): boolean => {
  if (here.version !== last.version) return here.version > last.version
  if (here.state === 'held' && last.state === 'held') return !holdsAll(here.row, last.row)
  return here.state !== last.state && here.version > 0n
}
