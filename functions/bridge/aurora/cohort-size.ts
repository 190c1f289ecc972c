import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import { isAmongFirst } from './cohort.ts'
import { guessSize } from './row-heads.ts'
import { keyInSql } from './triggers/key-text.ts'

/** Rows up to which they are counted: of more a guess is as good, and takes no time. */
const COUNTED = 200_000

/**
 * How many rows an entity has, and how many of them belong to one of two shares of the keys and not to the other.
 *
 * @param parts the two shares, as `partsIn` counts them
 * @throws DataApiError
 */
export const countCohorts = async (
  db: Kysely<unknown>,
  entity: Entity,
  salt: string,
  parts: readonly [number, number],
): Promise<{ readonly rows: number; readonly between: number; readonly exact: boolean }> => {
  const [less, more] = parts[0] < parts[1] ? parts : [parts[1], parts[0]]
  const { rows: guessed } = await guessSize(db, entity)
  if (guessed > COUNTED)
    return { rows: guessed, between: Math.round((guessed * (more - less)) / 10_000), exact: false }
  const key = sql.raw(keyInSql(entity, 't'))
  const isBetween = sql`${isAmongFirst(salt, key, more)} AND NOT (${isAmongFirst(salt, key, less)})`
  const { rows } = await sql<{ readonly n: string; readonly m: string | null }>`
    SELECT CAST(COUNT(*) AS CHAR) AS n, CAST(SUM(IF(${isBetween}, 1, 0)) AS CHAR) AS m
    FROM ${sql.table(entity.table)} AS t`.execute(idempotently(db))
  return { rows: Number(rows[0]?.n ?? 0), between: Number(rows[0]?.m ?? 0), exact: true }
}
