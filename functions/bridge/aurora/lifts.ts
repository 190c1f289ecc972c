import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'

/*
 * When an item of an entity was lifted last: whoever has written it doesn't count versions. It stands beside what is known of the
 * owners of keys, under a name that no entity has.
 */

const OF = '.lifted'
const nameOf = ({ name }: Pick<Entity, 'name'>): string => `${name}${OF}`

export const recordLift = async (db: Kysely<unknown>, entity: Pick<Entity, 'name'>): Promise<void> => {
  await sql`
    INSERT INTO backsync_owners (entity) VALUES (${nameOf(entity)})
    ON DUPLICATE KEY UPDATE since = CURRENT_TIMESTAMP(3)`.execute(idempotently(db))
}

/** The last lifts of entities, by their names: ISO 8601, UTC. */
export const readLifts = async (db: Kysely<unknown>): Promise<ReadonlyMap<string, string>> => {
  const { rows } = await sql<{ readonly entity: string; readonly at: string }>`
    SELECT entity, CONCAT(LEFT(DATE_FORMAT(since, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS at
    FROM backsync_owners WHERE entity LIKE ${`%${OF}`}`.execute(idempotently(db))
  return new Map(rows.map(({ entity, at }) => [entity.slice(0, -OF.length), at]))
}
