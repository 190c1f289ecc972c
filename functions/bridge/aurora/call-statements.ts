import { type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import { bornOf, isKnownAgainstDelete, mayWrite, standingAuthority } from './authority.ts'
import { assignments, attributesOf, parents, parentsFound } from './parents.ts'
import { countedJoins, hasOwnKey, keyedBy, quoted } from './part-sql.ts'
import { heldVersion, isRecorded, RECORDS, recordNames, versionGone, versionOfRow } from './record-names.ts'
import { against, found, KEY, type Lookup, standsAgainst } from './record-place.ts'
import type { Standing } from './standing.ts'
import { keys, older, raw, referenceRows, type Sql } from './statements.ts'

/*
 * Writes that a function of the team's own makes: it carries none of our conditions, so they are asked for before it is called,
 * and nobody else writes the key until it can have no effect any more. Who calls has the key's row of backsync_calls, `c`, under a
 * token of its own; what `c` says of time is the server's clock.
 *
 *   claim   takes the row, where the change is above the record and the writer's to make, or takes it over from who is late
 *   read    asks once more, under the claim: from here on no call, stamp or move of the key begins beside it
 *   stamp   says in the record that it was done, and bury in the tombstone; both under the token
 *   end     gives the row free, where the record says so
 *
 * A move of a key looks for calls after it has given the record away, and a call looks at the record after it has its claim: one
 * of the two sees the other.
 */

const CALLS = 'backsync_calls'
const NOW = 'UTC_TIMESTAMP(3)'

/** What is called for each key, as JSON: `[[key, op, body], …]`. */
const bodiesOf = (bodies: string): Sql => sql`JSON_TABLE(${bodies}, '$[*]' COLUMNS (
      k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[0]' ERROR ON ERROR,
      op VARCHAR(9) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]' ERROR ON ERROR,
      body LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[2]' ERROR ON ERROR)) AS b`

/** Joins the call of each key that is under a token. */
export const called = ({ name }: Entity, token: string): Sql =>
  sql`STRAIGHT_JOIN ${sql.table(CALLS)} AS c ON c.entity = ${name} AND c.entity_key = j.k AND c.token = ${token}`

/** Whether a change is above what is recorded, and the writer's to make. */
const wins = (entity: Entity, by: Owner): Sql => sql`IF(b.op = 'delete',
      IF(${isRecorded(entity)}, ${older(entity, by, 'delete')}, d.version IS NULL OR (d.version < j.v AND ${mayWrite(entity, by, 'd')})),
      COALESCE(${heldVersion(entity)}, IF(${standsAgainst(entity)} IS NULL, 0, j.v)) < j.v
        AND COALESCE(d.version, 0) < j.v
        AND IF(${isRecorded(entity)}, ${mayWrite(entity, by, 't')}, d.version IS NULL OR ${mayWrite(entity, by, 'd')})${parentsFound(entity)})`

/** Who claims calls, and for how long, in seconds. */
export type Claiming = { readonly token: string; readonly seconds: number }

/**
 * Claims the calls of the changes that win. Of a call that was left by somebody who is late only who calls is changed: what
 * it was has to be looked at first.
 */
export const claimCalls = (
  entity: Entity,
  { document, lookup, by }: Read,
  bodies: string,
  { token, seconds }: Claiming,
): Sql => {
  const isLeft = raw(`${CALLS}.until <= ${NOW}`)
  const own = (column: string): Sql => raw(`${CALLS}.${column}`)
  return sql`
  INSERT INTO ${sql.table(CALLS)} (entity, entity_key, version, op, at, token, until, since, attempts, body, owner, epoch, taken)
  SELECT ${entity.name}, j.k, j.v, b.op, j.u, ${token}, ${raw(NOW)} + INTERVAL ${raw(String(seconds))} SECOND, ${raw(NOW)}, 1, b.body,
    ${by === 'dynamo' ? by : null}, j.e, ${raw(NOW)}
  FROM ${referenceRows(entity, document)} STRAIGHT_JOIN ${bodiesOf(bodies)} ON b.k = j.k
    ${found(entity, lookup, 'LEFT JOIN')} ${against(entity)} ${parents(entity)}
  WHERE ${wins(entity, by)}
  ON DUPLICATE KEY UPDATE
    attempts = IF(${isLeft}, ${own('attempts')} + 1, ${own('attempts')}),
    token = IF(${isLeft}, VALUES(token), ${own('token')}),
    owner = IF(${isLeft}, VALUES(owner), ${own('owner')}),
    epoch = IF(${isLeft}, VALUES(epoch), ${own('epoch')}),
    taken = IF(${isLeft}, VALUES(taken), ${own('taken')}),
    until = IF(${isLeft}, VALUES(until), ${own('until')})`
}

/** Of which changes something is read. */
export type Read = { readonly document: string; readonly lookup: Lookup; readonly by: Owner }

/** What stands against a change, and whose call its key is in. */
export type CallState = Standing & {
  /** As `known`, against a delete. */
  readonly known_to_delete: number | bigint
  /** The id of its row in decimal, or whatever stands in its first key column; null without a row. */
  readonly id: string | null
  /** 1 when the call is under the token. */
  readonly mine: number | bigint | null
  /** 1 when whoever calls may still have an effect. */
  readonly live: number | bigint | null
  /** What is called for: its version, in decimal, when it was written, ISO 8601 in UTC, and whether it is a delete. */
  readonly called: string | null
  readonly called_at: string | null
  readonly called_op: string | null
  readonly attempts: number | bigint | null
  /** Seconds since it was called for first. */
  readonly age: number | bigint | null
  /** The call, where it was somebody else's before. */
  readonly body: string | null
} & { readonly [reference: `r${number}`]: string | null }

/** Reads what stands against changes, whose calls their keys are in, and the ids of counted rows that they refer to. */
export const selectCalls = (
  entity: Entity,
  { document, lookup }: Read,
  token: string,
): RawBuilder<CallState> => {
  const references = countedReferences(entity).map(
    ({ at, value }) => sql`, CAST(${value} AS CHAR) AS ${sql.ref(`r${at}`)}`,
  )
  const id = `t.${quoted(entity.idColumn)}`
  return sql`
  SELECT j.k AS k, IF(${raw(id)} IS NULL AND ${standsAgainst(entity)} IS NOT NULL, 1, 0) AS taken,
    IF(TRUE${parentsFound(entity)}, 0, 1) AS missing,
    ${raw(`CAST(${versionOfRow(entity)} AS CHAR)`)} AS held, ${raw(`CAST(${versionGone(entity)} AS CHAR)`)} AS gone, 0 AS own,
    ${standingAuthority(entity)}, ${isKnownAgainstDelete(entity)} AS known_to_delete,
    ${raw(hasOwnKey(entity) ? `IF(${id} IS NULL, NULL, '')` : `CAST(${id} AS CHAR)`)} AS id,
    IF(c.token = ${token} AND c.until > ${raw(NOW)}, 1, 0) AS mine, IF(c.until > ${raw(NOW)}, 1, 0) AS live,
    CAST(c.version AS CHAR) AS called, CONCAT(LEFT(DATE_FORMAT(c.at, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS called_at,
    c.op AS called_op, c.attempts AS attempts,
    TIMESTAMPDIFF(SECOND, c.since, ${raw(NOW)}) AS age, IF(c.attempts > 1, c.body, NULL) AS body${sql.join(references, sql``)}
  FROM ${referenceRows(entity, document)} ${found(entity, lookup, 'LEFT JOIN')} ${against(entity)} ${parents(entity)}
    LEFT JOIN ${sql.table(CALLS)} AS c ON c.entity = ${entity.name} AND c.entity_key = j.k`
}

/** The references to counted rows over one column, with the ids that they stand for. */
export const countedReferences = (entity: Entity) =>
  assignments(entity).flatMap(({ at, value }) => {
    const { references } = attributesOf(entity)[at] ?? {}
    return references !== undefined && references.keyParts.length === 0 ? [{ at, value }] : []
  })

/** Has a claimed call be what is called for now, where it was another one before. */
export const retarget = (entity: Entity, document: string, bodies: string, token: string): Sql => sql`
  UPDATE ${keys(entity, document)} STRAIGHT_JOIN ${bodiesOf(bodies)} ON b.k = j.k ${called(entity, token)}
  SET c.version = j.v, c.op = b.op, c.at = j.u, c.body = b.body, c.since = ${raw(NOW)}, c.attempts = 1
  WHERE c.until > ${raw(NOW)}`

/** The row `t` of each key, without its record: counted ones by the ids that the document has. */
export const calledRow = (entity: Entity): Sql => {
  const { keyParts, table, idColumn } = entity
  const row = hasOwnKey(entity) ? keyedBy(keyParts, 't', KEY) : `t.${quoted(idColumn)} = j.i`
  return raw(`${countedJoins(keyParts, KEY)}STRAIGHT_JOIN ${quoted(table)} AS t ON ${row}`)
}

/**
 * Says in the records of rows that they are as what was called for has made them. Whose the key is was asked for under the claim,
 * and can't have changed since. Nothing is said of a row that isn't there, or that is another key's.
 */
export const stampCalled = (entity: Entity, document: string, by: Owner, token: string): Sql => {
  const id = raw(hasOwnKey(entity) ? 'NULL' : `t.${quoted(entity.idColumn)}`)
  const other = hasOwnKey(entity)
    ? 'FALSE'
    : `o.entity = '${entity.name}' AND o.legacy_id = t.${quoted(entity.idColumn)}`
  // At the same version it is the record of a row that plain SQL has taken away, and that was made again.
  const isOlder = raw(`${RECORDS}.version <= VALUES(version)`)
  const set = (column: string): Sql =>
    sql`${raw(column)} = IF(${isOlder}, VALUES(${raw(column)}), ${raw(`${RECORDS}.${column}`)})`
  return sql`
  INSERT INTO ${sql.table(RECORDS)} (entity, entity_key, legacy_id, version, updated_at, owner, epoch)
  SELECT ${entity.name}, j.k, ${id}, j.v, j.u, ${bornOf(by)}
  FROM ${keys(entity, document)} ${called(entity, token)} ${calledRow(entity)}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
    LEFT JOIN ${sql.table(RECORDS)} AS o ON ${raw(other)}
  WHERE c.version = j.v AND (d.version IS NULL OR d.version < j.v) AND (o.entity_key IS NULL OR o.entity_key = j.k)
  ON DUPLICATE KEY UPDATE ${set('legacy_id')}, ${set('updated_at')}, ${set('version')}`
}

/** Records deletes that were called for, of rows that are not there any more. */
export const buryCalled = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: Owner,
  token: string,
): Sql => {
  const stands = isRecorded(entity)
  const { owner, epoch } = recordNames(entity)
  const born = by === 'dynamo' ? sql`'dynamo'` : sql`NULL`
  return sql`
  INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
  SELECT ${entity.name}, j.k, j.v, j.u,
    IF(${stands}, ${raw(owner)}, IF(d.version IS NOT NULL, d.owner, ${born})),
    IF(${stands}, ${raw(epoch)}, COALESCE(d.epoch, j.e))
  FROM ${keys(entity, document)} ${called(entity, token)} ${found(entity, lookup, 'LEFT JOIN')}
    LEFT JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
  WHERE c.version = j.v AND ${sql.ref(`t.${entity.idColumn}`)} IS NULL
  ON DUPLICATE KEY UPDATE
    deleted_at = IF(VALUES(version) > backsync_tombstones.version, VALUES(deleted_at), backsync_tombstones.deleted_at),
    version = GREATEST(backsync_tombstones.version, VALUES(version)),
    owner = IF(VALUES(epoch) >= backsync_tombstones.epoch, VALUES(owner), backsync_tombstones.owner),
    epoch = GREATEST(backsync_tombstones.epoch, VALUES(epoch))`
}

