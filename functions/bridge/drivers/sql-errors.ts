import { BridgeError, type BrokenRule, type ErrorKind } from '../model/errors.ts'
import { type OwnerSignal, ownerSignalIn, ownerSignalSaid } from './owner-signal.ts'
import { brokenRuleOf, describeRule } from './sql-rules.ts'

/**
 * What is known of a statement whose call failed:
 * - `not-run`: it never reached the database; sending it again is always safe.
 * - `refused`: the database or the service refused it and undid it; nothing of it is left.
 * - `unknown`: it may have run, may be running, or may not have.
 */
export type Outcome = 'not-run' | 'refused' | 'unknown'

/** MySQL's own words: its number, its SQLSTATE where that was said, and its text, which may quote values. */
export type ServerRefusal = {
  readonly errno: number
  readonly sqlState: string | undefined
  readonly text: string
}

/**
 * A statement that failed, whatever way it took. The message never holds a value of it; MySQL's own text, which may quote
 * one, is the cause's.
 */
export abstract class SqlError extends BridgeError {
  /** MySQL's error number and SQLSTATE, when the database itself refused. */
  readonly errno: number | undefined
  readonly sqlState: string | undefined
  override readonly broken: BrokenRule | undefined
  /** Where a trigger has refused a write of a key that the other store owns. */
  readonly ownerSignal: OwnerSignal | undefined

  constructor(message: string, server: ServerRefusal | undefined, options: ErrorOptions) {
    super(message, options)
    this.errno = server?.errno
    this.sqlState = server?.sqlState
    this.broken = server && brokenRuleOf(server)
    this.ownerSignal = server && ownerSignalSaid(server)
  }

  /** MySQL's text quotes values (`Duplicate entry 'Bobby'`), unless it is about the connection or the set-up. */
  override get causeQuotesData(): boolean {
    if (this.kind === 'transient') return false
    // Of the set-up's, those that are known by their numbers quote none.
    return this.kind !== 'configuration' || (this.errno !== undefined && !KIND_BY_ERRNO.has(this.errno))
  }

  /** The server itself said no, so nothing of the statement is left. */
  get wasRefusedByServer(): boolean {
    return this.errno !== undefined && outcomeOfRefusal(this.errno, this.sqlState) === 'refused'
  }
}

/** As many causes are looked at: whoever wraps an error seldom does it more often, and none may go round in a circle. */
const MOST_CAUSES = 5

/**
 * The refusal, of a write of a key that the other store owns, that an error or one of its causes is. Of an error that an entity's
 * own code has made of it its text tells; of the server's only where the server says so.
 */
export const ownerSignalOf = (error: unknown): OwnerSignal | undefined => {
  let one = error
  for (let depth = 0; depth < MOST_CAUSES && one instanceof Error; depth++) {
    if (one instanceof SqlError) return one.ownerSignal
    const signal = one instanceof BridgeError ? undefined : ownerSignalIn(one.message)
    if (signal !== undefined) return signal
    one = one.cause
  }
  return undefined
}

/** What MySQL has said, for a message: ` (MySQL error 1406, SQLSTATE 22001: column title is too long for it)`. */
export const describeServer = (server: ServerRefusal): string => {
  const { errno, sqlState = 'unknown' } = server
  const broken = brokenRuleOf(server)
  return ` (MySQL error ${errno}, SQLSTATE ${sqlState}${broken === undefined ? '' : `: ${describeRule(broken)}`})`
}

/** A value that another row holds, of a unique index; without the index' name, with it, and in an index that is built. */
const UNIQUE = [1062, 1169, 1586] as const
const TAKEN: ReadonlySet<string> = new Set(UNIQUE.map((errno) => `mysql.${errno}`))

/** Whether another row holds a value that must be unique. A `SIGNAL` may lend itself the number, not the SQLSTATE. */
export const isTaken = (error: unknown): boolean =>
  error instanceof BridgeError && error.kind === 'dependency' && TAKEN.has(error.code)

/**
 * What SQLSTATE leaves open, or says otherwise, by MySQL's error number. All else is told by the state's class.
 * @see MySQL error reference; the same numbers on MariaDB, but for those from 1900 to 1999 and from 4000 on
 */
