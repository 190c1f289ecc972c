import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { isResultTooLarge } from '../drivers/data-api/errors.ts'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { answerSize, LARGEST_ANSWER } from '../model/answer-size.ts'
import { asBirth, type Change, holdsAll, type Intent, settle, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { OwnReading } from '../model/hooks.ts'
import { type ApplyOutcome, UnsettledError } from '../model/outcome.ts'
import { type Authority, laterMove } from '../model/owner.ts'
import type { FirstAnswers, OnceAnswer, OnceRequest, Recalled } from '../ports/once.ts'
import {
  type EntityStore,
  KeyExistsError,
  type Listed,
  LostAnswerError,
  matches,
  NoSuchKeyError,
  NotTheOwnerError,
  type Page,
  type PageRequest,
  RowTooLargeError,
  StaleVersionError,
  type Unreadable,
  UnreadableRowError,
} from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { ownersKnown } from './authority.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import { IdempotentCreate } from './idempotent-create.ts'
import { answerOf } from './made-by.ts'
import { ownRows, type RowEntry } from './own-rows.ts'
import { hasOwnKey } from './part-sql.ts'
import { recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { areReadApart, selectGone, selectTraces, withRecords } from './record-reads.ts'
import {
  behind,
  keyOfSelected,
  nameOfSelected,
  rowPosition,
  selectedKey,
  whichAt,
  whichRow,
} from './row-key.ts'
import { readSelected, type SqlRow } from './selection.ts'
import { isDeleted, readRecord, toIso, toVersion } from './stored-record.ts'
import { type MeasuredRow, measure, readMeasured, selection } from './wide-rows.ts'

/** Bytes of wide rows after which a page is left short: each of them takes calls of its own. */
const PAGE_ROOM = 1_000_000
/** A row with more bytes than this is not read at all: no answer could hold it. */
const LARGEST_ROW = LARGEST_ANSWER

/** Aurora as the API's store. Writes go through the same guarded writer as the stream's changes. */
export class AuroraStore implements EntityStore, FirstAnswers {
  readonly side = 'aurora'
  readonly #db: Kysely<unknown>
  readonly #writer: GuardedWriter
  readonly #once: IdempotentCreate

  constructor(db: Kysely<unknown>, writer: GuardedWriter) {
    // It only reads by itself.
    this.#db = idempotently(db)
    this.#writer = writer
    this.#once = new IdempotentCreate(db, writer, {
      get: (entity, key) => this.get(entity, key),
      tombstone: (entity, key) => this.tombstone(entity, key),
      isTraced: async (entity, key) => {
        const { rows } = await selectTraces(entity, key).execute(this.#db)
        return rows.some(({ version }) => toVersion(version) > 0n)
      },
      above: (entity, change) => this.#aboveTombstone(entity, change),
    })
  }

  /** Finds a row by its key or by its id: both stay usable. @throws RowTooLargeError */
  async get(entity: Entity, key: string): Promise<Stored | undefined> {
    const which = whichRow(entity, key)
    if (entity.read !== undefined) return this.#getOwn(entity, key, entity.read)
    const query = sql<SqlRow>`
      SELECT ${selection(entity)} FROM ${source(entity, key)} WHERE ${which}`
    const rows = await unlessTooLarge(
      async () => (await query.execute(this.#db)).rows,
      () =>
        this.#wide(async (transaction) => {
          const measured = await measure(transaction, entity, sql`WHERE ${which}`)
          if (measured.some(isTooLarge)) throw new RowTooLargeError(entity)
          return withRecords(transaction, entity, await readMeasured(transaction, entity, measured))
        }),
    )
    const [row] = rows
    return row && !isDeleted(row) ? toStored(entity, row) : undefined
  }

  async #getOwn(entity: Entity, key: string, reading: OwnReading): Promise<Stored | undefined> {
    const { deadline } = this.#writer
    const which = sql`WHERE ${whichRow(entity, key)}`
    const [entry] = await this.#wide((db) =>
      ownRows(db, entity, reading, { what: 'get', which, key, deadline }),
    )
    if (entry?.read === undefined) return undefined
    if ('error' in entry.read) throw entry.read.error
    if (answerSize(entry.read.row) > LARGEST_ANSWER) throw new RowTooLargeError(entity)
    return entry.read
  }

  /** What is known of a key without its row, which may be large. */
  async head(entity: Entity, key: string): Promise<RowHead | undefined> {
    const { version, owner, epoch } = recordNames(entity)
    const { rows } = await sql<SqlRow>`
      SELECT ${sql.join(selectedKey(entity))}, ${sql.raw(version)} AS backsync_version,
        ${sql.raw(owner)} AS owner, CAST(${sql.raw(epoch)} AS CHAR) AS epoch, IF(${ownersKnown(entity)}, 1, 0) AS known
      FROM ${source(entity, key)} WHERE ${whichRow(entity, key)}`.execute(this.#db)
    const [row] = rows
    return (
      row && {
        key: keyOfSelected(entity, row),
        version: toVersion(row.backsync_version),
        ...authorityOf(row),
      }
    )
  }

  /** Where a deleted key stands; undefined when no delete of it is known. */
  async tombstone(entity: Entity, key: string): Promise<TombstoneHead | undefined> {
    const { rows } = await selectGone(entity, key).execute(this.#db)
    const [row] = rows.toSorted((a, b) => Number(toVersion(b.version) - toVersion(a.version)))
    return (
      row && {
        version: toVersion(row.version),
        at: typeof row.at === 'string' ? toIso(row.at) : null,
        ...authorityOf(row),
      }
    )
  }

  /** A page of large rows has fewer of them than asked for; one that can't be read is named, and the list goes on. */
  async list(entity: Entity, { limit, position }: PageRequest): Promise<Page> {
    const which = behind(entity, position, limit + 1)
    if (entity.read !== undefined) return this.#listOwn(entity, which, limit, entity.read)
    const query = sql<SqlRow>`SELECT ${selection(entity)} FROM ${source(entity)} ${which}`
    const found = await unlessTooLarge(
      async (): Promise<Found> => {
        const read = async (db: Kysely<unknown>) => withRecords(db, entity, (await query.execute(db)).rows)
        const rows = await (areReadApart(entity) ? this.#wide(read) : read(this.#db))
        const entries = rows.slice(0, limit).map((row): RowEntry => {
          const itsPosition = rowPosition(entity, row)
          return { position: itsPosition, read: readEntry(entity, nameOfSelected(entity, row), row) }
        })
        return { entries, more: rows.length > limit }
      },
      () => this.#wide((transaction) => readPage(transaction, entity, which, limit)),
    )
    return toPage(found)
  }

  /** One more than wanted is read as well: that it is there says whether the list goes on. */
  async #listOwn(
    entity: Entity,
    which: RawBuilder<unknown>,
    limit: number,
    reading: OwnReading,
  ): Promise<Page> {
    const { deadline } = this.#writer
    const all = await this.#wide((db) => ownRows(db, entity, reading, { what: 'list', which, deadline }))
    const entries = all.slice(0, limit).map((one) => sized(entity, one))
    return toPage({ entries, more: all.length > limit })
  }

  /** Reads in several statements, which share a snapshot. */
  #wide<T>(read: (transaction: Transaction<unknown>) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(read)
  }

  async write(entity: Entity, wish: Change | Intent): Promise<Stored | undefined> {
    if (wish.version !== 'next') {
      if (isNatural(entity)) return this.#createNatural(entity, wish)
      await this.#apply(entity, wish)
      return this.get(entity, wish.key)
    }
    return this.#rewrite(entity, wish)
  }

  /**
   * Applies a client's own write. Where its key was moved while it was without an answer, the write is looked for in what
   * was taken over: that still shows the last that was accepted here, unless somebody has written since.
   *
   * @throws LostAnswerError when it doesn't show it
   */
  async #apply(entity: Entity, change: Change): Promise<ApplyOutcome> {
    try {
      return await this.#writer.apply(entity, [change])
    } catch (error) {
      if (!(error instanceof NotTheOwnerError) || !error.mayHaveRun) throw error
      if (change.op === 'upsert' && isOwn(change, await this.get(entity, change.key)))
        return { applied: 0, skipped: 1, repeated: true }
      throw new LostAnswerError(entity, 'moved', { cause: error })
    }
  }

  async createOnce(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    return this.#once.create(entity, change, once)
  }

  async recall(entity: Entity, change: Change, once: OnceRequest): Promise<Recalled | undefined> {
    return this.#once.recall(entity, change, once)
  }

  /** A natural key may be somebody else's, or have been deleted: a new row is above all that was there. */
  async #createNatural(entity: Entity, wish: Change): Promise<Stored | undefined> {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const change = await this.#aboveTombstone(entity, asBirth(wish))
      const { applied, repeated } = await this.#apply(entity, change)
      const after = await this.get(entity, change.key)
      if (applied > 0 || (repeated && isOwn(change, after))) return answerOf(change, after)
      if (repeated) await this.#requireTold(entity, change, after)
      if (after !== undefined) throw new KeyExistsError(entity)
    }
    throw new UnsettledError(`A create of ${entity.name} lost every race`)
  }

  /**
   * Makes what a client's write found nothing of.
   *
   * @returns undefined when somebody else has made it in between
   * @throws NotTheOwnerError, NoSuchKeyError, or StaleVersionError where a precondition says that something has to be there
   */
  async #createFound(entity: Entity, intent: Intent): Promise<Stored | undefined> {
    if (intent.finding === undefined) throw new NoSuchKeyError(entity)
    if (intent.finding === 'something') throw new StaleVersionError(entity)
    const change = await this.#aboveTombstone(entity, asBirth(settle(intent, 0n)))
    const { applied, repeated } = await this.#apply(entity, change)
    const after = await this.get(entity, change.key)
    if (applied > 0 || (repeated && isOwn(change, after)))
      return { ...answerOf(change, after), created: true }
    if (repeated) await this.#requireTold(entity, change, after)
    return undefined
  }

  /**
   * That it is known what became of the first attempt at a write: what stands there is not above the version that it would have
   * made. What is above it others may have made of it.
   *
   * @param standing what is there by now
   * @throws LostAnswerError
   */
  async #requireTold(
    entity: Entity,
    change: Change,
    standing: Pick<Stored, 'version'> | undefined,
  ): Promise<void> {
    const last = standing ?? (await this.tombstone(entity, change.key))
    if (last !== undefined && last.version > change.version) throw new LostAnswerError(entity, 'written')
  }

  /** @throws NotTheOwnerError when the key, deleted, is DynamoDB's */
  async #aboveTombstone(entity: Entity, change: Change): Promise<Change> {
    const tombstone = await this.tombstone(entity, change.key)
    if (tombstone === undefined) return change
    requireOwn(entity, change.key, tombstone)
    const { version, epoch } = tombstone
    return {
      ...change,
      version: version < change.version ? change.version : version + 1n,
      epoch: laterMove(epoch, change.epoch ?? 0n),
    }
  }

  /** Reads the version, writes one above it. Who loses the race starts again, or gets 412 if it named a version. */
  async #rewrite(entity: Entity, intent: Intent): Promise<Stored | undefined> {
    let mayHaveRun = false
    for (let attempt = 1; attempt <= 5; attempt++) {
      const current = await this.head(entity, intent.key)
      if (current === undefined) {
        const made = await this.#createFound(entity, intent)
        if (made === undefined) continue
        return made
      }
      // An earlier attempt may have been accepted, and written over, before the key was moved.
      if (mayHaveRun && current.known && current.owner !== 'aurora')
        throw new LostAnswerError(entity, 'moved')
      requireOwn(entity, current.key, current)
      if (intent.finding === 'nothing') throw new StaleVersionError(entity)
      if (!matches(intent.ifMatch, current.version)) throw new StaleVersionError(entity)
      const change = settle({ ...intent, key: current.key }, current.version)
      const { applied, repeated } = await this.#apply(entity, change)
      mayHaveRun ||= repeated
      if (change.op === 'delete') {
        const head = applied > 0 || !repeated ? undefined : await this.head(entity, current.key)
        if (applied > 0 || (repeated && head === undefined)) return undefined
        if (repeated) await this.#requireTold(entity, change, head)
        continue
      }
      const after = await this.get(entity, current.key)
      if (applied > 0 || (repeated && isOwn(change, after))) return answerOf(change, after)
      if (repeated) await this.#requireTold(entity, change, after)
    }
    throw new UnsettledError(`A write of ${entity.name} lost every race`)
  }
}

