import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Authority } from '../model/owner.ts'
import { RECORDS, recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { areReadApart } from './record-reads.ts'
import { behind, keyOfSelected, rowPosition, selectedKey } from './row-key.ts'
import type { SqlRow } from './selection.ts'

/** What is known of a row without its columns. */
export type RowHeadOnly = { readonly key: string; readonly version: Version } & Authority

/** A row that is DynamoDB's and was never moved, without its columns. */
export type OwnedRow = Pick<RowHeadOnly, 'key' | 'version'>

type RowPage<T> = {
  readonly rows: readonly T[]
  /** Rows that were looked at, whosever they are. */
  readonly looked: number
  /** Behind which the next page begins; undefined at the end. */
  readonly next: string | undefined
}

export type RowHeads = RowPage<RowHeadOnly> & {
  /** Places of rows whose key has no form. */
  readonly nameless: readonly string[]
}

/** Which of an entity's rows are read, in the order of the primary key. */
export type RowRange = {
  /** Of the page before; undefined: from the beginning. */
  readonly position?: string | undefined
  /** The last id, of rows that are counted; undefined: to the end. */
  readonly upTo?: bigint | undefined
  /** Rows that are looked at. */
  readonly limit: number
}

/**
 * Reads what is known of the next rows of an entity without their columns, in the order of the primary key. A row beside which no
 * record is yet has the authority of one that nobody has moved.
 *
 * @throws DataApiError, InvalidPositionError
 */
export const readRowHeads = async (
  db: Kysely<unknown>,
  entity: Entity,
  { position, upTo, limit }: RowRange,
): Promise<RowHeads> => {
  const repeatable = idempotently(db)
  const { version, owner, epoch } = recordNames(entity)
  const { rows } = await sql<SqlRow>`
    SELECT ${sql.join(selectedKey(entity))}, CAST(${sql.raw(version)} AS CHAR) AS version, ${sql.raw(owner)} AS owner,
      CAST(${sql.raw(epoch)} AS CHAR) AS epoch
    FROM ${source(entity)} ${behind(entity, position, limit, upTo)}`.execute(repeatable)
  const last = rows.at(-1)
  const read = rows.map((row) => ({ row, key: keyOrNone(entity, row) }))
  const named = read.flatMap(({ key, row: { version: at, owner: of, epoch: move } }) =>
    key === undefined ? [] : [{ key, version: at, owner: of, epoch: move }],
  )
  const beside = areReadApart(entity) ? await recordsOf(repeatable, entity, named) : undefined
  return {
    rows: named.map((head) => toHead(beside?.get(head.key) ?? head)),
    nameless: read.flatMap(({ key, row }) => (key === undefined ? [rowPosition(entity, row)] : [])),
    looked: rows.length,
    next: last === undefined || rows.length < limit ? undefined : rowPosition(entity, last),
  }
}

const toHead = ({ key, version, owner, epoch }: Head): RowHeadOnly => ({
  key,
  version: BigInt(String(version)),
  owner: owner === 'dynamo' ? 'dynamo' : 'aurora',
  epoch: BigInt(String(epoch ?? 0)),
})

/**
 * Reads which of the next rows of an entity are DynamoDB's and were never moved, in the order of the primary key.
 *
 * @param position of the page before; undefined: from the beginning
 * @param limit rows that are looked at
 * @throws DataApiError, InvalidPositionError
 */
export const readOwnedRows = async (
  db: Kysely<unknown>,
  entity: Entity,
  position: string | undefined,
  limit: number,
): Promise<RowPage<OwnedRow>> => {
  const { rows, looked, next } = await readRowHeads(db, entity, { position, limit })
  const own = rows.filter(({ owner, epoch }) => owner === 'dynamo' && epoch === 0n)
  return { rows: own.map(({ key, version }) => ({ key, version })), looked, next }
}

/** The first and the last id of an entity's rows that are counted; undefined where there are none, or where they aren't. */
export const readIdRange = async (
  db: Kysely<unknown>,
  { keyParts, idColumn, table }: Entity,
): Promise<{ readonly first: bigint; readonly last: bigint } | undefined> => {
  if (keyParts.length > 0) return undefined
  const id = sql.ref(idColumn)
  const { rows } = await sql<{ readonly first: string | null; readonly last: string | null }>`
    SELECT CAST(MIN(${id}) AS CHAR) AS first, CAST(MAX(${id}) AS CHAR) AS last
    FROM ${sql.table(table)}`.execute(idempotently(db))
  const [{ first, last } = { first: null, last: null }] = rows
  return first === null || last === null ? undefined : { first: BigInt(first), last: BigInt(last) }
}

/** How many rows an entity's table has, and how many bytes they take, as the server guesses. */
export const guessSize = async (
  db: Kysely<unknown>,
  { table }: Entity,
): Promise<{ readonly rows: number; readonly bytes: number }> => {
  const { rows } = await sql<{ readonly n: string | null; readonly b: string | null }>`
    SELECT CAST(TABLE_ROWS AS CHAR) AS n, CAST(DATA_LENGTH AS CHAR) AS b FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ${table}`.execute(idempotently(db))
  return { rows: Number(rows[0]?.n ?? 0), bytes: Number(rows[0]?.b ?? 0) }
}

/** A row whose key can't be read came from no item. */
const keyOrNone = (entity: Entity, row: SqlRow): string | undefined => {
  try {
    return keyOfSelected(entity, row)
  } catch (error) {
    if (error instanceof BridgeError) return undefined
    throw error
  }
}

type Head = Readonly<Record<'version' | 'owner' | 'epoch', unknown>> & { readonly key: string }

/** What the records beside rows say that are read without them, by their keys. */
const recordsOf = async (
  db: Kysely<unknown>,
  { name }: Entity,
  heads: readonly Head[],
): Promise<ReadonlyMap<string, Head>> => {
  if (heads.length === 0) return new Map()
  const keys = JSON.stringify(heads.map(({ key }) => key))
  const { rows } = await sql<Omit<Head, 'key'> & { readonly k: string }>`
    SELECT s.entity_key AS k, CAST(s.version AS CHAR) AS version, s.owner AS owner, CAST(s.epoch AS CHAR) AS epoch
    FROM JSON_TABLE(${keys}, '$[*]' COLUMNS (
        k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j
      STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${name} AND s.entity_key = j.k`.execute(db)
  return new Map(rows.map(({ k: key, ...head }) => [key, { ...head, key }]))
}
