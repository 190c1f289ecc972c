/**
 * Statements that MySQL does not take in the prepared protocol (errno 1295), by their first word and, where that does
 * not settle it, the next ones. Measured on MySQL 9.7; EVENT after the manual's list, as Aurora MySQL 3 is an 8.0.
 *
 * @see https://dev.mysql.com/doc/refman/8.0/en/sql-prepared-statements.html
 */
const UNPREPARABLE: Readonly<Record<string, true | readonly string[]>> = {
  BEGIN: true,
  CHECK: ['TABLE'],
  CLONE: true,
  DEALLOCATE: true,
  EXECUTE: true,
  GET: true,
  HANDLER: true,
  HELP: true,
  IMPORT: true,
  INSTALL: ['COMPONENT'],
  LOAD: ['DATA', 'XML'],
  LOCK: true,
  PREPARE: true,
  PURGE: true,
  RELEASE: true,
  RESIGNAL: true,
  RESTART: true,
  ROLLBACK: ['TO', 'WORK TO'],
  SAVEPOINT: true,
  SHOW: ['WARNINGS', 'ERRORS'],
  SHUTDOWN: true,
  SIGNAL: true,
  START: ['TRANSACTION'],
  UNINSTALL: ['COMPONENT'],
  UNLOCK: true,
  USE: true,
  XA: true,
}

const STORED_PROGRAMS = ['TRIGGER', 'PROCEDURE', 'FUNCTION', 'EVENT']

/** Objects that CREATE, ALTER and DROP name; the first one after the verb tells what the statement is about. */
const OBJECTS = [
  ...STORED_PROGRAMS,
  'TABLE',
  'VIEW',
  'INDEX',
  'DATABASE',
  'SCHEMA',
  'USER',
  'ROLE',
  'SERVER',
  'TABLESPACE',
  'RESOURCE',
  'REFERENCE',
  'INSTANCE',
  'LOGFILE',
  'SEQUENCE',
]

const UNPREPARABLE_DDL: Readonly<Record<string, readonly string[]>> = {
  CREATE: [...STORED_PROGRAMS, 'SERVER', 'ROLE', 'REFERENCE', 'RESOURCE'],
  ALTER: [...STORED_PROGRAMS, 'VIEW', 'DATABASE', 'SCHEMA', 'SERVER', 'RESOURCE'],
  DROP: [...STORED_PROGRAMS, 'SERVER', 'ROLE', 'REFERENCE', 'RESOURCE'],
}

type Words = readonly string[]

const objectOf = (words: Words): string | undefined => words.slice(1).find((word) => OBJECTS.includes(word))

/** True for a statement that MySQL refuses to prepare. */
export const isUnpreparable = (words: Words): boolean => {
  const [verb = '', ...rest] = words
  const ddl = Object.hasOwn(UNPREPARABLE_DDL, verb) ? UNPREPARABLE_DDL[verb] : undefined
  if (ddl) return ddl.includes(objectOf(words) ?? '')
  const rule = Object.hasOwn(UNPREPARABLE, verb) ? UNPREPARABLE[verb] : undefined
  if (rule === undefined) return false
  return rule === true || rule.some((next) => rest.join(' ').startsWith(next))
}

/** True for `CREATE TRIGGER`, `PROCEDURE`, `FUNCTION` and `EVENT`, whose body may hold `;`. */
export const createsStoredProgram = (words: Words): boolean =>
  words[0] === 'CREATE' && STORED_PROGRAMS.includes(objectOf(words) ?? '')

/** True for a statement whose OK packet carries a generated key; an UPDATE's may carry one it did not generate. */
export const insertsRows = (words: Words): boolean => words[0] === 'INSERT' || words[0] === 'REPLACE'

/** True when the statement may leave its session without a default database. */
export const dropsDatabase = (words: Words): boolean =>
  words[0] === 'DROP' && ['DATABASE', 'SCHEMA'].includes(objectOf(words) ?? '')

const DATA_STATEMENTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'WITH']

/** Variables of every kind, and the functions that read or change what a session keeps. */
const SESSION_STATE =
  /@|\b(GET_LOCK|RELEASE_LOCK|RELEASE_ALL_LOCKS|LAST_INSERT_ID|FOUND_ROWS|SQL_CALC_FOUND_ROWS|ROW_COUNT|LASTVAL|SETVAL)\b/i

/**
 * True for a statement that neither sees nor leaves session state, as far as its text tells: plain reads and writes.
 * What it leaves unseen (the last key, the row count, a variable set by a trigger) only other statements could see.
 * Not seen is a trigger or stored function that reads a variable which another one set in an earlier call.
 */
export const isSessionless = (sql: string, words: Words): boolean =>
  DATA_STATEMENTS.includes(words[0] ?? '') && !SESSION_STATE.test(sql)