/** Deletes the records of keys that were buried so. */
export const deleteCalledRecords = (entity: Entity, document: string, token: string): Sql => sql`
  DELETE s FROM ${keys(entity, document)} ${called(entity, token)}
    STRAIGHT_JOIN backsync_tombstones AS d ON d.entity = ${entity.name} AND d.entity_key = j.k
    STRAIGHT_JOIN ${sql.table(RECORDS)} AS s ON s.entity = ${entity.name} AND s.entity_key = j.k
  WHERE c.version = j.v AND d.version >= j.v AND s.version < j.v`

/** Gives calls free of which the records or tombstones say that they are done. */
export const endDone = (entity: Entity, document: string, token: string): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${called(entity, token)}
  WHERE EXISTS (SELECT 1 FROM ${sql.table(RECORDS)} AS r
      WHERE r.entity = ${entity.name} AND r.entity_key = j.k AND r.version >= c.version)
    OR EXISTS (SELECT 1 FROM backsync_tombstones AS d
      WHERE d.entity = ${entity.name} AND d.entity_key = j.k AND d.version >= c.version)`

/** Gives calls free that have had no effect, and can have none any more. */
export const endCalls = (entity: Entity, document: string, token: string): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${called(entity, token)}`

/** Leaves calls whose effect nobody knows, and that have ended, to whoever comes next. */
export const leaveCalls = (entity: Entity, document: string, token: string): Sql => sql`
  UPDATE ${keys(entity, document)} ${called(entity, token)}
  SET c.until = LEAST(c.until, ${raw(NOW)})`
