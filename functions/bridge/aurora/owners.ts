import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError } from '../model/errors.ts'
import { isBeside, RECORDS } from './record-names.ts'

/*
 * From when on it counts whose a key is. Rows that came from DynamoDB before there were owners don't say so; until a job has
 * gone over them, an entity's owners are not known, and nothing is refused for its owner.
 */

/** Says of an entity that each of its records tells whose its key is. It may be said again. */
export const recordOwners = async (db: Kysely<unknown>, { name }: Pick<Entity, 'name'>): Promise<void> => {
  await sql`INSERT IGNORE INTO backsync_owners (entity) VALUES (${name})`.execute(idempotently(db))
}

/** Since when the owners of entities are known, by their names: ISO 8601, UTC. */
export const readOwners = async (db: Kysely<unknown>): Promise<ReadonlyMap<string, string>> => {
  const { rows } = await sql<{ readonly entity: string; readonly since: string }>`
    SELECT entity, CONCAT(LEFT(DATE_FORMAT(since, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS since
    FROM backsync_owners`.execute(idempotently(db))
  return new Map(rows.map(({ entity, since }) => [entity, since]))
}

/**
 * Records the owners of entities whose tables are not adopted yet: nothing can have come to them from DynamoDB, so what comes
 * says whose it is. It goes before the migrations that adopt them.
 */
export const recordNewcomers = async (db: Kysely<unknown>, entities: readonly Entity[]): Promise<void> => {
  const columns = await recordColumns(db, entities)
  for (const entity of entities)
    if (!columnsOf(columns, entity).has('backsync_version')) await recordOwners(db, entity)
}

/** What each adopted table has beside its own columns and its key. */
const RECORD = {
  backsync_version: 'BIGINT UNSIGNED NOT NULL DEFAULT 1',
  backsync_updated_at: 'TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3)',
  backsync_owner: 'VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL',
  backsync_epoch: 'BIGINT UNSIGNED NOT NULL DEFAULT 0',
} as const

/**
 * Refuses tables that lack columns which every write names: otherwise each write of the entity would fail. And records that are
 * elsewhere than the definition says: otherwise all versions would begin anew.
 *
 * @throws ConfigurationError naming each with the statement that adds them
 */
export const requireRecordColumns = async (
  db: Kysely<unknown>,
  entities: readonly Entity[],
): Promise<void> => {
  const columns = await recordColumns(db, entities)
  const beside = await namesWithRecords(db, entities)
  const faults = entities.flatMap((entity) => {
    const own = columnsOf(columns, entity)
    if (isBeside(entity)) {
      if (!own.has('backsync_version')) return []
      return `the table ${entity.table} has columns for the records of ${entity.name}, which says record: 'sideTable': its versions and owners stand in its rows, so say record: 'row'`
    }
    if (beside.has(entity.name))
      return `the records of ${entity.name} are in ${RECORDS}, with its versions and owners: say record: 'sideTable'`
    const missing = Object.entries(RECORD).filter(([name]) => !own.has(name))
    // A table that isn't there at all is another fault, which the first write tells of.
    if (own.size === 0 || missing.length === 0) return []
    const added = missing.map(([name, type]) => `ADD COLUMN ${name} ${type} INVISIBLE`).join(', ')
    return `the table ${entity.table} lacks ${missing.map(([name]) => name).join(', ')}: add a migration with ALTER TABLE ${entity.table} ${added}, ALGORITHM=INSTANT`
  })
  if (faults.length > 0) throw new ConfigurationError(faults)
}

/** Those that have records beside their rows. */
const namesWithRecords = async (
  db: Kysely<unknown>,
  entities: readonly Entity[],
): Promise<ReadonlySet<string>> => {
  const inRow = entities.filter((entity) => !isBeside(entity)).map(({ name }) => name)
  if (inRow.length === 0) return new Set()
  const { rows } = await sql<{ readonly name: string }>`
    SELECT DISTINCT entity AS name FROM ${sql.table(RECORDS)}
    WHERE entity IN (${sql.join(inRow)})`.execute(idempotently(db))
  return new Set(rows.map(({ name }) => name))
}

type Columns = ReadonlyMap<string, ReadonlySet<string>>

const columnsOf = (columns: Columns, { table }: Entity): ReadonlySet<string> =>
  columns.get(table.toLowerCase()) ?? new Set()

const recordColumns = async (db: Kysely<unknown>, entities: readonly Entity[]): Promise<Columns> => {
  if (entities.length === 0) return new Map()
  const { rows } = await sql<{ readonly tab: string; readonly col: string }>`
    SELECT LOWER(TABLE_NAME) AS tab, LOWER(COLUMN_NAME) AS col FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (${sql.join(entities.map(({ table }) => table))})
      AND COLUMN_NAME LIKE 'backsync%'`.execute(idempotently(db))
  return new Map(
    [...Map.groupBy(rows, ({ tab }) => tab)].map(([table, own]) => [
      table,
      new Set(own.map(({ col }) => col)),
    ]),
  )
}
