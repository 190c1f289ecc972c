import type { Change, Row, Version } from '../model/change.ts'
import type { Epoch, Owner } from '../model/owner.ts'

/** What a source is asked about, with what is known of the last change of it that was heard of. */
export type Subject = {
  readonly entity: string
  readonly key: string
  /** Absent when it could not be told. */
  readonly version?: Version
  readonly op?: 'upsert' | 'delete'
}

/** Where changes come from, beside the way in which they come by themselves: what is there now. */
export interface Source {
  /** The store that it is: what is overruled there is lifted only of keys that this one owns. @default 'dynamo' */
  readonly side?: Owner
  /**
   * The changes that make a store what the source is now.
   *
   * @returns none when there is nothing to do any more
   * @throws InvalidRecordError when what is there can't become a change
   */
  current(subject: Subject, at: Date): Promise<readonly Change[]>
  /**
   * Lets a change get through that a store has overruled, if it still is what is there: raises its item to one above what
   * the store holds, and nothing else of it. The record of that comes by itself. Of a delete there is nothing to raise: it
   * is asked whether the key is still gone. Absent where nothing can be raised.
   *
   * @param above the version that the store holds
   * @param under the move by which the source has the key, where the change doesn't know of it: what is lifted says so then
   */
  readonly lift?: (change: Change, above: Version, under?: Epoch) => Promise<Lifting>
  /** A row under the names that the source has for what is in it. Absent where they are the row's own. */
  readonly outward?: (entity: string, row: Row) => Row
}

/**
 * `lifted`: it is what is there, and now above that version; a delete is to be applied so. `late`: it is not, any more.
 * `kept`: what is there is left as it is, current or not.
 */
export type Lifting = 'lifted' | 'late' | 'kept'
