import type { RowDataPacket } from 'mysql2/promise'
import { type Connection, createConnection } from 'mysql2/promise'
import * as z from 'zod'
import { MysqlError } from './errors.ts'
import { parseServerVersion, type ServerVersion } from './flavour.ts'

/** Where a server listens and who logs in. */
export type Login = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

const Facts = z.object({ version: z.string(), dataFolder: z.string() })

/** What a server says of itself. */
export type ServerFacts = ServerVersion & { readonly dataFolder: string }

/**
 * Logs in, asks the server what it is, and leaves.
 *
 * @throws the driver's error, or MysqlError `mysql.unreachable` when it does not answer within the time
 */
export const askServer = async (login: Login, withinMs: number): Promise<ServerFacts> => {
  const connection = await createConnection({ ...login, connectTimeout: withinMs })
  try {
    // mysql2 closes the connection on this timeout and rejects with PROTOCOL_SEQUENCE_TIMEOUT.
    const sql = 'SELECT VERSION() AS version, @@datadir AS dataFolder'
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: withinMs })
    const facts = Facts.parse(rows[0])
    const server = parseServerVersion(facts.version)
    if (server === undefined) throw new MysqlError('mysql.unreachable', `unknown version "${facts.version}"`)
    return { ...server, dataFolder: facts.dataFolder }
  } finally {
    leave(connection)
  }
}

/** The answer is in hand; a goodbye that gets lost changes nothing, so it is not waited for. */
const leave = (connection: Connection): void => connection.destroy()
