import type { Change } from '../model/change.ts'
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
