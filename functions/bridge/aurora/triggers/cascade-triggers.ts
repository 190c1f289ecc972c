import type { Entity } from '../../model/entity.ts'
import type { ForeignKey } from '../catalogue.ts'
import { quoted } from '../part-sql.ts'
import { isBeside, RECORDS } from '../record-names.ts'
import { ownColumns } from '../row-key.ts'
import { type CascadeWay, isRound, type MovedWay, movedWaysOf, same, waysOf } from './cascade-ways.ts'
import { isKeyInSql, keyInSql, literal } from './key-text.ts'
import type { Moment } from './names.ts'
import { isDynamos, refuses } from './statements-in.ts'

/*
 * The rows that foreign keys reach when another one is deleted or changes: no trigger of theirs runs. So the table from which it
 * begins tells of them, before it happens, also where tables lie between that no entity has.
 */

/** A trigger of another table, by that table's name. */
export type CascadeTrigger = {
  readonly table: string
  readonly bodies: Readonly<Partial<Record<Moment, string>>>
}

/** @param owned whether a table has the columns of the bridge's records */
export const cascadeTriggers = (
  entity: Entity,
  keys: readonly ForeignKey[],
  owned: (table: string) => boolean,
): readonly CascadeTrigger[] => {
  const tables = [...new Set(keys.map(({ to }) => to))]
  const lists = Object.values(entity.children).map(({ table, parentColumns }) => ({ table, parentColumns }))
  return tables.flatMap((table) => {
    const reached = waysOf(table, entity.table, keys).map((way) => told(entity, way, keys, undefined))
    const byList = same(table, entity.table)
      ? []
      : lists.flatMap((list) =>
          waysOf(table, list.table, keys)
            .filter((way) => !way.keys.some((key) => same(key.to, entity.table)))
            .map((way) => told(entity, { ...way, effect: 'upsert' }, keys, list.parentColumns)),
        )
    const gone = [...reached, ...byList]
    const changed = [
      ...movedWaysOf(table, entity.table, keys).map((way) => changedBy(entity, way, undefined)),
      ...(same(table, entity.table) ? [] : lists).flatMap((list) =>
        movedWaysOf(table, list.table, keys)
          .filter((way) => !way.keys.some((key) => same(key.to, entity.table)))
          .map((way) => changedBy(entity, way, list.parentColumns)),
      ),
    ]
    // Plain SQL on a row that DynamoDB owns has been refused by then: it is the bridge's.
    const isOwn = owned(table) ? isDynamos('OLD.backsync_owner') : 'FALSE'
    const body = (parts: readonly Told[]): string => `BEGIN
  IF NOT (${isOwn}) AND NOT ${ANY_MARKED} AND (${parts.map(({ dynamos }) => dynamos).join(' OR ')}) THEN
    ${refuses(entity)}
  END IF;
  ${parts.map(({ log }) => log).join('\n  ')}
END`
    const ifMoved = ({ first }: Changed, then: string): string => `IF ${moves(first)} THEN ${then} END IF;`
    const bodies: Partial<Record<Moment, string>> = {
      ...(gone.length > 0 && { bd: body(gone) }),
      ...(changed.length > 0 && {
        bu: `BEGIN
  ${changed.map((one) => ifMoved(one, `${body([one.before])};`)).join('\n  ')}
END`,
        ...(changed.some(({ after }) => after !== undefined) && {
          au: `BEGIN
  ${changed.map((one) => (one.after === undefined ? '' : ifMoved(one, one.after))).join('\n  ')}
END`,
        }),
      }),
    }
    return Object.keys(bodies).length === 0 ? [] : [{ table, bodies }]
  })
}

const ANY_MARKED = `(@backsync_writer <=> CONNECTION_ID()
      AND EXISTS (SELECT 1 FROM backsync_writers AS w WHERE w.connection = CONNECTION_ID()))`

const moves = ({ columns }: ForeignKey): string =>
  columns.map(({ to }) => `NOT (NEW.${quoted(to)} <=> OLD.${quoted(to)})`).join(' OR ')

