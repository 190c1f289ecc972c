import { BridgeError, type ErrorKind } from '../model/errors.ts'

/**
 * A statement that failed, whatever way it took. The message never holds a value of it; MySQL's own text, which may quote
 * one, is the cause's.
 */
export abstract class SqlError extends BridgeError {
  /** MySQL's error number and SQLSTATE, when the database itself refused. */
  abstract readonly errno: number | undefined
  abstract readonly sqlState: string | undefined

  /** MySQL's text quotes values (`Duplicate entry 'Bobby'`), unless it is about the connection or the set-up. */
  override get causeQuotesData(): boolean {
    return this.kind === 'data' || this.kind === 'unknown'
  }
}

/**
 * What MySQL's error numbers mean for a change.
 * @see MySQL error reference; the same numbers on MariaDB
 */
const KIND_BY_ERRNO: ReadonlyMap<number, ErrorKind> = new Map([
  ...[
    1048, 1062, 1264, 1265, 1292, 1364, 1366, 1406, 1411, 3140, 3141, 3150, 3151, 3156, 3157, 3669, 3819,
  ].map((errno) => [errno, 'data'] as const),
  // Foreign keys: the parent isn't there yet, or a child still is. 1216 and 1217 are the numbers without details.
  ...[1216, 1217, 1451, 1452].map((errno) => [errno, 'dependency'] as const),
  // Lock waits, deadlocks (1467: over the AUTO_INCREMENT lock), connection limits, a server that goes down or is
  // read-only for a moment, killed statements, a table that changes under a prepared statement (1615).
  ...[1040, 1053, 1203, 1205, 1213, 1226, 1290, 1317, 1467, 1615, 1836, 1927, 2006, 2013, 3024].map(
    (errno) => [errno, 'transient'] as const,
  ),
  ...[1044, 1045, 1049, 1054, 1064, 1142, 1146, 1295].map((errno) => [errno, 'configuration'] as const),
])

/** What MySQL's error number means; `unknown` for one that is not listed. */
export const kindOfErrno = (errno: number): ErrorKind => KIND_BY_ERRNO.get(errno) ?? 'unknown'
