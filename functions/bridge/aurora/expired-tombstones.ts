import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'

/*
 * Tombstones end once nothing can come any more that they would have to refuse. Each delete makes one; one delete in so many
 * looks at some of those that stand behind its own, and ends what has expired. Keys are deleted where tombstones are, so that
 * each has its turn, whatever the keys look like, and no index is needed beside the primary key.
 */

/** One delete in so many. */
const ONE_IN = 64
/** Tombstones that are looked at then: for each that is made three are. */
const LOOKED_AT = 200
/** What DynamoDB has said it removes it removes some days later; here it must not be forgotten before. */
const GRACE_DAYS = 7
const DAY = 24 * 3600 * 1000

/** From where on to look; undefined when none of some changes is the one in so many. */
export const turnOf = (changes: readonly Change[]): string | undefined =>
  changes.find(({ op, key, version }) => op === 'delete' && numberOf(`${key}#${version}`) % ONE_IN === 0)?.key

/** The same of the same delete: what is delivered again costs nothing more. */
const numberOf = (text: string): number => {
  let number = 0
  for (let at = 0; at < text.length; at++) number = (Math.imul(number, 31) + text.charCodeAt(at)) >>> 0
  return number
}

/**
 * Removes some tombstones that have expired. Of a key that has changed hands it stays where DynamoDB keeps its own, too; and so
 * does what never was a delete, by which a key is known as DynamoDB's.
 *
 * @param from the key at which it begins to look
 * @returns how many were removed
 */
export const endExpired = async (
  db: Kysely<unknown>,
  entity: Pick<Entity, 'name' | 'tombstones' | 'tombstoneDays'>,
  from: string,
  now: Date,
): Promise<number> => {
  const repeatable = idempotently(db)
  const before = new Date(now.getTime() - (entity.tombstoneDays + GRACE_DAYS) * DAY)
  const time = before.toISOString().slice(0, 19).replace('T', ' ')
  const moved = entity.tombstones === 'item' ? sql`` : sql` AND d.epoch = 0`
  const expired = sql`d.deleted_at < ${time}${moved}`
  const { rows } = await sql<{ readonly k: string }>`
    SELECT d.entity_key AS k FROM (
      SELECT entity_key, deleted_at, epoch FROM backsync_tombstones
      WHERE entity = ${entity.name} AND entity_key >= ${from} ORDER BY entity_key LIMIT ${sql.lit(LOOKED_AT)}) AS d
    WHERE ${expired}`.execute(repeatable)
  if (rows.length === 0) return 0
  const { numAffectedRows = 0n } = await sql`
    DELETE d FROM backsync_tombstones AS d
    WHERE d.entity = ${entity.name} AND d.entity_key IN (${sql.join(rows.map(({ k }) => k))}) AND ${expired}`.execute(
    repeatable,
  )
  return Number(numAffectedRows)
}
