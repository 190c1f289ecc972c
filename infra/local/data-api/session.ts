import { type Connection, createConnection, type ExecuteValues, type FieldPacket, type Query } from 'mysql2'
import { type Column, readColumn } from './columns.ts'

/**
 * Whose sql_mode and time zone a session has: those of a new Aurora cluster, or, for a server that somebody has set up,
 * that server's own, as a session of the Data API has its cluster's.
 */
export type SessionSettings = 'aurora' | 'server'

/** Where and as whom a session logs in. */
export type Login = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database?: string
  /** @default aurora */
  readonly settings?: SessionSettings
}

/** What a statement's OK packet says; digits as text, as they may exceed 2^53. */
export type Ok = { readonly affectedRows: string; readonly insertId: string }

/** Receives a statement's first result set. A throw ends the collecting; the rest of the rows is read and dropped. */
export type RowSink = {
  columns(columns: readonly Column[]): void
  row(row: readonly unknown[]): void
}

/** The connection to MySQL broke. `executed` is false when the statement certainly never ran. */
export class SessionLostError extends Error {
  override readonly name = 'SessionLostError'
  readonly code = 'session.lost'
  readonly executed: boolean

  constructor(executed: boolean, cause: unknown) {
    super('The connection to the database was lost', { cause })
    this.executed = executed
  }
}

const CONNECT_TIMEOUT_MS = 10_000
/** Statements that a session keeps prepared, until its reset. */
const PREPARED = 64
/** A statement of more characters is seldom sent twice (its values stand in it), so it is not kept. */
export const KEPT_CHARACTERS = 8192

/** Aurora MySQL 3's default sql_mode; a local server's own may differ. */
const SQL_MODE =
  'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'

/** Has MariaDB round fractions of seconds that a column has no place for, as Aurora does, and not cut them off. */
const rounding = (mode: string): string =>
  `IF(VERSION() LIKE '%MariaDB%', CONCAT_WS(',', NULLIF(${mode}, ''), 'TIME_ROUND_FRACTIONAL'), ${mode})`

/** What a session is set to. */
const SETTINGS: Readonly<Record<SessionSettings, string>> = {
  aurora: `SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ${rounding(`'${SQL_MODE}'`)}`,
  server: `SET NAMES utf8mb4, sql_mode = ${rounding('@@GLOBAL.sql_mode')}`,
}

const isFatal = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'fatal' in error && error.fatal === true

/** mysql2 doesn't declare them: how many `?` and result columns the server saw when it prepared a statement. */
const countOf = (statement: object, list: 'parameters' | 'columns'): number => {
  const value: unknown = Reflect.get(statement, list)
  return Array.isArray(value) ? value.length : 0
}

/** A prepared statement, until its session is reset. */
export type Prepared = {
  readonly parameters: number
  /** 0 for a statement that returns no rows; a CALL may return some all the same */
  readonly columns: number
  execute(values: readonly ExecuteValues[], sink: RowSink): Promise<Ok | undefined>
  /** Frees a statement that is too long to keep. */
  forget(): void
  /** Frees a statement that is of no more use. */
  discard(): void
}

/** One connection to MySQL, with Aurora's session settings. */
export class Session {
  readonly login: Login
  readonly #connection: Connection
  #lost: unknown
  #onLost = new Set<(error: unknown) => void>()
  #running = 0
  #used = false
  #onIdle = new Set<() => void>()

