import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { called, calledRow } from './call-statements.ts'
import { ChangeLog } from './change-log.ts'
import { hasOwnKey, quoted } from './part-sql.ts'
import { RECORDS } from './record-names.ts'
import { keys, raw, type Sql } from './statements.ts'

/*
 * Rows that a function is just writing. What of them is known by its key is under the call of that key. A counted row that it makes is
 * not, before its caller has stamped it: until then it looks like one that a legacy program has made, whose key is its id. The
 * triggers have told the log so; as long as a call may have made it that was taken before, nobody takes it for either.
 */

const NOW = 'UTC_TIMESTAMP(3)'

/** Of a row `l` of the log, whether it tells that a row was made, or that one has another key by now: see `renamed`. */
const TELLS_OF_NUMBER = "(l.op = 'upsert' AND l.version = 1 OR l.op = 'delete' AND l.version = 0)"

/** Whether a key is one that a function is called for. */
const isCalled = ({ name }: Entity, key: Sql): Sql => sql`EXISTS (SELECT 1 FROM backsync_calls AS c
      WHERE c.entity = ${name} AND c.entity_key = ${key} AND c.until > ${raw(NOW)})`

/** Whether a key is the id of a row that a function may have made for another one. */
const isNumber = (entity: Entity, key: Sql): Sql =>
  entity.mirror === undefined || hasOwnKey(entity)
    ? sql`FALSE`
    : sql`EXISTS (SELECT 1 FROM backsync_changes AS l
      STRAIGHT_JOIN backsync_calls AS c ON c.entity = l.entity AND c.op = 'upsert' AND c.until > ${raw(NOW)}
        AND COALESCE(c.taken, c.since) <= l.at
      WHERE l.entity = ${entity.name} AND l.entity_key = ${key} AND l.entity_key REGEXP '^[1-9][0-9]*$'
        AND ${raw(TELLS_OF_NUMBER)})`

/** Whether what Aurora holds of a key may be a function's that has not ended: 1 or 0. */
export const isUnderCall = (entity: Entity, key: Sql): Sql =>
  entity.legacyFunction === undefined
    ? sql`0`
    : sql`IF(${isCalled(entity, key)} OR ${isNumber(entity, key)}, 1, 0)`

type Asked = RawBuilder<{ readonly n: number | bigint }>

/** Asks the same of one key. */
export const selectUnderCall = (entity: Entity, key: string): Asked =>
  sql`SELECT ${isUnderCall(entity, sql`${key}`)} AS n`

/** Asks only whether it is the id of a row that may get another key. */
export const selectNumber = (entity: Entity, key: string): Asked =>
  sql`SELECT IF(${isNumber(entity, sql`${key}`)}, 1, 0) AS n`

/** A counted row whose key becomes another one than its id, and a row of the log that has told of it by that. */
type Numbered = { readonly id: string; readonly log: string | null; readonly fresh: number | bigint }

const selectNumbered = (entity: Entity, document: string, token: string): RawBuilder<Numbered> => {
  const id = `t.${quoted(entity.idColumn)}`
  return sql`
  SELECT CAST(${raw(id)} AS CHAR) AS id, CAST(l.id AS CHAR) AS log,
    IF(l.op = 'upsert' AND l.version = 1 AND l.at >= c.taken AND c.until > ${raw(NOW)}, 1, 0) AS fresh
  FROM ${keys(entity, document)} ${called(entity, token)} ${calledRow(entity)}
    LEFT JOIN ${sql.table(RECORDS)} AS r ON r.entity = ${entity.name} AND r.entity_key = j.k
    LEFT JOIN backsync_changes AS l ON l.entity = ${entity.name} AND l.entity_key = CAST(${raw(id)} AS CHAR)
  WHERE c.version = j.v AND CAST(${raw(id)} AS CHAR) <> j.k AND NOT (r.legacy_id <=> ${raw(id)})`
}

/** Takes records away by which rows were known by their ids, while they were nobody's whom a move has named. */
const forgetNumbers = (entity: Entity, document: string, token: string): Sql => sql`
  DELETE o FROM ${keys(entity, document)} ${called(entity, token)} ${calledRow(entity)}
    STRAIGHT_JOIN ${sql.table(RECORDS)} AS o ON o.entity = ${entity.name} AND o.legacy_id = t.${sql.ref(entity.idColumn)}
  WHERE c.version = j.v AND o.entity_key <> j.k AND o.entity_key = CAST(t.${sql.ref(entity.idColumn)} AS CHAR)
    AND o.epoch = 0 AND NOT (o.owner <=> 'dynamo')`

/** Has the keys of rows that are there carried over, whatever their records are going to say: nobody reads them under the call. */
export const tellCalled = (entity: Entity, document: string, token: string): Sql => sql`
  INSERT INTO backsync_changes (entity, entity_key, op, version)
  SELECT ${entity.name}, j.k, 'upsert', 0
  FROM ${keys(entity, document)} ${called(entity, token)} ${calledRow(entity)} WHERE c.version = j.v`

/**
 * Stamps rows that a function has made, so that they are known by the keys that it was called for, and no longer by their ids. What
 * has been carried over under such an id is deleted by the relay; what can't have been is not told of at all. Whoever dies in
 * between leaves the log to tell of more than there is, never of less.
 *
 * @param document of changes whose rows' ids are known
 * @param stamp names them
 */
export const renamed = async (
  db: Kysely<unknown>,
  { entity, document, token }: { readonly entity: Entity; readonly document: string; readonly token: string },
  stamp: () => Promise<void>,
): Promise<void> => {
  if (entity.mirror === undefined || hasOwnKey(entity)) return stamp()
  const { rows } = await selectNumbered(entity, document, token).execute(db)
  if (rows.length === 0) return stamp()
  const log = new ChangeLog(db)
  const numbers = Map.groupBy(rows, ({ id }) => id)
  const isFresh = (of: readonly Numbered[]): boolean => of.some(({ fresh }) => Number(fresh) === 1)
  const former = [...numbers].flatMap(([id, of]) => (isFresh(of) ? [] : [id]))
  await log.appendGone(entity.name, former)
  await forgetNumbers(entity, document, token).execute(db)
  await stamp()
  const ids = [...numbers.values()].filter(isFresh).flat()
  await log.remove(ids.flatMap((one) => (one.log === null ? [] : [BigInt(one.log)])))
}