const KIND_BY_ERRNO: ReadonlyMap<number, ErrorKind> = new Map([
  // Of HY000, 01000 and 42000, those that are about a value: NULL and defaults, ranges, texts, CHECK, partitions, generated
  // columns, JSON, the size of a row; a SELECT INTO of a trigger that finds several; and a trigger's SIGNAL, whatever state it
  // names.
  ...[
    167, 1048, 1118, 1139, 1172, 1263, 1264, 1265, 1292, 1364, 1365, 1366, 1367, 1369, 1406, 1411, 1441, 1526,
    1643, 1644, 1690, 1748, 1906, 3105, 3140, 3141, 3143, 3144, 3150, 3151, 3156, 3157, 3669, 3819, 3854,
    3903, 3988, 4025, 4038,
  ].map((errno) => [errno, 'data'] as const),
  // Foreign keys: the parent isn't there yet, or a child still is. 1216 and 1217 are the numbers without details. Unique
  // indexes: whoever holds the value may be about to let it go.
  ...[1216, 1217, 1451, 1452, 1761, 1762, ...UNIQUE].map((errno) => [errno, 'dependency'] as const),
  // Lock waits, deadlocks (1467: over the AUTO_INCREMENT lock), limits of connections, memory, disk and transactions, a
  // server that goes down or is read-only for a moment, killed statements, a table that changes under a prepared
  // statement (1615) or a transaction (1020, 1412).
  ...[
    1020, 1021, 1037, 1038, 1040, 1041, 1053, 1114, 1135, 1180, 1203, 1205, 1206, 1213, 1226, 1290, 1317,
    1412, 1467, 1613, 1614, 1615, 1637, 1689, 1792, 1836, 1927, 1969, 2006, 2013, 3024, 3100, 3101, 3169,
    3572, 4031,
  ].map((errno) => [errno, 'transient'] as const),
  ...[
    1044, 1045, 1046, 1049, 1054, 1064, 1136, 1142, 1143, 1146, 1227, 1251, 1295, 1305, 1356, 1370, 1449,
    1698,
  ].map((errno) => [errno, 'configuration'] as const),
])

/** What the class of an SQLSTATE means: its first two characters. @see SQL:2016, 24.1 */
const KIND_BY_CLASS: ReadonlyMap<string, ErrorKind> = new Map([
  // A warning that the strict mode makes an error, cardinality, data, constraints, WITH CHECK OPTION, a user's own; and what
  // only a trigger or a procedure can meet: no data, no case, a cursor, a function without an answer.
  ...['01', '21', '22', '23', '44', '45', '02', '20', '24', '2F'].map((of) => [of, 'data'] as const),
  // Connections, roles of a server that fails over, rollbacks, interruptions.
  ...['08', '25', '40', '70'].map((of) => [of, 'transient'] as const),
  // Unsupported, authorisation, catalogue, syntax and rights.
  ...['0A', '28', '3D', '42'].map((of) => [of, 'configuration'] as const),
])

/** Whether a statement has waited for what others hold until the server gave it up, and undid it. */
export const isLockWait = (error: unknown): boolean =>
  error instanceof SqlError && error.errno === LOCK_WAIT && error.kind === 'transient'

const LOCK_WAIT = 1205

/** Deadlocks, a full lock table, a row that has changed behind a snapshot, and a branch that was rolled back. */
const UNDOING: ReadonlySet<number> = new Set([1020, 1206, 1213, 1614])

/**
 * Whether the server has undone the whole transaction with the statement: whatever were sent in it from then on would be done by
 * itself, and stay.
 */
export const undoesTransaction = (error: unknown): error is SqlError =>
  error instanceof SqlError &&
  error.errno !== undefined &&
  !isUsersOwn(error.sqlState) &&
  (UNDOING.has(error.errno) || (error.sqlState?.startsWith('40') === true && error.errno !== SIGNALLED))

/** MySQL's number for a SIGNAL that names no other one. */
const SIGNALLED = 1644

/** What a trigger signals by itself: it may name any number beside, such as that of a deadlock. */
const isUsersOwn = (sqlState: string | undefined): boolean => sqlState?.startsWith('45') === true

/** The client library's own numbers: about the connection. */
const isClientNumber = (errno: number): boolean => errno >= 2000 && errno < 3000

/** What MySQL's refusal means for a change; `unknown` where neither number nor state tells. */
export const kindOfRefusal = (errno: number, sqlState: string | undefined): ErrorKind => {
  if (isUsersOwn(sqlState)) return 'data'
  if (errno === 0 || isClientNumber(errno)) return 'transient'
  return KIND_BY_ERRNO.get(errno) ?? KIND_BY_CLASS.get(sqlState?.slice(0, 2) ?? '') ?? 'unknown'
}

/** Numbers with which a statement ends that was cut off, so that they don't tell what became of it. */
const CUT_OFF: ReadonlySet<number> = new Set([1053, 1317, 1927, 1969, 3024, 3169, 4031])

/**
 * Refused before any statement: too many connections of the server (1040), of a user by the server's limit (1203), or
 * by a limit of the user's own (1226).
 */
const NO_CONNECTION: ReadonlySet<number> = new Set([1040, 1203, 1226])

/** What MySQL's refusal tells of the statement. A connection that breaks tells nothing. */
export const outcomeOfRefusal = (errno: number, sqlState: string | undefined): Outcome => {
  if (isUsersOwn(sqlState)) return 'refused'
  if (NO_CONNECTION.has(errno)) return 'not-run'
  const cut =
    errno === 0 || isClientNumber(errno) || CUT_OFF.has(errno) || sqlState?.startsWith('08') === true
  return cut ? 'unknown' : 'refused'
}
