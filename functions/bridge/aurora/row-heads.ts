import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import { RECORDS, recordNames } from './record-names.ts'
import { source } from './record-place.ts'
import { areReadApart } from './record-reads.ts'
import { behind, keyOfSelected, rowPosition, selectedKey } from './row-key.ts'
import type { SqlRow } from './selection.ts'

/** A row that is DynamoDB's and was never moved, without its columns. */
export type OwnedRow = { readonly key: string; readonly version: Version }

export type OwnedRows = {
  readonly rows: readonly OwnedRow[]
  /** Rows that were looked at, whosever they are. */
  readonly looked: number
  /** Behind which the next page begins; undefined at the end. */
  readonly next: string | undefined
}

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
): Promise<OwnedRows> => {
  const repeatable = idempotently(db)
  const { version, owner, epoch } = recordNames(entity)
  const { rows } = await sql<SqlRow>`
    SELECT ${sql.join(selectedKey(entity))}, CAST(${sql.raw(version)} AS CHAR) AS version, ${sql.raw(owner)} AS owner,
      CAST(${sql.raw(epoch)} AS CHAR) AS epoch
    FROM ${source(entity)} ${behind(entity, position, limit)}`.execute(repeatable)
  const last = rows.at(-1)
  const named = rows.flatMap((row) => {
    const key = keyOrNone(entity, row)
    return key === undefined ? [] : [{ key, version: row.version, owner: row.owner, epoch: row.epoch }]
  })
  const known = areReadApart(entity) ? await recordsOf(repeatable, entity, named) : named
  return {
    rows: known
      .filter(({ owner, epoch }) => owner === 'dynamo' && String(epoch) === '0')
      .map(({ key, version }) => ({ key, version: BigInt(String(version)) })),
    looked: rows.length,
    next: last === undefined || rows.length < limit ? undefined : rowPosition(entity, last),
  }
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

/** What the records beside rows say that are read without them. */
const recordsOf = async (
  db: Kysely<unknown>,
  { name }: Entity,
  heads: readonly Head[],
): Promise<readonly Head[]> => {
  const keys = JSON.stringify(heads.map(({ key }) => key))
  const { rows } = await sql<Omit<Head, 'key'> & { readonly k: string }>`
    SELECT s.entity_key AS k, CAST(s.version AS CHAR) AS version, s.owner AS owner, CAST(s.epoch AS CHAR) AS epoch
    FROM JSON_TABLE(${keys}, '$[*]' COLUMNS (
        k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j
      STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${name} AND s.entity_key = j.k`.execute(db)
  return rows.map(({ k: key, ...head }) => ({ ...head, key }))
}
