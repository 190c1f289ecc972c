import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Entity } from '../model/entity.ts'

/*
 * Tombstones end once nothing can come any more that they would have to refuse. Whoever is called now and then goes over them in
 * the order of their keys, a bounded number at a time: no index is needed beside the primary key, and no batch waits for it.
 */

type Of = Pick<Entity, 'name' | 'tombstones' | 'tombstoneDays'>

/** Tombstones that are looked at in one statement. */
const PAGE = 1_000
/** What DynamoDB has said it removes it removes some days later; here it must not be forgotten before. */
const GRACE_DAYS = 7
const DAY = 24 * 3600 * 1000

/** What became of some tombstones. `last`: the key behind which to go on; undefined: there are no more. */
export type Ended = { readonly ended: number; readonly last: string | undefined }

/**
 * Removes, of some tombstones, those that have expired. Of a key that has changed hands it stays where DynamoDB keeps its own,
 * too; and so does what never was a delete, by which a key is known as DynamoDB's.
 *
 * @param behind the key behind which it begins to look; empty: with the first
 */
export const endExpired = async (
  db: Kysely<unknown>,
  entity: Of,
  behind: string,
  now: Date,
  page = PAGE,
): Promise<Ended> => {
  const repeatable = idempotently(db)
  const before = new Date(now.getTime() - (entity.tombstoneDays + GRACE_DAYS) * DAY)
  const time = before.toISOString().slice(0, 19).replace('T', ' ')
  const moved = entity.tombstones === 'item' ? sql`` : sql` AND d.epoch = 0`
  const expired = sql`d.deleted_at < ${time}${moved}`
  const { rows } = await sql<{ readonly k: string; readonly e: number | bigint }>`
    SELECT d.entity_key AS k, IF(${expired}, 1, 0) AS e FROM backsync_tombstones AS d
    WHERE d.entity = ${entity.name} AND d.entity_key > ${behind}
    ORDER BY d.entity_key LIMIT ${sql.lit(page)}`.execute(repeatable)
  const last = rows.length < page ? undefined : rows.at(-1)?.k
  const keys = rows.filter(({ e }) => Number(e) === 1).map(({ k }) => k)
  if (keys.length === 0) return { ended: 0, last }
  const { numAffectedRows = 0n } = await sql`
    DELETE d FROM backsync_tombstones AS d
    WHERE d.entity = ${entity.name} AND d.entity_key IN (${sql.join(keys)}) AND ${expired}`.execute(
    repeatable,
  )
  return { ended: Number(numAffectedRows), last }
}

/**
 * Goes over the tombstones of entities once, as long as it may. It begins at any key, and goes round: where the time is up each
 * time before all have been looked at, each has its turn all the same.
 *
 * @param parts.mayGoOn asked before each statement
 * @param parts.start a key of somewhere
 * @returns how many were removed
 */
export const sweepExpired = async (
  db: Kysely<unknown>,
  entities: readonly Of[],
  {
    now,
    mayGoOn,
    start = randomUUID(),
    page = PAGE,
  }: {
    readonly now: Date
    readonly mayGoOn: () => boolean
    readonly start?: string
    readonly page?: number
  },
): Promise<number> => {
  let ended = 0
  for (const entity of entities) {
    let at: string | undefined = start
    let isSecondRound = false
    while (mayGoOn()) {
      const done: Ended = await endExpired(db, entity, at, now, page)
      ended += done.ended
      if (isSecondRound && (done.last === undefined || done.last > start)) break
      isSecondRound ||= done.last === undefined
      at = done.last ?? ''
    }
  }
  return ended
}

/** So often a process goes over them, in milliseconds: a paused cluster would wake up for it each time. */
const EVERY = DAY

/** Has tombstones swept now and then, by whoever calls it oftener. */
export class TombstoneSweep {
  readonly #db: Kysely<unknown>
  readonly #entities: readonly Of[]
  #next = Number.NEGATIVE_INFINITY

  constructor(db: Kysely<unknown>, entities: readonly Of[]) {
    this.#db = db
    this.#entities = entities
  }

  /**
   * Goes over them, if it is time. What fails is tried again at the next call.
   *
   * @returns how many were removed; undefined where it was not time
   * @throws DataApiError, DeadlineError
   */
  async run(now: Date, mayGoOn: () => boolean): Promise<number | undefined> {
    if (this.#entities.length === 0 || now.getTime() < this.#next) return undefined
    const ended = await sweepExpired(this.#db, this.#entities, { now, mayGoOn })
    this.#next = now.getTime() + EVERY
    return ended
  }
}
