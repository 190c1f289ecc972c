import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { keepsDeleted } from '../model/hooks.ts'
import { isBeside, RECORDS } from './record-names.ts'

/** Whose an entity's rows are, of those that were counted. */
export type OwnerCounts = {
  readonly aurora: number
  readonly dynamo: number
  /** False where the table has more rows than were counted. */
  readonly complete: boolean
}

/** Rows that are counted: without an index on owners each is read, a tenth of a second for so many. */
const COUNTED = 100_000

/**
 * Counts whose an entity's rows are. A row that says nothing is Aurora's, as far as the entity's owners are known.
 *
 * @param most no more rows are read
 * @throws SqlError, DataApiError
 */
export const countOwners = async (
  db: Kysely<unknown>,
  entity: Entity,
  most = COUNTED,
): Promise<OwnerCounts> => {
  const { rows, dynamo } = await (isBeside(entity) ? countBeside : countInRows)(
    idempotently(db),
    entity,
    most,
  )
  const counted = Math.min(rows, most)
  return { aurora: Math.max(0, counted - dynamo), dynamo: Math.min(dynamo, counted), complete: rows <= most }
}

type Counted = { readonly rows: number; readonly dynamo: number }

/** One row more than may be counted tells that there are more. */
const countInRows = async (db: Kysely<unknown>, entity: Entity, most: number): Promise<Counted> => {
  const live = keepsDeleted(entity) ? sql`WHERE t.backsync_version <> 0` : sql``
  const { rows } = await sql<{ readonly n: unknown; readonly d: unknown }>`
    SELECT COUNT(*) AS n, COALESCE(SUM(c.o <=> 'dynamo'), 0) AS d
    FROM (SELECT t.backsync_owner AS o FROM ${sql.table(entity.table)} AS t ${live} LIMIT ${sql.lit(most + 1)}) AS c`.execute(
    db,
  )
  const [{ n = 0, d = 0 } = {}] = rows
  return { rows: Number(n), dynamo: Number(d) }
}

/** A row without a record beside it is Aurora's. */
const countBeside = async (db: Kysely<unknown>, entity: Entity, most: number): Promise<Counted> => {
  const { rows } = await sql<{ readonly n: unknown; readonly d: unknown }>`
    SELECT
      (SELECT COUNT(*) FROM (SELECT 1 FROM ${sql.table(entity.table)} AS t LIMIT ${sql.lit(most + 1)}) AS c) AS n,
      (SELECT COUNT(*) FROM (
        SELECT 1 FROM ${sql.table(RECORDS)} AS s
        WHERE s.entity = ${entity.name} AND s.owner = 'dynamo' LIMIT ${sql.lit(most)}) AS r) AS d`.execute(db)
  const [{ n = 0, d = 0 } = {}] = rows
  return { rows: Number(n), dynamo: Number(d) }
}