/** What is known of a row without its columns. */
export type RowHead = { readonly key: string; readonly version: Version } & KnownAuthority

/** What is known of a deleted key. */
export type TombstoneHead = { readonly version: Version; readonly at: string | null } & KnownAuthority

/** Whose a record is; whether that is `known` of all records of its entity, so that it counts. */
type KnownAuthority = Authority & { readonly known: boolean }

const authorityOf = ({ owner, epoch, known }: SqlRow): KnownAuthority => ({
  owner: owner === 'dynamo' ? 'dynamo' : 'aurora',
  epoch: BigInt(String(epoch ?? 0)),
  known: Number(known) === 1,
})

/** @throws NotTheOwnerError */
const requireOwn = (entity: Entity, key: string, { owner, known }: KnownAuthority): void => {
  if (known && owner !== 'aurora') throw new NotTheOwnerError(entity, key, owner)
}

const isNatural = ({ identity }: Entity): boolean => identity.kind === 'natural'

/** Whether the state is what this change made, although the writer saw nothing to do: its first answer was lost. */
const isOwn = (change: Change, stored: Stored | undefined): boolean => {
  if (change.op === 'delete' || stored === undefined) return change.op === 'delete' && stored === undefined
  return (
    stored.version === change.version && stored.updatedAt === change.at && holdsAll(stored.row, change.row)
  )
}

