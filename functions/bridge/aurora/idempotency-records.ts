import { type Kysely, type RawBuilder, sql } from 'kysely'
import { wasRepeated } from '../drivers/data-api/driver.ts'
import { type FirstAnswer, KEPT_FOR } from '../ports/once.ts'

/*
 * The rows of backsync_idempotency. Each statement says in its WHERE what it relies on, so it is harmless twice, late
 * and beside others.
 */

/** A claim: this idempotency key makes the row with this key, if it makes any. */
export type Claim = {
  /** The hash of the idempotency key in its scope. */
  readonly id: string
  readonly fingerprint: string
  readonly entityKey: string
  /** Milliseconds since 1970; also the time of the row. */
  readonly createdMs: number
}

/** What is known of an idempotency key. */
export type IdempotencyRecord = Omit<Claim, 'fingerprint'> & {
  /** Null after a refusal: the record is free, its row's key is not. */
  readonly fingerprint: string | null
  /** Set once the request is done. */
  readonly first: FirstAnswer | undefined
}

/** Characters of an answer in one row of a result: the Data API may refuse a row of more than 64 KB. */
const PART = 15_000
/** As many as the answer to the largest body fills, and some more. */
const PARTS = JSON.stringify(Array.from({ length: 40 }, (_, at) => at))
/** How many expired records one request removes. */
const REMOVED_AT_ONCE = 50

type Row = {
  readonly id: string
  readonly fingerprint: string | null
  readonly entity_key: string
  readonly created_ms: bigint | number | string
  readonly part: string | null
}

/** Reads a record, expired or not. */
export const find = (db: Kysely<unknown>, id: string): Promise<IdempotencyRecord | undefined> =>
  read(db, sql`${id}`)

/** Reads the latest of several records, but for those that a refused request has left free. */
export const findLatest = (
  db: Kysely<unknown>,
  ids: readonly string[],
): Promise<IdempotencyRecord | undefined> =>
  read(
    db,
    sql`(SELECT f.id FROM backsync_idempotency AS f
      WHERE f.id IN (${sql.join(ids)}) AND f.fingerprint IS NOT NULL ORDER BY f.created_ms DESC LIMIT 1)`,
  )

const read = async (db: Kysely<unknown>, id: RawBuilder<unknown>): Promise<IdempotencyRecord | undefined> => {
  const { rows } = await sql<Row>`
    SELECT r.id AS id, r.fingerprint AS fingerprint, r.entity_key AS entity_key, r.created_ms AS created_ms,
      SUBSTRING(r.answer, p.n * ${sql.lit(PART)} + 1, ${sql.lit(PART)}) AS part
    FROM backsync_idempotency AS r
    JOIN JSON_TABLE(${sql.lit(PARTS)}, '$[*]' COLUMNS (n INT PATH '$')) AS p
      ON p.n = 0 OR p.n * ${sql.lit(PART)} < CHAR_LENGTH(r.answer)
    WHERE r.id = ${id} ORDER BY p.n`.execute(db)
  const [first] = rows
  if (first === undefined) return undefined
  const { fingerprint, entity_key: entityKey, created_ms: createdMs, part } = first
  const answer = part === null ? undefined : rows.map((row) => row.part).join('')
  return {
    id: first.id,
    fingerprint,
    entityKey,
    createdMs: Number(createdMs),
    first: answer === undefined || fingerprint === null ? undefined : { fingerprint, answer },
  }
}

/** Whether a record counts as none. */
export const isExpired = ({ createdMs }: IdempotencyRecord, now: number): boolean =>
  createdMs <= now - KEPT_FOR

/**
 * Claims an id, where there is no record. IGNORE, because the count of an ON DUPLICATE KEY UPDATE doesn't tell the two
 * cases apart; what else it would hide can't happen: every value fits by its making.
 *
 * @returns whether it was claimed; `perhaps` where it may have been, and the word of it been lost
 */
export const insert = async (db: Kysely<unknown>, claim: Claim): Promise<boolean | 'perhaps'> => {
  const result = await sql`
    INSERT IGNORE INTO backsync_idempotency (id, fingerprint, entity_key, created_ms)
    VALUES (${claim.id}, ${claim.fingerprint}, ${claim.entityKey}, ${claim.createdMs})`.execute(db)
  return (result.numAffectedRows ?? 0n) > 0n || (wasRepeated(result) && 'perhaps')
}

/**
 * Claims a record that has expired, unless somebody else has done so.
 *
 * @returns whether it was claimed; `perhaps` where it may have been, and the word of it been lost
 */
export const renew = async (
  db: Kysely<unknown>,
  { createdMs: was }: IdempotencyRecord,
  claim: Claim,
): Promise<boolean | 'perhaps'> => {
  const result = await sql`
    UPDATE backsync_idempotency
    SET fingerprint = ${claim.fingerprint}, entity_key = ${claim.entityKey}, created_ms = ${claim.createdMs}, answer = NULL
    WHERE id = ${claim.id} AND created_ms = ${was}`.execute(db)
  return (result.numAffectedRows ?? 0n) > 0n || (wasRepeated(result) && 'perhaps')
}

/**
 * Claims a record that is free, for the row with the claim's key.
 *
 * @returns whether it was free
 */
export const reclaim = async (db: Kysely<unknown>, claim: Claim): Promise<boolean> => {
  const { numAffectedRows = 0n } = await sql`
    UPDATE backsync_idempotency
    SET fingerprint = ${claim.fingerprint}, entity_key = ${claim.entityKey}, created_ms = ${claim.createdMs}
    WHERE id = ${claim.id} AND fingerprint IS NULL AND answer IS NULL`.execute(db)
  return numAffectedRows > 0n
}

/** Gives a claim free whose request was refused, unless a twin of it got through. */
export const release = async (db: Kysely<unknown>, id: string, entityKey: string): Promise<void> => {
  await sql`
    UPDATE backsync_idempotency SET fingerprint = NULL
    WHERE id = ${id} AND entity_key = ${entityKey} AND answer IS NULL`.execute(db)
}

/**
 * Keeps the answer, where there is none. Also of a record that was given free meanwhile: the row is there.
 *
 * @returns whether it was kept
 */
export const finish = async (
  db: Kysely<unknown>,
  done: Omit<Claim, 'createdMs'> & { readonly answer: string },
): Promise<boolean> => {
  const { numAffectedRows = 0n } = await sql`
    UPDATE backsync_idempotency SET answer = ${done.answer}, fingerprint = ${done.fingerprint}
    WHERE id = ${done.id} AND entity_key = ${done.entityKey} AND answer IS NULL`.execute(db)
  return numAffectedRows > 0n
}

/** Removes an expired record, unless somebody has claimed its id anew. */
export const removeOne = async (db: Kysely<unknown>, { id, createdMs }: IdempotencyRecord): Promise<void> => {
  await sql`DELETE FROM backsync_idempotency WHERE id = ${id} AND created_ms = ${createdMs}`.execute(db)
}

/** Removes some expired records. They are looked up first, without a lock, and deleted by their keys alone. */
export const removeExpired = async (db: Kysely<unknown>, now: number): Promise<void> => {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM backsync_idempotency WHERE created_ms <= ${now - KEPT_FOR}
    ORDER BY created_ms LIMIT ${sql.lit(REMOVED_AT_ONCE)}`.execute(db)
  if (rows.length === 0) return
  const ids = rows.map(({ id }) => id).toSorted()
  await sql`
    DELETE FROM backsync_idempotency
    WHERE id IN (${sql.join(ids)}) AND created_ms <= ${now - KEPT_FOR}`.execute(db)
}
