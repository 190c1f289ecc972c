import type { ExecuteValues, FieldPacket, PrepareStatementInfo, Query } from 'mysql2'
import { connect, hangUp, type ServerAddress, type Wire } from './connect.ts'
import { DirectError, errnoOf, isFatal, toDirectError } from './errors.ts'
import { type RawRow, RowBuffer, RowList, type RowSink } from './row-buffer.ts'
import { checkSettings, READ_SETTINGS, SET_SETTINGS } from './settings.ts'
import { toBinding } from './values.ts'
import { Watch } from './watch.ts'

/** What a statement's OK packet says; absent members where it was a query. */
export type Result = {
  readonly rows: RawRow[]
  /** rows that a write matched, changed or not */
  readonly affected?: bigint
  /** the first key that an INSERT generated */
  readonly insertId?: bigint
}

/** How long a statement may take in milliseconds, asked for when it starts. */
export type Limit = () => number

/** A statement that was told to stop has so many milliseconds to do so before its connection is closed. */
const GRACE = 2_000
const QUIT_LIMIT = 1_000
/** A statement of more characters is seldom sent twice (its values stand in it), so it is not kept prepared. */
const KEPT_CHARACTERS = 8_192
const CANT_PREPARE = 1295
/** A table or view was changed since: the prepared statement is of no more use, and has not run. */
const NEED_REPREPARE = 1615
/** How often a statement is executed whose table or view changes under it each time; the server tries thrice each time. */
const EXECUTIONS = 5
const INTERRUPTED = 1317
const NO_SUCH_THREAD = 1094

/** Statements that leave nothing behind in their session, as far as their text tells. */
const PLAIN = /^\s*(select|with|insert|replace|update|delete|explain)\b/i
/** Variables, and the functions that change what a session keeps. */
const SESSION_STATE = /@|\b(get_lock|sql_calc_found_rows)\b/i

/** One connection to MySQL with Aurora's session settings, verified. It runs one statement at a time. */
export class Session {
  readonly #wire: Wire
  readonly #target: ServerAddress
  #lost: { readonly cause: unknown } | undefined
  readonly #onLost = new Set<() => void>()
  #running = false
  #stopping: Promise<void> | undefined
  #dirty = false
  #inTransaction = false

  private constructor(target: ServerAddress, wire: Wire) {
    this.#target = target
    this.#wire = wire
    wire.connection.on('error', (cause: unknown) => this.#lose(cause))
    wire.connection.on('end', () => this.#lose(new Error('The server closed the connection')))
  }

  /**
   * Logs in, sets the session up and reads the settings back.
   *
   * @throws DirectError; the connection is closed then
   */
  static async open(target: ServerAddress): Promise<Session> {
    const session = new Session(target, await connect(target))
    try {
      await session.#setUp()
      return session
    } catch (error) {
      session.destroy()
      throw error
    }
  }

  get lost(): boolean {
    return this.#lost !== undefined
  }

  get running(): boolean {
    return this.#running
  }

  /** Runs a statement and keeps all its rows. @throws DirectError, UnsupportedValueError */
  async execute(sql: string, parameters: readonly unknown[], limit: Limit): Promise<Result> {
    const values = parameters.map(toBinding)
    const list = new RowList()
    const ok = await this.#bounded('Statement', limit, () => this.#start(sql, values, list))
    if (list.rows) return { rows: list.rows }
    if (!ok) return { rows: [] }
    const generated = /^\s*(insert|replace)\b/i.test(sql) && String(ok.insertId) !== '0'
    return {
      rows: [],
      affected: BigInt(ok.affectedRows),
      ...(generated ? { insertId: BigInt(ok.insertId) } : {}),
    }
  }

  /**
   * Runs a query and hands its rows out in chunks as the reader takes them. Its limit holds for each wait for a chunk,
   * not for the whole, and not while the reader works. A reader that leaves early stops the query; the session and
   * its transaction live on.
   */
  async *stream(
    sql: string,
    parameters: readonly unknown[],
    chunk: number,
    limit: Limit,
  ): AsyncGenerator<readonly RawRow[], void> {
    const values = parameters.map(toBinding)
    let watch: Watch | undefined
    const buffer = new RowBuffer(chunk, {
      pause: () => this.#wire.connection.pause(),
      resume: () => this.#wire.connection.resume(),
      waits: () => watch?.start(),
      served: () => watch?.stop(),
    })
    const running = this.#bounded('Stream', limit, (started) => {
      watch = started
      return this.#start(sql, values, buffer)
    }).then(
      () => buffer.end(),
      (error: unknown) => buffer.fail(error),
    )
    let open = true
    try {
      for (;;) {
        const rows = await buffer.next()
        if (!rows) break
        yield rows
      }
      open = false
    } finally {
      buffer.discard()
      if (open) {
        watch?.start()
        await this.stop()
      }
      await running
    }
  }