type Told = {
  /** Whether one of them is DynamoDB's. */
  readonly dynamos: string
  readonly log: string
  /** Whether there are any. */
  readonly any: string
  /** Whether DynamoDB owns what one of their keys was last. */
  readonly taken: string
  /** Takes their records away, where these are beside them. */
  readonly forget: string
}

/**
 * The rows are read as they are, and not as the transaction has once seen them: what was claimed, or has come there, since then would go
 * without a word. Shared, though the foreign key will need more: a statement may be using the very tables, and MySQL forbids a trigger
 * any other lock on those (errno 1442).
 */
const LOCKED = 'LOCK IN SHARE MODE'

/**
 * The rows of each table on a way, as common tables `w0`, `w1` …; those of a table whose rows refer to each other with all that are
 * below them.
 *
 * @param wanted the columns that are needed of the last ones
 * @param from the row from which it begins, as it was or as it is
 */
const walked = (
  way: readonly ForeignKey[],
  all: readonly ForeignKey[],
  wanted: readonly string[],
  from: 'OLD' | 'NEW',
): string => {
  const steps = way.map((key, at) => {
    const next = way[at + 1]
    const rounds = all.filter(
      (one) =>
        key.onDelete === 'CASCADE' && one.onDelete === 'CASCADE' && isRound(one) && same(one.to, key.table),
    )
    const needed = next === undefined ? wanted : next.columns.map(({ to }) => to)
    const names = [...new Set([...needed, ...rounds.flatMap(({ columns }) => columns.map(({ to }) => to))])]
    const columns = names.map((name) => `r.${quoted(name)}`).join(', ')
    const above = (of: ForeignKey, row: string): string =>
      of.columns.map(({ column, to }) => `r.${quoted(column)} = ${row}.${quoted(to)}`).join(' AND ')
    const table = `${quoted(key.table)} AS r`
    const begin =
      at === 0
        ? `SELECT ${columns} FROM ${table} WHERE ${above(key, from)}`
        : `SELECT ${columns} FROM w${at - 1} AS b JOIN ${table} ON ${above(key, 'b')}`
    const more = rounds.map((one) => `SELECT ${columns} FROM w${at} AS b JOIN ${table} ON ${above(one, 'b')}`)
    const members = [begin, ...more].map((member) => `(${member} ${LOCKED})`)
    return `w${at} (${names.map(quoted).join(', ')}) AS (${members.join(' UNION ')})`
  })
  return `WITH RECURSIVE ${steps.join(', ')}`
}

/** What a changed key makes of the rows that it reaches. */
type Changed = {
  readonly first: ForeignKey
  /** Before it does: of rows whose own key is about to change, what they have been is gone. */
  readonly before: Told
  /** Behind it, by the keys that they have then. Undefined where they are reached no more. */
  readonly after: string | undefined
}

/** @param parents the columns by which they are an entity's, where they are of a list */
const changedBy = (
  entity: Entity,
  { keys, from }: MovedWay,
  parents: readonly string[] | undefined,
): Changed => {
  const [first] = keys
  if (first === undefined) throw new TypeError('a way has keys')
  const way = (effect: CascadeWay['effect']): CascadeWay => ({ keys, effect })
  const upsert = told(entity, way('upsert'), [], parents)
  const isNulled = keys.at(-1)?.onUpdate === 'SET NULL'
  if (isNulled) return { first, before: upsert, after: undefined }
  const renamed = ownColumns(entity).flatMap((name) => from.get(name.toLowerCase()) ?? [])
  const after = told(entity, way('upsert'), [], parents, 'NEW')
  const log = `IF ${after.taken} THEN ${refuses(entity)} END IF;
  ${after.log}`
  if (parents !== undefined) return { first, before: upsert, after: after.log }
  if (renamed.length === 0) return { first, before: upsert, after: undefined }
  const isRenamed = `(${renamed.map((name) => `NOT (NEW.${quoted(name)} <=> OLD.${quoted(name)})`).join(' OR ')})`
  const gone = told(entity, way('delete'), [], parents)
  // The record of a counted row knows it by its id, which nobody could find again.
  const renames =
    entity.keyParts.length === 0
      ? `IF ${gone.any} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(`backsync: the id of a ${entity.name} can not be changed by a foreign key`)}; END IF;`
      : `${gone.log} ${gone.forget}`
  return {
    first,
    before: { ...gone, log: `IF ${isRenamed} THEN ${renames} ELSE ${upsert.log} END IF;` },
    after: `IF ${isRenamed} THEN ${log} END IF;`,
  }
}

