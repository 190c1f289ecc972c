import type { Change, Version } from '../model/change.ts'

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
  /**
   * The changes that make a store what the source is now.
   *
   * @returns none when there is nothing to do any more
   * @throws InvalidRecordError when what is there can't become a change
   */
  current(subject: Subject, at: Date): Promise<readonly Change[]>
}
