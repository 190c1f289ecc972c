import { setTimeout as wait } from 'node:timers/promises'
import type { Connection, ResultSetHeader } from 'mysql2/promise'
import type { Random } from '../random.ts'
import type { MovedGround } from './ground.ts'
import type { Asked } from './history.ts'
import type { Keys } from './keys.ts'
import type { MovedEntity } from './moved.ts'
import type { Recorder } from './recorder.ts'

const TABLES = { chef: 'cheftable', plate: 'plates' } as const
const COLUMNS = { chef: 'cheflast', plate: 'title' } as const
const WEIGHTS = { update: 10, insert: 3, delete: 1 } as const
/** A SIGNAL of a trigger's own. */
const SIGNALLED = 1644
/** How long a transaction stays open that spans moves, in milliseconds. */
const OPEN_MS = { least: 500, most: 4_000 } as const

type Known = { readonly entity: MovedEntity; readonly key: string }

/** Legacy programs: plain SQL, past everything that is the bridge's. */
export class Legacy {
  readonly counts = new Map<string, number>()
  readonly #ground: MovedGround
  readonly #keys: Keys
  readonly #recorder: Recorder
  readonly #random: Random

  constructor(parts: { ground: MovedGround; keys: Keys; recorder: Recorder; random: Random }) {
    this.#ground = parts.ground
    this.#keys = parts.keys
    this.#recorder = parts.recorder
    this.#random = parts.random
  }

  /**
   * One program, until the signal aborts.
   *
   * @param pause between two writes, in milliseconds
   * @param isLong its transactions stay open for long
   */
  async run(signal: AbortSignal, pause: number, isLong: boolean): Promise<void> {
    const sql = await this.#ground.sql()
    try {
      while (!signal.aborted) {
        await wait(pause * (0.5 + this.#random.next()))
        await this.#step(sql, isLong)
      }
    } finally {
      sql.destroy()
    }
  }

  async #step(sql: Connection, isLong: boolean): Promise<void> {
    const entity = this.#random.chance(0.5) ? 'chef' : 'plate'
    const kind = isLong ? 'update' : this.#random.weighted(WEIGHTS)
    const one = this.#keys.pick(entity)
    const value = this.#keys.value('SQL')
    if (kind === 'insert') return this.#insert(sql, entity, one?.key, value)
    if (one === undefined) return
    one.count += 1
    const asked: Asked = kind === 'delete' ? { do: 'delete' } : { do: 'replace', value }
    await this.#write(one, asked, isLong ? 'open transaction' : 'SQL', async () => {
      if (isLong) await sql.beginTransaction()
      const affected = await (kind === 'delete' ? remove(sql, one) : update(sql, one, value))
      if (isLong) {
        if (affected > 0) await wait(this.#random.int(OPEN_MS.least, OPEN_MS.most))
        await sql.commit()
      }
      return affected > 0
    })
    if (isLong) await sql.rollback().catch(() => {})
  }

  async #insert(sql: Connection, entity: MovedEntity, key: string | undefined, value: string): Promise<void> {
    if (entity === 'plate') {
      if (key === undefined) return
      await this.#write({ entity, key }, { do: 'create', value }, 'SQL', async () => {
        await sql.execute('INSERT INTO plates (code, title) VALUES (?, ?)', [key, value])
        return true
      })
      return
    }
    const from = performance.now()
    try {
      const [{ insertId }] = await sql.execute<ResultSetHeader>(
        "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('SQL', ?)",
        [value],
      )
      this.#count('insert')
      const asked: Asked = { do: 'create', value }
      const answer = { is: 'done' } as const
      this.#recorder.add({
        key: `chef ${insertId}`,
        asked,
        from,
        until: performance.now(),
        answer,
        by: 'SQL',
      })
      this.#keys.knows('chef', String(insertId))
    } catch (error) {
      // Of a broken connection nobody knows whether there is a row; nor under which key.
      if (!this.#isRefused(error)) throw error
    }
  }

  /** @param work tells whether something was written; what is refused, or meets nothing, says nothing of the key */
  async #write(
    { entity, key }: Known,
    asked: Asked,
    by: string,
    work: () => Promise<boolean>,
  ): Promise<void> {
    const from = performance.now()
    const operation = { key: `${entity} ${key}`, asked, from, by }
    try {
      const isDone = await work()
      this.#count(isDone ? `${by} ${asked.do}` : `${by} ${asked.do} of nothing`)
      if (isDone) this.#recorder.add({ ...operation, until: performance.now(), answer: { is: 'done' } })
    } catch (error) {
      // What the server says of a statement it has undone; a broken connection says nothing.
      if (!this.#isRefused(error)) this.#recorder.add(operation)
    }
  }

  /** Counts what a statement was refused for. @returns whether the server said so */
  #isRefused(error: unknown): boolean {
    const errno = Number(Reflect.get(Object(error), 'errno') ?? 0)
    this.#count(errno === SIGNALLED ? 'refused by a trigger' : `refused: ${errno}`)
    return errno >= 1000 && errno < 2000
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

const where = ({ entity, key }: Known): string => {
  if (entity === 'plate') return 'code = ?'
  return /^\d+$/.test(key) ? 'id = ? AND backsync_key IS NULL' : 'backsync_key = ?'
}

const update = async (sql: Connection, one: Known, value: string): Promise<number> => {
  const [{ affectedRows }] = await sql.execute<ResultSetHeader>(
    `UPDATE ${TABLES[one.entity]} SET ${COLUMNS[one.entity]} = ? WHERE ${where(one)}`,
    [value, one.key],
  )
  return affectedRows
}

const remove = async (sql: Connection, one: Known): Promise<number> => {
  const [{ affectedRows }] = await sql.execute<ResultSetHeader>(
    `DELETE FROM ${TABLES[one.entity]} WHERE ${where(one)}`,
    [one.key],
  )
  return affectedRows
}
