import { type Change, holdsAll } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import type { Stored } from '../ports/stored.ts'

/** What a write has made, whatever became of it since. @throws InvalidRecordError for a delete */
export const madeBy = (change: Change): Stored => {
  if (change.op !== 'upsert') throw new InvalidRecordError('Only what carries a row makes one')
  return { key: change.key, row: change.row, version: change.version, updatedAt: change.at }
}

/**
 * What a write that was applied answers: the row as it was read behind it, with what the database has set in it; but where
 * somebody else has written by then, only what it made itself. Another one's version would let its client overwrite what it
 * has never seen.
 */
export const answerOf = (change: Change, after: Stored | undefined): Stored =>
  after?.version === change.version ? after : madeBy(change)

/** Whether a row is still what a create made of it: then it was this one, at an earlier attempt. */
export const isMade = (stored: Stored, made: Stored): boolean =>
  stored.version === made.version && isOfTime(stored, made)

/** As `isMade`, of a create whose version isn't known. */
export const isOfTime = (stored: Stored, made: Stored): boolean =>
  stored.updatedAt === made.updatedAt && holdsAll(stored.row, made.row)
