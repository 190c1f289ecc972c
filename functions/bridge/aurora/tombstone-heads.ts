import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'

/** What a tombstone says of its key's authority. */
type TombstoneAuthority = Authority & { readonly key: string }

/**
 * Reads whose deleted keys of an entity are, in the order of the keys.
 *
 * @param behind the last key of the page before; undefined: from the beginning
 * @returns at most `limit` of them, and behind which the next page begins; undefined at the end
 * @throws DataApiError
 */
export const readTombstoneHeads = async (
  db: Kysely<unknown>,
  { name }: Pick<Entity, 'name'>,
  { behind, limit }: { readonly behind: string | undefined; readonly limit: number },
): Promise<{ readonly heads: readonly TombstoneAuthority[]; readonly next: string | undefined }> => {
  const { rows } = await sql<{ readonly k: string; readonly owner: string | null; readonly epoch: string }>`
    SELECT d.entity_key AS k, d.owner AS owner, CAST(d.epoch AS CHAR) AS epoch
    FROM backsync_tombstones AS d
    WHERE d.entity = ${name} ${behind === undefined ? sql`` : sql`AND d.entity_key > ${behind}`}
    ORDER BY d.entity_key LIMIT ${sql.lit(limit)}`.execute(idempotently(db))
  const heads = rows.map(
    ({ k: key, owner, epoch }): TombstoneAuthority => ({
      ...{ key, owner: owner === 'dynamo' ? 'dynamo' : 'aurora', epoch: BigInt(epoch) },
    }),
  )
  return { heads, next: rows.length < limit ? undefined : rows.at(-1)?.k }
}