type Found = { readonly entries: readonly RowEntry[]; readonly more: boolean }

/** Does it again in another way, where a result was larger than the service returns. */
const unlessTooLarge = async <T>(read: () => Promise<T>, inPieces: () => Promise<T>): Promise<T> => {
  try {
    return await read()
  } catch (error) {
    if (isResultTooLarge(error)) return inPieces()
    throw error
  }
}

const isTooLarge = ({ bytes }: MeasuredRow): boolean => bytes > LARGEST_ROW

/** As many of the rows as fit into a page, and at least one. */
const readPage = async (
  transaction: Transaction<unknown>,
  entity: Entity,
  which: RawBuilder<unknown>,
  limit: number,
): Promise<Found> => {
  const measured = hasOwnKey(entity)
    ? await measureInOrder(transaction, entity, which)
    : await measure(transaction, entity, which)
  let bytes = 0
  const fitting = measured.slice(0, limit).filter((row, at) => {
    if (!isTooLarge(row)) bytes += row.bytes
    return at === 0 || bytes <= PAGE_ROOM
  })
  const whole = fitting.filter((row) => !isTooLarge(row))
  const rows = await withRecords(transaction, entity, await readMeasured(transaction, entity, whole))
  const byPosition = new Map(rows.map((row) => [rowPosition(entity, row), row]))
  return {
    entries: fitting.map(({ position, key }) => ({
      position,
      read: readEntry(entity, key, byPosition.get(position)),
    })),
    more: measured.length > fitting.length,
  }
}

