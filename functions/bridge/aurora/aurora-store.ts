import { type Kysely, sql } from 'kysely'
import { isResultTooLarge } from '../drivers/data-api/errors.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type Change, holdsAll, type Intent, settle, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { UnreadableAttributesError } from '../model/errors.ts'
import { legacyIdOf } from '../model/key.ts'
import { UnsettledError } from '../model/outcome.ts'
import type { OnceAnswer, OnceRequest } from '../ports/once.ts'
import {
  type EntityStore,
  InvalidPositionError,
  matches,
  NoSuchKeyError,
  type Page,
  type PageRequest,
  StaleVersionError,
  type Unreadable,
} from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import { IdempotentCreate } from './idempotent-create.ts'
import { readSelected, type SqlRow, selected } from './selection.ts'

/** Aurora as the API's store. Writes go through the same guarded writer as the stream's changes. */
export class AuroraStore implements EntityStore {
  readonly #db: Kysely<unknown>
  readonly #writer: GuardedWriter
  readonly #once: IdempotentCreate

  constructor(db: Kysely<unknown>, writer: GuardedWriter) {
    // It only reads by itself.
    this.#db = idempotently(db)
    this.#writer = writer
    this.#once = new IdempotentCreate(db, writer, (entity, key) => this.get(entity, key))
  }

  /** Finds a row by its key or by its id: both stay usable. */
  async get(entity: Entity, key: string): Promise<Stored | undefined> {
    const { rows } = await sql<SqlRow>`
      SELECT ${selection(entity)} FROM ${sql.table(entity.table)} AS t
      WHERE ${isAt(entity, key)}`.execute(this.#db)
    const [row] = rows
    return row && toStored(entity, row)
  }

  /** What is known of a key without its values, which may be none that can be told. */
  async head(
    entity: Entity,
    key: string,
  ): Promise<{ readonly key: string; readonly version: Version } | undefined> {
    const { rows } = await sql<SqlRow>`
      SELECT t.${sql.ref(entity.idColumn)} AS id, t.backsync_key AS backsync_key, t.backsync_version AS backsync_version
      FROM ${sql.table(entity.table)} AS t WHERE ${isAt(entity, key)}`.execute(this.#db)
    const [row] = rows
    return row && { key: keyOf(row), version: toVersion(row.backsync_version) }
  }

  /**
   * A page of rows that are larger than a result may be has fewer of them than asked for. A row that can't be told is
   * named beside the others.
   */
  async list(entity: Entity, { limit: wanted, position }: PageRequest): Promise<Page> {
    const after = position === undefined ? 0n : legacyIdOf(position)
    if (after === undefined) throw new InvalidPositionError()
    const { rows, limit } = await this.#rowsAfter(entity, after, wanted)
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    const next = rows.length > limit && last !== undefined ? String(last.id) : undefined
    return { ...readPage(entity, page), next }
  }

  /** @returns up to one row more than the limit, which is the wanted one, or halved until the result fits */
  async #rowsAfter(
    entity: Entity,
    after: bigint,
    wanted: number,
  ): Promise<{ readonly rows: readonly SqlRow[]; readonly limit: number }> {
    const id = sql`t.${sql.ref(entity.idColumn)}`
    for (let limit = wanted; ; limit = Math.floor(limit / 2)) {
      const query = sql<SqlRow>`
        SELECT ${selection(entity)} FROM ${sql.table(entity.table)} AS t
        WHERE ${id} > ${after} ORDER BY ${id} LIMIT ${sql.raw(String(limit + 1))}`
      try {
        const { rows } = await query.execute(this.#db)
        return { rows, limit }
      } catch (error) {
        if (limit === 1 || !isResultTooLarge(error)) throw error
      }
    }
  }

  async write(entity: Entity, wish: Change | Intent): Promise<Stored | undefined> {
    if (wish.version !== 'next') {
      await this.#writer.apply(entity, [wish])
      return this.get(entity, wish.key)
    }
    return this.#rewrite(entity, wish)
  }

  createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    return this.#once.create(entity, change, once)
  }

  /** Reads the version, writes one above it. Who loses the race starts again, or gets 412 if it named a version. */
  async #rewrite(entity: Entity, intent: Intent): Promise<Stored | undefined> {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const current = await this.head(entity, intent.key)
      if (current === undefined) throw new NoSuchKeyError(entity)
      if (!matches(intent.ifMatch, current.version)) throw new StaleVersionError(entity)
      const change = settle({ ...intent, key: current.key }, current.version)
      const { applied, repeated } = await this.#writer.apply(entity, [change])
      if (change.op === 'delete') {
        if (applied > 0 || (repeated && (await this.head(entity, current.key)) === undefined))
          return undefined
        continue
      }
      const after = await this.get(entity, current.key)
      if (applied > 0 || (repeated && isOwn(change, after))) return after
    }
    throw new UnsettledError(`A write of ${entity.name} lost every race`)
  }
}

/** Whether the state is what this change made, although the writer saw nothing to do: its first answer was lost. */
const isOwn = (change: Change, stored: Stored | undefined): boolean => {
  if (change.op === 'delete' || stored === undefined) return change.op === 'delete' && stored === undefined
  return (
    stored.version === change.version && stored.updatedAt === change.at && holdsAll(stored.row, change.row)
  )
}

/** The row has the key, or the id that it is; the one with a key of these digits comes before the one with such an id. */
const isAt = (entity: Entity, key: string) => {
  const id = legacyIdOf(key)
  if (id === undefined) return sql`t.backsync_key = ${key}`
  const column = sql.ref(entity.idColumn)
  const named = sql`(SELECT ${column} FROM ${sql.table(entity.table)} WHERE backsync_key = ${key})`
  return sql`t.${column} = COALESCE(${named}, ${id})`
}

const selection = (entity: Entity) =>
  sql.join([
    sql`t.${sql.ref(entity.idColumn)} AS id`,
    sql`t.backsync_key AS backsync_key`,
    sql`t.backsync_version AS backsync_version`,
    sql`t.backsync_updated_at AS backsync_updated_at`,
    ...selected(entity),
  ])

/** One row that can't be read must not hide the others of its page. */
const readPage = (entity: Entity, rows: readonly SqlRow[]): Pick<Page, 'items' | 'unreadable'> => {
  const items: Stored[] = []
  const unreadable: Unreadable[] = []
  for (const row of rows)
    try {
      items.push(toStored(entity, row))
    } catch (error) {
      if (!(error instanceof UnreadableAttributesError)) throw error
      unreadable.push({ key: keyOf(row), error })
    }
  return unreadable.length === 0 ? { items } : { items, unreadable }
}

const keyOf = ({ backsync_key: key, id }: SqlRow): string => (typeof key === 'string' ? key : String(id))

const toStored = (entity: Entity, row: SqlRow): Stored => {
  const { backsync_version: version, backsync_updated_at: updatedAt } = row
  return {
    key: keyOf(row),
    row: readSelected(entity, row),
    version: toVersion(version),
    updatedAt: typeof updatedAt === 'string' ? toIso(updatedAt) : null,
  }
}

const toVersion = (value: unknown): Version => BigInt(typeof value === 'bigint' ? value : String(value))

/** `YYYY-MM-DD HH:MM:SS[.f]` in UTC; how many digits the fraction has is the service's choice. */
const toIso = (text: string): string => {
  const [whole = '', fraction = ''] = text.split('.')
  return `${whole.replace(' ', 'T')}.${fraction.padEnd(3, '0').slice(0, 3)}Z`
}