/**
 * What is told of the rows at the end of a way.
 *
 * @param parents the columns by which they are an entity's, where they are of a list
 * @param begin the row from which it begins, as it was or as it is
 */
const told = (
  entity: Entity,
  { keys, effect }: CascadeWay,
  all: readonly ForeignKey[],
  parents: readonly string[] | undefined,
  begin: 'OLD' | 'NEW' = 'OLD',
): Told => {
  const row = 't'
  const own = ownColumns(entity)
  const wanted = parents ?? own
  const on = own.map((column, at) => `t.${quoted(column)} = e.${quoted(wanted[at] ?? '')}`).join(' AND ')
  const walk = walked(keys, all, wanted, begin)
  const name = literal(entity.name)
  const key = keyInSql(entity, row)
  const record = isBeside(entity)
    ? {
        join: `LEFT JOIN ${RECORDS} AS s ON s.entity = ${name} AND ${entity.keyParts.length > 0 ? `s.entity_key = ${key}` : `s.legacy_id = ${row}.${quoted(entity.idColumn)}`}`,
        ...{ version: 'COALESCE(s.version, 1)', owner: 's.owner', epoch: 'COALESCE(s.epoch, 0)' },
      }
    : {
        join: '',
        version: `${row}.backsync_version`,
        owner: `${row}.backsync_owner`,
        epoch: `${row}.backsync_epoch`,
      }
  const from = `FROM w${keys.length - 1} AS e JOIN ${quoted(entity.table)} AS t ON ${on} ${record.join} WHERE TRUE`
  const aurora = `NOT (${isDynamos(record.owner)})`
  const isKey = isKeyInSql(entity, key)
  const version = effect === 'delete' ? `${record.version} + 1` : record.version
  const buried = `INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
    SELECT x.* FROM (${walk} SELECT DISTINCT ${name} AS e, ${key} AS k, ${version} AS v, CURRENT_TIMESTAMP(3) AS a, ${record.owner} AS o, ${record.epoch} AS p
      ${from} AND ${aurora}${isKey === undefined ? '' : ` AND ${isKey}`}) AS x
    ON DUPLICATE KEY UPDATE
      deleted_at = IF(x.v > backsync_tombstones.version, x.a, backsync_tombstones.deleted_at),
      version = GREATEST(backsync_tombstones.version, x.v),
      owner = IF(x.p >= backsync_tombstones.epoch, x.o, backsync_tombstones.owner),
      epoch = GREATEST(backsync_tombstones.epoch, x.p);
  `
  return {
    any: `EXISTS (${walk} SELECT 1 ${from} ${LOCKED})`,
    taken: `EXISTS (SELECT 1 FROM (${walk} SELECT ${key} AS k ${from} ${LOCKED}) AS x
      JOIN backsync_tombstones AS d ON d.entity = ${name} AND d.entity_key = x.k WHERE ${isDynamos('d.owner')})`,
    forget: isBeside(entity)
      ? `DELETE s FROM ${RECORDS} AS s JOIN (${walk} SELECT DISTINCT ${key} AS k ${from} ${LOCKED}) AS x
      ON s.entity = ${name} AND s.entity_key = x.k;`
      : '',
    dynamos: `EXISTS (${walk} SELECT 1 ${from} AND ${isDynamos(record.owner)} ${LOCKED})`,
    log: `${effect === 'delete' ? buried : ''}INSERT INTO backsync_changes (entity, entity_key, op, version, owner, epoch)
    ${walk} SELECT DISTINCT ${name}, LEFT(${key}, 255), '${effect}', ${version}, ${record.owner}, ${record.epoch}
      ${from} AND ${aurora} ${LOCKED};`,
  }
}