/** The order of a primary key is its collation's, which only the server knows. */
const measureInOrder = async (
  transaction: Transaction<unknown>,
  entity: Entity,
  which: RawBuilder<unknown>,
): Promise<MeasuredRow[]> => {
  const { rows } = await sql<SqlRow>`
    SELECT ${sql.join(selectedKey(entity))} FROM ${sql.table(entity.table)} AS t ${which}`.execute(
    transaction,
  )
  const measured: MeasuredRow[] = []
  for (const row of rows) {
    const one = sql`WHERE ${whichAt(entity, rowPosition(entity, row))}`
    measured.push(...(await measure(transaction, entity, one)))
  }
  return measured
}

const toPage = ({ entries, more }: Found): Page => {
  const items: Listed[] = []
  const unreadable: Unreadable[] = []
  let bytes = 0
  let last: string | undefined
  const upTo = (next: string | undefined): Page => ({
    items,
    ...(unreadable.length > 0 && { unreadable }),
    next,
  })
  for (const { position, read } of entries) {
    const size = read === undefined || 'error' in read ? 0 : answerSize(read.row)
    if (bytes + size > LARGEST_ANSWER && items.length > 0) return upTo(last)
    if (read !== undefined && 'error' in read) unreadable.push(read)
    else if (read !== undefined) items.push(read)
    bytes += size
    last = position
  }
  return upTo(more ? last : undefined)
}

/** A row that can't be read, for whatever its columns hold, must not hide those behind it. */
const readEntry = (entity: Entity, key: string, row: SqlRow | undefined): RowEntry['read'] => {
  if (row === undefined) return { key, error: new RowTooLargeError(entity) }
  if (isDeleted(row)) return undefined
  try {
    const stored = toStored(entity, row)
    return answerSize(stored.row) > LARGEST_ANSWER ? { key, error: new RowTooLargeError(entity) } : stored
  } catch (cause) {
    return { key, error: cause instanceof BridgeError ? cause : new UnreadableRowError(entity, { cause }) }
  }
}

/** As it was read, unless no answer could hold it. */
const sized = (entity: Entity, { position, read }: RowEntry): RowEntry =>
  read === undefined || 'error' in read || answerSize(read.row) <= LARGEST_ANSWER
    ? { position, read }
    : { position, read: { key: read.key, error: new RowTooLargeError(entity) } }

const toStored = (entity: Entity, row: SqlRow): Stored => {
  // First: what its key is made of is named there when it can't be read.
  const values = readSelected(entity, row)
  return {
    key: keyOfSelected(entity, row),
    row: values,
    ...readRecord(row),
  }
}