  private constructor(login: Login, connection: Connection) {
    this.login = login
    this.#connection = connection
    connection.on('error', (error: unknown) => this.#lose(error))
    connection.on('end', () => this.#lose(new Error('The server closed the connection')))
  }

  /** @throws the driver's error: of the network (`ECONNREFUSED`), or of MySQL with its `errno` (1045, 1049, 1040) */
  static async open(login: Login): Promise<Session> {
    const { settings: _, ...address } = login
    const connection = createConnection({
      ...address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Values reach the answer as MySQL writes them: no Date, no double in between.
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      jsonStrings: true,
      rowsAsArray: true,
      timezone: 'Z',
      maxPreparedStatements: PREPARED,
      flags: ['FOUND_ROWS', '-IGNORE_SPACE'],
    })
    const session = new Session(login, connection)
    try {
      await new Promise<void>((resolve, reject) =>
        connection.connect((error) => (error ? reject(error) : resolve())),
      )
      await session.command(session.#settings)
      return session
    } catch (error) {
      session.destroy()
      throw error
    }
  }

  get #settings(): string {
    return SETTINGS[this.login.settings ?? 'aurora']
  }

  /** The server's number of this connection, which KILL takes. */
  get id(): number {
    return this.#connection.threadId
  }

  get lost(): boolean {
    return this.#lost !== undefined
  }

  get busy(): boolean {
    return this.#running > 0
  }

  /** Resolves when no statement runs any more, or the connection is gone. */
  idle(): Promise<void> {
    return this.busy ? new Promise((resolve) => this.#onIdle.add(resolve)) : Promise.resolve()
  }

  /** Runs a statement of the endpoint's own in the text protocol, and drops its rows. */
  async command(sql: string): Promise<void> {
    await this.#track<void>(true, (resolve, reject) =>
      this.#connection.query(sql, (error: unknown) => (error ? reject(error) : resolve())),
    )
  }

  /** Prepares a statement: nothing has run when this fails. @throws SessionLostError, the server's error */
  prepare(sql: string): Promise<Prepared> {
    return this.#track(false, (resolve, reject) => {
      this.#connection.prepare(sql, (error, statement) => {
        if (error) return reject(error)
        const discard = (): void => {
          if (!this.lost) this.#connection.unprepare(sql)
        }
        resolve({
          parameters: countOf(statement, 'parameters'),
          columns: countOf(statement, 'columns'),
          execute: (values, sink) => this.#collect(() => statement.execute(values), sink),
          forget: () => {
            if (sql.length > KEPT_CHARACTERS) discard()
          },
          discard,
        })
      })
    })
  }

  /** Runs a statement in the text protocol, for those that MySQL can't prepare. */
  text(sql: string, sink: RowSink): Promise<Ok | undefined> {
    return this.#collect(() => this.#connection.query(sql), sink)
  }

  /** Says that a statement ran which left nothing that the next one of its kind could see. */
  markUsed(): void {
    this.#used = true
  }

  /** Resets the session unless nothing ran in it since it was opened or reset. A loss here means nothing was executed. */
  async clean(): Promise<void> {
    if (!this.#used) return
    try {
      await this.reset()
    } catch (error) {
      throw error instanceof SessionLostError ? new SessionLostError(false, error.cause) : error
    }
  }

  /** Forgets everything that the session holds (transaction, locks, variables, temporary tables); the login stays. */
  async reset(): Promise<void> {
    await Promise.all([
      this.#track<void>(true, (resolve, reject) =>
        this.#connection.reset((error: unknown) => (error ? reject(error) : resolve())),
      ),
      this.command(this.#settings),
    ])
    this.#used = false
  }

  /** Stops the running statement: the server ends it soon after, with errno 1317. */
  async stop(): Promise<void> {
    const { database: _, ...login } = this.login
    const other = await Session.open(login)
    try {
      await other.command(`KILL QUERY ${this.id}`)
    } finally {
      other.destroy()
    }
  }

  /** Closes the socket at once; the server rolls back what is open. */
  destroy(): void {
    this.#connection.destroy()
    this.#lose(new Error('The session was closed'))
  }

  #lose(error: unknown): void {
    if (this.lost) return
    this.#lost = error
    for (const tell of this.#onLost) tell(error)
    this.#onLost.clear()
  }

  /** Settles with the command, or with the loss of the connection: the driver tells commands without callback nothing. */
  async #track<T>(
    executes: boolean,
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  ): Promise<T> {
    if (this.lost) throw new SessionLostError(false, this.#lost)
    this.#running += 1
    let tell: (error: unknown) => void = () => undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        tell = (error) => reject(new SessionLostError(executes, error))
        this.#onLost.add(tell)
        start(resolve, (error) => {
          if (isFatal(error)) this.#lose(error)
          else reject(error)
        })
      })
    } finally {
      this.#onLost.delete(tell)
      this.#running -= 1
      if (!this.busy) {
        for (const resume of this.#onIdle) resume()
        this.#onIdle.clear()
      }
    }
  }

  /** Follows a statement to its end. Only the first result set counts; in the text protocol the driver numbers none. */
  #collect(start: () => Query, sink: RowSink): Promise<Ok | undefined> {
    return this.#track(true, (resolve, reject) => {
      let failure: unknown
      let ok: Ok | undefined
      let sets = 0
      const guard = (step: () => void): void => {
        if (failure !== undefined) return
        try {
          step()
        } catch (error) {
          failure = error
        }
      }
      const query = start()
      query.on('error', (error: unknown) => {
        failure ??= error
        if (isFatal(error)) reject(error)
      })
      query.on('fields', (fields: FieldPacket | FieldPacket[] | undefined) => {
        if (!Array.isArray(fields)) return
        sets += 1
        if (sets === 1) guard(() => sink.columns(fields.map(readColumn)))
      })
      query.on('result', (result: unknown) => {
        if (Array.isArray(result)) {
          if (sets === 1) guard(() => sink.row(result))
        } else if (isOk(result)) {
          ok = { affectedRows: String(result.affectedRows), insertId: String(result.insertId) }
        }
      })
      query.on('end', () => (failure === undefined ? resolve(ok) : reject(failure)))
    })
  }
}

type OkPacket = { readonly affectedRows: string | number; readonly insertId: string | number }

const isOk = (value: unknown): value is OkPacket =>
  typeof value === 'object' && value !== null && 'affectedRows' in value && 'insertId' in value