  /** Runs a statement of the driver's own in the text protocol, for those that MySQL can't prepare. */
  async command(sql: string, limit: Limit): Promise<void> {
    await this.#bounded('Command', limit, () => this.#text(sql, new RowList()))
  }

  /** @param settings of the next transaction, as SQL: `isolation level serializable` */
  async begin(settings: readonly string[], limit: Limit): Promise<void> {
    // From here on, whatever fails, the session must be reset before somebody else gets it.
    this.#inTransaction = true
    if (settings.length > 0) await this.command(`SET TRANSACTION ${settings.join(', ')}`, limit)
    await this.command('BEGIN', limit)
  }

  async commit(limit: Limit): Promise<void> {
    await this.command('COMMIT', limit)
    this.#inTransaction = false
  }

  /** Has a bound of its own: it is due even when there is no time left for statements. */
  async rollback(): Promise<void> {
    await this.command('ROLLBACK', this.#setUpLimit)
    this.#inTransaction = false
  }

  /**
   * Makes the session as it was when it was opened, where a transaction, a lock, a variable or the like was left in it.
   *
   * @throws DirectError; it must not be used any more then
   */
  async clean(): Promise<void> {
    if (!this.#dirty && !this.#inTransaction) return
    await this.#bounded('Reset', this.#setUpLimit, () =>
      this.#settled<void>((resolve, reject) =>
        this.#wire.connection.reset((error: unknown) => (error ? reject(error) : resolve())),
      ),
    )
    await this.command(`USE ${quoted(this.#target.database)}`, this.#setUpLimit)
    await this.#setUp()
    this.#dirty = false
    this.#inTransaction = false
  }

  /** Tells the server to stop the running statement, which then fails with errno 1317 or has just ended. */
  async stop(): Promise<void> {
    if (!this.#running || this.lost) return
    this.#stopping ??= this.#kill('KILL QUERY')
    await this.#stopping
  }

  /** Ends the session on the server too, with its statement and its locks. */
  async kill(): Promise<void> {
    if (!this.lost) await this.#kill('KILL CONNECTION')
    this.destroy()
  }

  /** Says goodbye, bounded, then closes. */
  async quit(): Promise<void> {
    if (this.lost) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, QUIT_LIMIT)
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      // The server answers a goodbye by closing; the driver's callback comes before it was even sent.
      this.#wire.socket.once('close', done)
      this.#wire.connection.end()
    })
    this.destroy()
  }

  /** Closes the socket at once; the server rolls back what is open. */
  destroy(): void {
    hangUp(this.#wire)
    this.#lose(new Error('The session was closed'))
  }

  readonly #setUpLimit: Limit = () => this.#target.connectTimeout

  async #setUp(): Promise<void> {
    for (const sql of SET_SETTINGS) await this.command(sql, this.#setUpLimit)
    const rows: (readonly unknown[])[] = []
    const sink = { fields: () => {}, row: (row: readonly unknown[]) => rows.push(row) }
    await this.#bounded('Settings', this.#setUpLimit, () => this.#text(READ_SETTINGS, sink))
    checkSettings(rows)
  }

  /** Kills by a connection of its own. Where that fails, closing this one ends the statement as well, if later. */
  async #kill(how: 'KILL QUERY' | 'KILL CONNECTION'): Promise<void> {
    try {
      const control = await connect({ ...this.#target, connectTimeout: GRACE })
      try {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error('no answer to KILL')), GRACE)
          control.connection.query(`${how} ${this.#wire.connection.threadId}`, (error: unknown) => {
            clearTimeout(timer)
            // There is no such thread any more, which was the aim.
            if (error && errnoOf(error) !== NO_SUCH_THREAD) reject(error)
            else resolve()
          })
        })
      } finally {
        hangUp(control)
      }
    } catch (cause) {
      this.#lose(cause)
      this.destroy()
    }
  }

  /** Runs one statement within its limit, and leaves nothing of a stop behind for the next one. */
  async #bounded<T>(what: string, limit: Limit, work: (watch: Watch) => Promise<T>): Promise<T> {
    let last: NodeJS.Timeout | undefined
    const watch = new Watch(limit, () => {
      last = setTimeout(() => this.destroy(), 2 * GRACE)
      // It never rejects: where it can't reach the server it closes the connection.
      void this.stop()
    })
    this.#running = true
    try {
      return await work(watch)
    } catch (cause) {
      if (watch.expired)
        throw new DirectError(`${what} took longer than its limit`, { fault: 'statement-timeout', cause })
      throw toDirectError(what, cause)
    } finally {
      watch.end()
      clearTimeout(last)
      await this.#calm()
      this.#running = false
    }
  }

  /** A stop that came too late for its statement would hit the next one: an empty one takes it. */
  async #calm(): Promise<void> {
    if (!this.#stopping) return
    await this.#stopping
    this.#stopping = undefined
    if (this.lost) return
    const timer = setTimeout(() => this.destroy(), GRACE)
    try {
      await this.#text('DO 0', new RowList())
    } catch (error) {
      // Interrupted, as it was there for; any other failure means that the session is of no more use.
      if (errnoOf(error) !== INTERRUPTED) this.destroy()
    } finally {
      clearTimeout(timer)
    }
  }

  async #start(sql: string, values: readonly ExecuteValues[], sink: RowSink): Promise<Ok | undefined> {
    if (!PLAIN.test(sql) || SESSION_STATE.test(sql)) this.#dirty = true
    // The first statements of a CALL may have run when a later one turns out to be of no use.
    const executions = PLAIN.test(sql) ? EXECUTIONS : 1
    for (let execution = 1; ; execution += 1) {
      try {
        return await this.#startOnce(sql, values, sink)
      } catch (error) {
        if (errnoOf(error) !== NEED_REPREPARE) throw error
        if (!this.lost) this.#wire.connection.unprepare(sql)
        if (execution >= executions) throw error
      }
    }
  }

  async #startOnce(sql: string, values: readonly ExecuteValues[], sink: RowSink): Promise<Ok | undefined> {
    const { connection } = this.#wire
    let statement: PrepareStatementInfo
    try {
      statement = await this.#settled<PrepareStatementInfo>((resolve, reject) =>
        connection.prepare(sql, (error: unknown, prepared) => (error ? reject(error) : resolve(prepared))),
      )
    } catch (error) {
      // Nothing has run. Without parameters the text protocol takes the same statement: CREATE TRIGGER and the like.
      if (values.length > 0 || errnoOf(error) !== CANT_PREPARE) throw error
      return await this.#text(sql, sink)
    }
    try {
      return await this.#collect(() => statement.execute([...values]), sink)
    } finally {
      if (sql.length > KEPT_CHARACTERS && !this.lost) connection.unprepare(sql)
    }
  }

  #text(sql: string, sink: RowSink): Promise<Ok | undefined> {
    return this.#collect(() => this.#wire.connection.query(sql), sink)
  }

  /** Follows a statement to its end. The rows of a second result set (of a CALL) are dropped, as the Data API does. */
  #collect(start: () => Query, sink: RowSink): Promise<Ok | undefined> {
    return this.#settled((resolve, reject) => {
      let failure: { readonly error: unknown } | undefined
      let ok: Ok | undefined
      let sets = 0
      const guarded = (step: () => void): void => {
        if (failure) return
        try {
          step()
        } catch (error) {
          failure = { error }
        }
      }
      const query = start()
      query.on('error', (error: unknown) => {
        failure ??= { error }
        if (isFatal(error)) reject(error)
      })
      query.on('fields', (fields: FieldPacket | FieldPacket[] | undefined) => {
        if (!Array.isArray(fields)) return
        sets += 1
        if (sets === 1) guarded(() => sink.fields(fields))
      })
      query.on('result', (result: unknown) => {
        if (isOk(result)) ok = result
        else if (Array.isArray(result) && sets === 1) guarded(() => sink.row(result))
      })
      query.on('end', () => (failure ? reject(failure.error) : resolve(ok)))
    })
  }

  /** Settles with the command, or with the loss of the connection: of that the driver tells not every command. */
  async #settled<T>(
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  ): Promise<T> {
    if (this.#lost) throw this.#lossOf(this.#lost.cause)
    let lost = (): void => undefined
    try {
      return await new Promise<T>((resolve, reject) => {
        lost = () => reject(this.#lossOf(this.#lost?.cause))
        this.#onLost.add(lost)
        start(resolve, (error) => {
          if (isFatal(error)) this.#lose(error)
          reject(isFatal(error) ? this.#lossOf(error) : error)
        })
      })
    } finally {
      this.#onLost.delete(lost)
    }
  }

  #lossOf(cause: unknown): DirectError {
    return new DirectError('The connection to the database was lost', { fault: 'connection-lost', cause })
  }

  #lose(cause: unknown): void {
    if (this.#lost) return
    this.#lost = { cause }
    for (const tell of this.#onLost) tell()
    this.#onLost.clear()
  }
}

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

type Ok = { readonly affectedRows: string | number; readonly insertId: string | number }

const isOk = (value: unknown): value is Ok =>
  typeof value === 'object' && value !== null && 'affectedRows' in value && 'insertId' in value
