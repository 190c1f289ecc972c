import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { BridgeError } from '../model/errors.ts'

/** What a session of the server says of itself. */
export type ServerSettings = {
  readonly version: string
  readonly sqlMode: string
  readonly timeZone: string
  /** The moments that the session takes 2024-01-15 and 2024-07-15, 0:00, for, in seconds since 1970. */
  readonly winter: number
  readonly summer: number
}

/** The server's settings would change data without a word. Each that differs is named, with what mends it. */
export class ServerSettingsError extends BridgeError {
  override readonly name = 'ServerSettingsError'
  readonly code = 'migrations.server-settings'
  readonly kind = 'configuration'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `The server's settings don't fit: ${problems.join('; ')}. On Aurora they are set in the cluster's parameter group, and ` +
        'hold for new connections',
    )
    this.problems = problems
  }
}

/** The first releases with invisible columns and JSON_TABLE. */
const OLDEST = { MySQL: [8, 0, 23], MariaDB: [10, 6, 0] } as const

/** Without one of them a value that doesn't fit is changed until it does, with a warning that nobody reads. */
const STRICT = ['STRICT_TRANS_TABLES', 'STRICT_ALL_TABLES']

/** Modes in which a value is read or written otherwise, or a condition means something else; and why. */
const UNFIT: Readonly<Record<string, string>> = {
  ALLOW_INVALID_DATES: 'takes days that there are not',
  EMPTY_STRING_IS_NULL: 'stores an empty text as NULL',
  HIGH_NOT_PRECEDENCE: 'reads conditions otherwise',
  ORACLE: 'reads statements otherwise',
  PAD_CHAR_TO_FULL_LENGTH: 'fills what it reads with blanks',
  TIME_TRUNCATE_FRACTIONAL: 'cuts fractions of seconds off',
}

/** 2024-01-15 and 2024-07-15, 0:00 UTC, in seconds: one of them tells apart a zone that is UTC in winter only. */
const UTC = { winter: 1_705_276_800, summer: 1_721_001_600 }

/**
 * Checks that sessions of the server write values as they are given, and times in UTC.
 *
 * @throws ServerSettingsError naming all that differs; the database's error
 */
export const requireServerSettings = async (db: Kysely<unknown>): Promise<void> => {
  const { rows } = await sql<Record<string, unknown>>`
    SELECT @@version AS version, @@sql_mode AS mode, @@time_zone AS zone,
      UNIX_TIMESTAMP('2024-01-15 00:00:00') AS winter, UNIX_TIMESTAMP('2024-07-15 00:00:00') AS summer`.execute(
    idempotently(db),
  )
  const row = rows[0]
  const problems = problemsOf({
    version: String(row?.version),
    sqlMode: String(row?.mode),
    timeZone: String(row?.zone),
    winter: Number(row?.winter),
    summer: Number(row?.summer),
  })
  if (problems.length > 0) throw new ServerSettingsError(problems)
}

/** What of a server's settings doesn't fit, in sentences for a person, each with its cure. */
export const problemsOf = ({ version, sqlMode, timeZone, winter, summer }: ServerSettings): string[] => {
  const modes = sqlMode.split(',').filter((mode) => mode !== '')
  const isStrict = modes.some((mode) => STRICT.includes(mode))
  const unfit = modes.filter((mode) => Object.hasOwn(UNFIT, mode))
  const wanted = [
    ...modes.filter((mode) => !unfit.includes(mode)),
    ...(isStrict ? [] : ['STRICT_TRANS_TABLES']),
  ]
  const faults = [
    ...(isStrict ? [] : ['has no STRICT_TRANS_TABLES, so that values which do not fit are changed']),
    ...unfit.map((mode) => `has ${mode}, which ${UNFIT[mode]}`),
  ]
  const isUtc = winter === UTC.winter && summer === UTC.summer
  const offsets = [UTC.winter - winter, UTC.summer - summer].map(offsetOf)
  return [
    ...versionProblem(version),
    ...(faults.length === 0
      ? []
      : [
          `sql_mode ${faults.join(', and ')} (parameter sql_mode; SET GLOBAL sql_mode = '${wanted.join(',')}')`,
        ]),
    ...(isUtc
      ? []
      : [
          `time_zone is ${timeZone} (${[...new Set(offsets)].join(' and ')}), so that each TIMESTAMP would be off: it has to be ` +
            "UTC, and code that counts on another zone to set it for its own connections (parameter time_zone; SET GLOBAL time_zone = '+00:00')",
        ]),
  ]
}

/** Aurora MySQL 3 has been seen to call itself `8.0.mysql_aurora.3.08.0`. */
const versionProblem = (text: string): string[] => {
  const flavour = /mariadb/i.test(text) ? 'MariaDB' : 'MySQL'
  const parts = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)?.slice(1) ?? []
  const oldest = OLDEST[flavour]
  for (const [at, least] of oldest.entries()) {
    const part = parts[at]
    if (part === undefined && at > 0) return []
    if (Number(part) > least) return []
    if (part === undefined || Number(part) < least)
      return [`version is ${text}: ${flavour} ${oldest.join('.')} or newer is needed`]
  }
  return []
}

/** `+05:30` of seconds. */
const offsetOf = (seconds: number): string => {
  const minutes = Math.round(Math.abs(seconds) / 60)
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
