import { type Kysely, sql } from 'kysely'
import type { Batch } from './batch.ts'
import { RECORDS } from './record-names.ts'

/** Keys of which ids are asked for at once. */
const MOST = 2_000

type Known = { readonly e: string; readonly k: string; readonly id: string }

/**
 * A batch with the ids of the counted rows that it names, where only records beside them know these; any other batch as it is.
 *
 * It reads without a lock, so that statements can lock rows before their records. What has changed since is met by the
 * statements, which compare keys, and is asked for again.
 */
export const withKnownIds = async (db: Kysely<unknown>, batch: Batch): Promise<Batch> => {
  const names = batch.namesBeside
  if (names.length === 0) return batch
  const known = new Map<string, string>()
  for (let from = 0; from < names.length; from += MOST) {
    const document = JSON.stringify(names.slice(from, from + MOST))
    const { rows } = await sql<Known>`
      SELECT r.entity AS e, r.entity_key AS k, CAST(r.legacy_id AS CHAR) AS id
      FROM JSON_TABLE(${document}, '$[*]' COLUMNS (
          e VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]' ERROR ON ERROR,
          k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]' ERROR ON ERROR)) AS n
        STRAIGHT_JOIN ${sql.table(RECORDS)} AS r ON r.entity = n.e AND r.entity_key = n.k
      WHERE r.legacy_id IS NOT NULL`.execute(db)
    for (const { e, k, id } of rows) known.set(nameOf(e, k), id)
  }
  return batch.knowing((entity, key) => known.get(nameOf(entity, key)))
}

const nameOf = (entity: string, key: string): string => JSON.stringify([entity, key])
