import type { RaisedMarks, ToldMark, ToldMarks } from '../model/store-mark.ts'

/** A mark that is to follow the one that was read. */
export type NextMark = {
  readonly entity: string
  /** The last one, as it was read: its number and its token; undefined where there was none. */
  readonly was: ToldMark | undefined
  readonly next: ToldMark
  /** The mark that DynamoDB has. */
  readonly witnessed: bigint
}

/** The marks that Aurora keeps. */
export interface AuroraMarkStore {
  /** Those of some entities. @throws DataApiError, DeadlineError, as all of these methods */
  read(entities: readonly string[]): Promise<RaisedMarks>

  /**
   * Raises marks over those that were read.
   *
   * @returns false where one of them was not the last one any more: others may have been raised then
   */
  raise(marks: readonly NextMark[]): Promise<boolean>

  /** Begins anew above a number, whatever there is: nothing that was told before counts. */
  renew(entity: string, mark: ToldMark): Promise<void>
}

/** What DynamoDB was told of Aurora's marks. */
export interface DynamoMarkStore {
  /** All of them. @throws DynamoError, DeadlineError, ForeignJobItemError, as all of these methods */
  read(): Promise<ToldMarks>

  /**
   * Tells it marks over those that were read.
   *
   * @returns undefined where it was told; what there is where one of them is another one by now, and then none of them was told
   */
  tell(marks: readonly Pick<NextMark, 'entity' | 'was' | 'next'>[]): Promise<ToldMarks | undefined>
}
