import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { toBatches } from './batch.ts'
import { withKnownIds } from './known-ids.ts'
import { found } from './record-place.ts'
import { keys } from './statements.ts'

/**
 * Makes the tombstones of keys whose rows have gone without leaving one, as by TRUNCATE or by a cascade that no trigger saw. A
 * key that has a row, or is DynamoDB's, keeps what it has. Whoever makes a row anew has met the tombstone, or is met by this: it
 * waits for whoever is writing a row of the key.
 *
 * @param deletes of one entity, each one version above the last that is known of its key
 * @throws DataApiError, DeadlineError
 */
export const buryGone = async (
  db: Kysely<unknown>,
  entity: Entity,
  deletes: readonly Change[],
): Promise<void> => {
  const repeatable = idempotently(db)
  const isOlder = sql`NOT (backsync_tombstones.owner <=> 'dynamo') AND VALUES(version) > backsync_tombstones.version`
  for (const batch of toBatches(entity, deletes, 'aurora')) {
    const { keys: document, lookup } = await withKnownIds(repeatable, batch)
    await sql`
      INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
      SELECT ${entity.name}, j.k, j.v, j.u, NULL, j.e
      FROM ${keys(entity, document)} ${found(entity, lookup, 'LEFT JOIN')}
      WHERE t.${sql.ref(entity.idColumn)} IS NULL
      ON DUPLICATE KEY UPDATE
        deleted_at = IF(${isOlder}, VALUES(deleted_at), backsync_tombstones.deleted_at),
        version = IF(${isOlder}, VALUES(version), backsync_tombstones.version)`.execute(repeatable)
  }
}
