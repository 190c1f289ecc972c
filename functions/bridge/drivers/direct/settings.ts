import { DirectError } from './errors.ts'

/** Aurora MySQL 3's default; another server's own may differ. */
export const SQL_MODE =
  'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'

/** MariaDB would cut off the fractions of seconds that a column has no place for; MySQL rounds, and has no such mode. */
const MARIADB_ROUNDS = ',TIME_ROUND_FRACTIONAL'
const ROUNDING = `IF(VERSION() LIKE '%MariaDB%', '${SQL_MODE}${MARIADB_ROUNDS}', '${SQL_MODE}')`

/**
 * What every session is set to. A reader of a stream that pauses for a minute would otherwise be cut off by the
 * server (`net_write_timeout`, in seconds).
 */
export const SET_SETTINGS: readonly string[] = [
  `SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ${ROUNDING}, autocommit = 1, net_write_timeout = 600`,
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
]

/** By name, as MySQL and MariaDB disagree on the name of the isolation level. */
const EXPECTED: ReadonlyMap<string, string> = new Map([
  ['autocommit', 'ON'],
  ['character_set_client', 'utf8mb4'],
  ['character_set_connection', 'utf8mb4'],
  ['character_set_results', 'utf8mb4'],
  ['sql_mode', SQL_MODE],
  ['time_zone', '+00:00'],
  ['transaction_isolation', 'REPEATABLE-READ'],
  ['tx_isolation', 'REPEATABLE-READ'],
])

const ISOLATION = ['transaction_isolation', 'tx_isolation']

export const READ_SETTINGS = `SHOW SESSION VARIABLES WHERE Variable_name IN (${[...EXPECTED.keys()].map((name) => `'${name}'`).join(', ')})`

/**
 * Compares what the server says with what was set: a proxy, an `init_connect` or a server that ignores a setting would
 * otherwise change data in silence.
 *
 * @param rows of READ_SETTINGS: name and value
 * @throws DirectError `direct.session-settings` naming each setting that differs
 */
export const checkSettings = (rows: readonly (readonly unknown[])[]): void => {
  const actual = new Map(rows.map(([name, value]) => [String(name), String(value)]))
  const problems = [...EXPECTED].flatMap(([name, expected]) => {
    const value = actual.get(name)
    if (value === undefined)
      return ISOLATION.includes(name) && ISOLATION.some((other) => actual.has(other))
        ? []
        : [`${name} is unknown`]
    return inOrder(value) === inOrder(expected) ? [] : [`${name} is '${value}', not '${expected}'`]
  })
  if (problems.length > 0)
    throw new DirectError(`The session can't be set up: ${problems.join('; ')}`, {
      fault: 'session-settings',
    })
}

/** `sql_mode` is a set, which each server writes in an order of its own. */
const inOrder = (value: string): string =>
  value
    .split(',')
    .filter((mode) => !MARIADB_ROUNDS.endsWith(`,${mode}`))
    .sort()
    .join(',')
