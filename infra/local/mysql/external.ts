import { messageOf } from '../../errors/thrown.ts'
import { askServer, type Login } from './connect.ts'
import { MysqlError } from './errors.ts'
import { requireSupported, type ServerVersion } from './flavour.ts'

/**
 * Reads a url such as `mysql://user:password@host:3306/database`; user and password may be percent-encoded.
 *
 * @returns the login; port 3306 and user root where the url names none. A database in it is the caller's business
 * @throws MysqlError `mysql.bad-url`; the message never holds the password
 */
export const parseMysqlUrl = (text: string): Login => {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new MysqlError(
      'mysql.bad-url',
      'MYSQL_URL is not a url; expected mysql://user:password@host:3306',
      { cause },
    )
  }
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:')
    throw new MysqlError('mysql.bad-url', `MYSQL_URL begins with ${url.protocol}//, expected mysql://`)
  if (url.hostname === '') throw new MysqlError('mysql.bad-url', 'MYSQL_URL names no host')
  try {
    return {
      // The URL class keeps the brackets of an IPv6 address; a socket wants none.
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 3306 : Number(url.port),
      user: url.username === '' ? 'root' : decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    }
  } catch (cause) {
    throw new MysqlError('mysql.bad-url', 'the user or password in MYSQL_URL is not percent-encoded', {
      cause,
    })
  }
}

/** The url of a login, with what needs it percent-encoded. */
export const mysqlUrl = (login: Login): string => {
  const password = login.password === '' ? '' : `:${encodeURIComponent(login.password)}`
  const host = login.host.includes(':') ? `[${login.host}]` : login.host
  return `mysql://${encodeURIComponent(login.user)}${password}@${host}:${login.port}`
}

/**
 * Uses a server that somebody else runs.
 *
 * @throws MysqlError `mysql.bad-url`, `mysql.unreachable` (no answer within 5 s, or login refused), `mysql.unsupported-version`
 */
export const useExternalServer = async (text: string): Promise<Login & ServerVersion> => {
  const login = parseMysqlUrl(text)
  const where = `the server of MYSQL_URL (${login.user} at ${login.host}:${login.port})`
  const { flavour, version } = await askServer(login, 5_000).catch((cause: unknown) => {
    const reason = messageOf(cause)
    throw new MysqlError('mysql.unreachable', `${where} cannot be used: ${reason}`, { cause })
  })
  requireSupported({ flavour, version }, where)
  return { ...login, flavour, version }
}
