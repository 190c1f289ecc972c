import { type RawBuilder, sql } from 'kysely'
import type { CountedRows } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'

/*
 * What records are called in SQL: in the row `t` itself, in columns that adoption has added; or beside it, as the row `s` of
 * backsync_records. How statements join these is in record-place.ts.
 */

const quote = (name: string): string => `\`${name}\``

/** Where the records beside the rows are. */
export const RECORDS = 'backsync_records'

/** Whether an entity's records are beside its rows. */
export const isBeside = ({ record }: Pick<Entity, 'record'>): boolean => record === 'sideTable'

/** How statements name what is in the record of a row `t`. A row beside which there is none has what a new column would hold. */
export type RecordNames = {
  readonly version: string
  readonly updatedAt: string
  readonly owner: string
  readonly epoch: string
  /** The columns themselves, to be set. */
  readonly columns: {
    readonly version: string
    readonly updatedAt: string
    readonly owner: string
    readonly epoch: string
  }
}

const IN_ROW = {
  version: 't.backsync_version',
  updatedAt: 't.backsync_updated_at',
  owner: 't.backsync_owner',
  epoch: 't.backsync_epoch',
}
const BESIDE = { version: 's.version', updatedAt: 's.updated_at', owner: 's.owner', epoch: 's.epoch' }

const ROW_NAMES: RecordNames = { ...IN_ROW, columns: IN_ROW }
const SIDE_NAMES: RecordNames = {
  ...BESIDE,
  version: 'COALESCE(s.version, 1)',
  epoch: 'COALESCE(s.epoch, 0)',
  columns: BESIDE,
}

export const recordNames = (entity: Pick<Entity, 'record'>): RecordNames =>
  isBeside(entity) ? SIDE_NAMES : ROW_NAMES

/** Whether there is no live record of the key: that of a row which plain SQL has taken away is one. */
export const isUnrecorded = (entity: Entity): RawBuilder<unknown> => {
  const id = sql.ref(`t.${entity.idColumn}`)
  return isBeside(entity) ? sql`(${id} IS NULL AND s.version IS NULL)` : sql`${id} IS NULL`
}

/** As `isUnrecorded`, the other way round. */
export const isRecorded = (entity: Entity): RawBuilder<unknown> => {
  const id = sql.ref(`t.${entity.idColumn}`)
  return isBeside(entity) ? sql`(${id} IS NOT NULL OR s.version IS NOT NULL)` : sql`${id} IS NOT NULL`
}

/** The version of the row `t`, NULL without one. */
export const versionOfRow = (entity: Entity): string => {
  const { version } = recordNames(entity)
  return isBeside(entity) ? `IF(t.${quote(entity.idColumn)} IS NULL, NULL, ${version})` : version
}

/** The version of a tombstone, or below which what a record without a row says was there is not brought again. */
export const versionGone = ({ record, idColumn }: Entity): string =>
  record === 'row'
    ? 'd.version'
    : `IF(t.${quote(idColumn)} IS NULL AND s.version IS NOT NULL, GREATEST(COALESCE(d.version, 0), s.version - 1), d.version)`

/**
 * The version that a later one has to be above; NULL without a live record. Beside a row that plain SQL has taken away its
 * record stays: what it says was there may be brought again.
 */
export const heldVersion = (entity: Entity): RawBuilder<unknown> => {
  const { version } = recordNames(entity)
  if (!isBeside(entity)) return sql.raw(version)
  return sql`IF(${sql.ref(`t.${entity.idColumn}`)} IS NULL, s.version - 1, ${sql.raw(version)})`
}

/** A counted row under an alias with its record beside it, and the condition that it is the one that an id and a key name. */
export const besideCounted = ({ entity, table, idColumn }: CountedRows, row: string, record: string) => {
  const id = `${row}.${quote(idColumn)}`
  return {
    joined:
      `(${quote(table)} AS ${row} LEFT JOIN ${RECORDS} AS ${record} ` +
      `ON ${record}.entity = '${entity}' AND ${record}.legacy_id = ${id})`,
    has: (itsId: string, key: string): string =>
      `${id} = ${itsId} AND IF(${record}.entity_key IS NULL, CAST(${id} AS CHAR) = ${key}, ${record}.entity_key = ${key})`,
  }
}

/** The key of a counted row: its own, or NULL for one that has none. */
export const ownKeyOf = ({ entity, idColumn, record }: CountedRows, row: string): string =>
  record === 'row'
    ? `${row}.backsync_key`
    : `(SELECT k.entity_key FROM ${RECORDS} AS k WHERE k.entity = '${entity}' AND k.legacy_id = ${row}.${quote(idColumn)})`

/** The id of the counted row that has a key of its own. */
export const idOfOwnKey = (
  { entity, table, idColumn, record }: CountedRows,
  key: string,
): RawBuilder<unknown> =>
  record === 'row'
    ? sql`(SELECT ${sql.ref(idColumn)} FROM ${sql.table(table)} WHERE backsync_key = ${key})`
    : sql`(SELECT k.legacy_id FROM ${sql.table(RECORDS)} AS k WHERE k.entity = ${entity} AND k.entity_key = ${key})`
