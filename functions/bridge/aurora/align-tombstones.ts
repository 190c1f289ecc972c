import { type Kysely, type RawBuilder, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { toBatches } from './batch.ts'
import { withKnownIds } from './known-ids.ts'
import { recordNames } from './record-names.ts'
import { type Lookup, recorded } from './record-place.ts'
import { keys, raw } from './statements.ts'

/**
 * Has tombstones that stand beside rows say whose the key is by their rows, where those are of a later move. A row that is born in
 * DynamoDB comes to Aurora with the move that it was born by, and leaves the tombstone that an earlier one had made of a key that was
 * nowhere: no claim comes to it any more, since the row counts, and says all that a claim would.
 *
 * @throws DataApiError
 */
export const alignTombstones = async (
  db: Kysely<unknown>,
  entity: Entity,
  of: readonly string[],
): Promise<void> => {
  const at = new Date().toISOString()
  const named = of.map(
    (key): Change => ({ entity: entity.name, key, op: 'delete', version: 0n, source: 'claim', at }),
  )
  for (const unknown of toBatches(entity, named, 'dynamo')) {
    const { keys: document, lookup } = await withKnownIds(db, unknown)
    await align(entity, document, lookup).execute(idempotently(db))
  }
}

/** One with a later version is of a delete that is about to come to the row. */
const align = (entity: Entity, document: string, lookup: Lookup): RawBuilder<unknown> => {
  const { owner, epoch, version } = recordNames(entity)
  return sql`
  UPDATE ${keys(entity, document)} ${recorded(entity, lookup)}
  STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  SET d.owner = ${raw(owner)}, d.epoch = ${raw(epoch)}
  WHERE d.epoch < ${raw(epoch)} AND d.version <= ${raw(version)}`
}
