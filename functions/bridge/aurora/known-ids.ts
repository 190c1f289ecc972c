import { type Kysely, sql } from 'kysely'
import type { Batch } from './batch.ts'
import { RECORDS } from './record-names.ts'

/** Keys of which ids are asked for at once. */
const MOST = 2_000

/** The place of a key among those that are asked for, from 1, and its id. */
type Known = { readonly n: number | bigint; readonly id: string }

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
    const asked = names.slice(from, from + MOST)
    const { rows } = await sql<Known>`
      SELECT n.n AS n, CAST(r.legacy_id AS CHAR) AS id
      FROM JSON_TABLE(${JSON.stringify(asked)}, '$[*]' COLUMNS (n FOR ORDINALITY,
          e VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]' ERROR ON ERROR,
          k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[1]' ERROR ON ERROR)) AS n
        STRAIGHT_JOIN ${sql.table(RECORDS)} AS r ON r.entity = n.e AND r.entity_key = n.k
      WHERE r.legacy_id IS NOT NULL`.execute(db)
    for (const { n, id } of rows) {
      const name = asked[Number(n) - 1]
      if (name !== undefined) known.set(nameOf(...name), id)
    }
  }
  return batch.knowing((entity, key) => known.get(nameOf(entity, key)))
}

const nameOf = (entity: string, key: string): string => JSON.stringify([entity, key])
