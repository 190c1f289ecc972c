import { runCommand } from '../processes/command.ts'
import { MysqlError } from './errors.ts'

/** The two servers that Backsync supports; they differ in how a data folder is made and in some options. */
export type Flavour = 'mysql' | 'mariadb'

/** `version` is the number alone, such as `9.7.4` or `10.11.19`. */
export type ServerVersion = { readonly flavour: Flavour; readonly version: string }

/** The first versions with invisible columns and JSON_TABLE, which the bridge relies on. */
const oldest: Readonly<Record<Flavour, string>> = { mysql: '8.0.23', mariadb: '10.6.0' }

const labels: Readonly<Record<Flavour, string>> = { mysql: 'MySQL', mariadb: 'MariaDB' }

/** For people: `MySQL 9.7.4`. */
export const describeServer = (server: ServerVersion): string => `${labels[server.flavour]} ${server.version}`

/**
 * Reads what a server says of itself: `SELECT VERSION()` (`10.11.19-MariaDB-0+deb12u1`) or `mysqld --version`
 * (`/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))`).
 *
 * @returns undefined when it holds no version number
 */
export const parseServerVersion = (text: string): ServerVersion | undefined => {
  // MariaDB 10 put "5.5.5-" before its own number, for old replicas.
  const version = /(?:\bVer\s+|^)(?:5\.5\.5-)?(\d+\.\d+\.\d+)/.exec(text.trim())?.[1]
  if (version === undefined) return undefined
  return { flavour: /mariadb/i.test(text) ? 'mariadb' : 'mysql', version }
}

/** Orders two version numbers by their parts: negative when `a` is the older one. */
export const compareVersions = (a: string, b: string): number => {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** @throws MysqlError `mysql.unsupported-version` when the server is too old for the bridge */
export const requireSupported = (server: ServerVersion, where: string): void => {
  if (compareVersions(server.version, oldest[server.flavour]) >= 0) return
  throw new MysqlError(
    'mysql.unsupported-version',
    `${where} is ${describeServer(server)}; Backsync needs MySQL ${oldest.mysql} or MariaDB ${oldest.mariadb}, or newer`,
  )
}

/**
 * Asks a server binary which server it is.
 *
 * @throws MysqlError `mysql.unusable-binary` when it does not run or does not say; `mysql.unsupported-version`
 */
export const detectFlavour = async (binary: string): Promise<ServerVersion> => {
  // --no-defaults must come first; without it a broken system-wide my.cnf would stop even --version.
  const outcome = await runCommand(binary, ['--no-defaults', '--version'], { withinMs: 20_000 }).catch(
    (cause: unknown) => {
      throw new MysqlError('mysql.unusable-binary', `${binary} cannot be run`, { cause })
    },
  )
  const server = outcome.code === 0 ? parseServerVersion(outcome.output) : undefined
  if (server === undefined) {
    const message = `${binary} --version answered "${outcome.output.slice(0, 500)}" (exit code ${outcome.code}), which names no server`
    throw new MysqlError('mysql.unusable-binary', message)
  }
  requireSupported(server, binary)
  return server
}
