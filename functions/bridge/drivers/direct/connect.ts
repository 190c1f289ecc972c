import { connect as connectSocket, type Socket } from 'node:net'
import { type Connection, createConnection, type SslOptions } from 'mysql2'
import { toDirectError } from './errors.ts'

/** Where, as whom and how securely to log in. */
export type ServerAddress = {
  /** what the socket connects to */
  readonly host: string
  readonly port: number
  /** what the certificate has to name; the host itself, unless a tunnel leads to it */
  readonly serverName: string
  readonly user: string
  readonly password: string
  readonly database: string
  /** one object for all connections, so that its hundred certificates are parsed once; undefined is plain */
  readonly ssl: SslOptions | undefined
  /** milliseconds for socket, TLS and login together */
  readonly connectTimeout: number
}

/** A connection that is logged in, with the socket below it, which alone can be closed at once. */
export type Wire = { readonly connection: Connection; readonly socket: Socket }

/** Statements that a session keeps prepared. */
const PREPARED = 64
const KEEP_ALIVE = 30_000

/** @throws DirectError of the login, the network or the server's certificate; nothing stays open then */
export const connect = async (target: ServerAddress): Promise<Wire> => {
  const socket = connectSocket({
    host: target.host,
    port: target.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE,
  })
  const connection = createConnection({
    // mysql2 verifies the certificate against its `host`; where the socket leads is the stream's matter.
    stream: () => socket,
    host: target.serverName,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    ...(target.ssl === undefined ? {} : { ssl: target.ssl }),
    connectTimeout: target.connectTimeout,
    // Values arrive as MySQL writes them: no Date, no double in between.
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    rowsAsArray: true,
    timezone: 'Z',
    maxPreparedStatements: PREPARED,
    // Affected rows are matched rows, as the Data API counts them. IGNORE_SPACE changes sql_mode, and a server may not
    // ask for local files.
    flags: ['FOUND_ROWS', '-IGNORE_SPACE', '-LOCAL_FILES'],
  })
  try {
    await new Promise<void>((resolve, reject) => {
      connection.on('error', reject)
      connection.connect((error) => (error ? reject(error) : resolve()))
    })
    return { connection, socket }
  } catch (cause) {
    hangUp({ connection, socket })
    throw toDirectError(`Login at ${target.serverName}:${target.port}`, cause)
  }
}

/** Closes the socket at once: the driver alone would leave it half open until the server answers. */
export const hangUp = ({ connection, socket }: Wire): void => {
  connection.on('error', () => {
    // Whatever the driver still says about a connection that was given up changes nothing.
  })
  connection.destroy()
  socket.destroy()
}
