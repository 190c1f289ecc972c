import { type Kysely, sql } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import type { Version } from '../model/change.ts'
import type { Epoch } from '../model/owner.ts'
import type { RaisedMarks } from '../model/store-mark.ts'
import { toRaisedMark } from './aurora-marks.ts'
import { toVersion } from './stored-record.ts'

/** One write of a key that Aurora owned then: that it happened, and nothing of what was written. */
export type LogRow = {
  readonly id: bigint
  readonly entity: string
  readonly key: string
  readonly op: 'upsert' | 'delete'
  readonly version: Version
  readonly epoch: Epoch
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Rows of the log, and the marks of the entities that they were asked of. */
type Logged = { readonly rows: readonly LogRow[]; readonly marks: RaisedMarks }

/** What plain SQL has written of a key that DynamoDB owns. */
export type RecordedConflict = LogRow & {
  /** The row as the statement would have it, as JSON; null where that isn't known. */
  readonly content: string | null
}

/** What waits of one entity; `oldest` is for how long the first has, in milliseconds. */
export type LogDepth = { readonly rows: number; readonly recorded: number; readonly oldest: number }

/** What waits of one key: to be carried over, and to be listed. */
export type WaitingOfKey = { readonly log: readonly LogRow[]; readonly recorded: readonly LogRow[] }

type SqlRow = Readonly<Record<string, unknown>>

/** Rows of the log whose depth is counted; whoever has more knows enough. */
const COUNTED = 100_000
/** Conflicts hold whole rows: so many of them in one result. */
const CONFLICTS = 10

const IN_ISO = sql`CONCAT(LEFT(DATE_FORMAT(at, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')`
const isoOf = (table: string) =>
  sql`CONCAT(LEFT(DATE_FORMAT(${sql.ref(`${table}.at`)}, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')`

/** The log that the triggers write, and what they have recorded instead of refusing it. */
export class ChangeLog {
  readonly #db: Kysely<unknown>

  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
  }

  /**
   * The next rows of some entities behind an id, in the order of ids: per key that is the order of the writes. With them, in the same
   * statement, the marks of these entities.
   */
  async read(entities: readonly string[], behind: bigint, limit: number): Promise<Logged> {
    const named = sql.join(entities)
    const { rows } = await sql<SqlRow>`
      (SELECT CAST(id AS CHAR) AS id, entity, entity_key, op, CAST(version AS CHAR) AS version, CAST(epoch AS CHAR) AS epoch,
        ${IN_ISO} AS at
      FROM backsync_changes WHERE id > ${behind} AND entity IN (${named}) ORDER BY id LIMIT ${sql.lit(limit)})
      UNION ALL
      (SELECT NULL, entity, CONVERT(tokens USING utf8mb4) COLLATE utf8mb4_bin, 'mark', CAST(mark AS CHAR), CAST(witnessed AS CHAR), NULL
      FROM backsync_marks WHERE entity IN (${named}))`.execute(this.#db)
    const [marks, log] = [rows.filter(({ id }) => id === null), rows.filter(({ id }) => id !== null)]
    return {
      // A union promises no order.
      rows: log.map(toLogRow).sort((one, other) => (one.id < other.id ? -1 : 1)),
      marks: new Map(
        marks.map(({ entity, entity_key, version, epoch }) => [
          String(entity),
          toRaisedMark(entity_key, version, epoch),
        ]),
      ),
    }
  }

  /** Takes rows out that were carried over, or are listed elsewhere. */
  async remove(ids: readonly bigint[]): Promise<void> {
    await this.#delete('backsync_changes', ids)
  }

  /** Has keys carried over once more. */
  async append(entity: string, keys: readonly string[]): Promise<void> {
    await this.#append(entity, keys, 'upsert')
  }

  /** Has keys carried over of which there may be no record any more. */
  async appendGone(entity: string, keys: readonly string[]): Promise<void> {
    await this.#append(entity, keys, 'delete')
  }

  async #append(entity: string, keys: readonly string[], op: LogRow['op']): Promise<void> {
    if (keys.length === 0) return
    await sql`
      INSERT INTO backsync_changes (entity, entity_key, op, version)
      SELECT ${entity}, j.k, ${op}, 0 FROM JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
        k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j`.execute(
      this.#db,
    )
  }

  /** Which keys of an entity are in it, and so on their way. */
  async waiting(entity: string, keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (keys.length === 0) return new Set()
    const { rows } = await sql<{ readonly k: string }>`
      SELECT DISTINCT c.entity_key AS k FROM backsync_changes AS c
        JOIN JSON_TABLE(${JSON.stringify(keys)}, '$[*]' COLUMNS (
          k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$' ERROR ON ERROR)) AS j ON j.k = c.entity_key
      WHERE c.entity = ${entity}`.execute(this.#db)
    return new Set(rows.map(({ k }) => k))
  }

  /** How many rows wait, of those that are counted at all, and for how long the first has, in milliseconds. */
  async depth(): Promise<{ readonly rows: number; readonly oldest: number }> {
    const { rows } = await sql<SqlRow>`
      SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM backsync_changes LIMIT ${sql.lit(COUNTED)}) AS c) AS n,
        (SELECT TIMESTAMPDIFF(MICROSECOND, f.at, CURRENT_TIMESTAMP(3)) FROM backsync_changes AS f ORDER BY f.id LIMIT 1) AS age`.execute(
      this.#db,
    )
    const [{ n = 0, age = 0 } = {}] = rows
    return { rows: Number(n), oldest: Math.max(0, Math.round(Number(age ?? 0) / 1000)) }
  }

  /** As `depth`, by entity: of those that have any, of the rows that are counted at all. `recorded`: writes that wait to be listed. */
  async depths(): Promise<ReadonlyMap<string, LogDepth>> {
    const { rows } = await sql<SqlRow>`
      SELECT c.entity, SUM(c.log) AS n, SUM(1 - c.log) AS recorded,
        MAX(IF(c.log = 1, TIMESTAMPDIFF(MICROSECOND, c.at, CURRENT_TIMESTAMP(3)), 0)) AS age
      FROM (
        (SELECT l.entity, l.at, 1 AS log FROM backsync_changes AS l ORDER BY l.id LIMIT ${sql.lit(COUNTED)})
        UNION ALL
        (SELECT r.entity, r.at, 0 AS log FROM backsync_conflicts AS r ORDER BY r.id LIMIT ${sql.lit(COUNTED)})
      ) AS c GROUP BY c.entity`.execute(this.#db)
    return new Map(
      rows.map(({ entity, n, recorded, age }) => [
        String(entity),
        {
          rows: Number(n),
          recorded: Number(recorded),
          oldest: Math.max(0, Math.round(Number(age ?? 0) / 1000)),
        },
      ]),
    )
  }

  /**
   * What waits of one key, the oldest first: rows of the log, and what plain SQL has written of it.
   *
   * @returns at most `most` of each
   */
  async ofKey(entity: string, key: string, most: number): Promise<WaitingOfKey> {
    const limit = sql.lit(most)
    const { rows } = await sql<SqlRow>`
      SELECT CAST(c.id AS CHAR) AS id, c.entity, c.entity_key, c.op, CAST(c.version AS CHAR) AS version,
        CAST(c.epoch AS CHAR) AS epoch, ${isoOf('c')} AS at
      FROM backsync_changes AS c
      WHERE c.entity = ${entity} AND c.entity_key = ${key} ORDER BY c.id LIMIT ${limit}`.execute(this.#db)
    const recorded = await sql<SqlRow>`
      SELECT CAST(c.id AS CHAR) AS id, c.entity, c.entity_key, c.op, CAST(c.version AS CHAR) AS version,
        CAST(c.epoch AS CHAR) AS epoch, ${isoOf('c')} AS at
      FROM backsync_conflicts AS c
      WHERE c.entity = ${entity} AND c.entity_key = ${key} ORDER BY c.id LIMIT ${limit}`.execute(this.#db)
    return { log: rows.map(toLogRow), recorded: recorded.rows.map(toLogRow) }
  }

  /** The first conflicts of some entities behind an id. */
  async conflicts(entities: readonly string[], behind: bigint): Promise<readonly RecordedConflict[]> {
    const { rows } = await sql<SqlRow>`
      SELECT CAST(id AS CHAR) AS id, entity, entity_key, op, CAST(version AS CHAR) AS version, CAST(epoch AS CHAR) AS epoch,
        ${IN_ISO} AS at, content
      FROM backsync_conflicts WHERE id > ${behind} AND entity IN (${sql.join(entities)}) ORDER BY id LIMIT ${sql.lit(CONFLICTS)}`.execute(
      this.#db,
    )
    return rows.map((row) => ({
      ...toLogRow(row),
      content: typeof row.content === 'string' ? row.content : null,
    }))
  }

  async removeConflicts(ids: readonly bigint[]): Promise<void> {
    await this.#delete('backsync_conflicts', ids)
  }

  async #delete(table: 'backsync_changes' | 'backsync_conflicts', ids: readonly bigint[]): Promise<void> {
    if (ids.length === 0) return
    const list = sql.raw(ids.join(', '))
    await sql`DELETE FROM ${sql.table(table)} WHERE id IN (${list})`.execute(this.#db)
  }
}

const toLogRow = (row: SqlRow): LogRow => ({
  id: BigInt(String(row.id)),
  entity: String(row.entity),
  key: String(row.entity_key),
  op: row.op === 'delete' ? 'delete' : 'upsert',
  version: toVersion(row.version),
  epoch: BigInt(String(row.epoch ?? 0)),
  at: String(row.at),
})
