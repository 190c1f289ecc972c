import { hashOf, type Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import type { StatementKind } from './statement-kind.ts'

/** By this the server's list of running statements is searched, also by another run. */
export const markOf = ({ name }: Pick<Migration, 'name'>, at: number): string =>
  `/* backsync ${name}, statement ${at + 1} */`

/** What is sent of a statement that shares no transaction with its record. */
export const marked = (
  migration: Migration,
  at: number,
  statement = migration.statements[at] ?? '',
): string => `${markOf(migration, at)} ${statement}`

/** Whether a statement that was begun is the one that the file has now: what isn't done may have been corrected. */
export const isTheSame = (
  migration: Migration,
  at: number,
  { hashes, checksum }: AppliedMigration,
): boolean => {
  if (hashes === undefined) return checksum === migration.checksum
  return hashes[at] === hashOf(migration.statements[at] ?? '')
}

/**
 * Whether only a person can tell how a statement ended that was begun and whose end nobody saw.
 *
 * @param kind `other` where it changes rows of a table that takes part in no transaction
 */
export const isUndecided = (
  migration: Migration,
  at: number,
  { unfinished, kind }: { readonly unfinished: AppliedMigration; readonly kind: StatementKind },
): boolean => {
  // A row of 0.2.0 and before had no transaction in common with what it records, and stayed where a statement was refused.
  const isOld = unfinished.hashes === undefined
  if (isTheSame(migration, at, unfinished)) return kind === 'other' || (kind === 'rows' && isOld)
  return !isOld && kind !== 'rows'
}
