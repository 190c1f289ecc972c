import type { Entity } from '../../model/entity.ts'
import type { ForeignKey } from '../catalogue.ts'
import { quoted } from '../part-sql.ts'
import { isBeside, RECORDS } from '../record-names.ts'
import { ownColumns } from '../row-key.ts'
import { isKeyInSql, keyInSql, literal } from './key-text.ts'
import type { Moment } from './names.ts'
import { isDynamos, refuses } from './statements-in.ts'

/*
 * The rows that foreign keys reach when another one is deleted or changes: no trigger of theirs runs. So the table from which it
 * begins tells of them, before it happens, also where tables lie between that no entity has.
 */

/** What becomes of a row at the end of a way. */
type Way = { readonly keys: readonly ForeignKey[]; readonly effect: 'delete' | 'upsert' }

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

const isRound = (key: ForeignKey): boolean => same(key.table, key.to)

/** All ways by which the delete of a row of one table reaches rows of another: rounds within a table are gone where it is reached. */
const waysOf = (from: string, to: string, all: readonly ForeignKey[]): readonly Way[] => {
  const ways: Way[] = []
  const go = (table: string, before: readonly ForeignKey[]): void => {
    for (const key of all) {
      if (!same(key.to, table) || before.includes(key)) continue
      const keys = [...before, key]
      if (key.onDelete === 'SET NULL' && same(key.table, to)) ways.push({ keys, effect: 'upsert' })
      if (key.onDelete !== 'CASCADE' || (isRound(key) && before.length > 0)) continue
      if (same(key.table, to)) ways.push({ keys, effect: 'delete' })
      go(key.table, keys)
    }
  }
  go(from, [])
  return ways
}

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
    const changed = keys
      .filter((key) => same(key.to, table) && same(key.table, entity.table))
      .filter(({ onUpdate }) => onUpdate === 'CASCADE' || onUpdate === 'SET NULL')
      .map((key) => ({ key, told: told(entity, { keys: [key], effect: 'upsert' }, [], undefined) }))
    // Plain SQL on a row that DynamoDB owns has been refused by then: it is the bridge's.
    const isOwn = owned(table) ? isDynamos('OLD.backsync_owner') : 'FALSE'
    const body = (parts: readonly Told[]): string => `BEGIN
  IF NOT (${isOwn}) AND NOT ${ANY_MARKED} AND (${parts.map(({ dynamos }) => dynamos).join(' OR ')}) THEN
    ${refuses(entity)}
  END IF;
  ${parts.map(({ log }) => log).join('\n  ')}
END`
    const bodies: Partial<Record<Moment, string>> = {
      ...(gone.length > 0 && { bd: body(gone) }),
      ...(changed.length > 0 && {
        bu: `BEGIN
  ${changed.map(({ key, told: one }) => `IF ${moves(key)} THEN ${body([one])}; END IF;`).join('\n  ')}
END`,
      }),
    }
    return Object.keys(bodies).length === 0 ? [] : [{ table, bodies }]
  })
}

const ANY_MARKED = `(@backsync_writer <=> CONNECTION_ID()
      AND EXISTS (SELECT 1 FROM backsync_writers AS w WHERE w.connection = CONNECTION_ID()))`

const moves = ({ columns }: ForeignKey): string =>
  columns.map(({ to }) => `NOT (NEW.${quoted(to)} <=> OLD.${quoted(to)})`).join(' OR ')

type Told = { readonly dynamos: string; readonly log: string }

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
 */
const walked = (
  way: readonly ForeignKey[],
  all: readonly ForeignKey[],
  wanted: readonly string[],
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
        ? `SELECT ${columns} FROM ${table} WHERE ${above(key, 'OLD')}`
        : `SELECT ${columns} FROM w${at - 1} AS b JOIN ${table} ON ${above(key, 'b')}`
    const more = rounds.map((one) => `SELECT ${columns} FROM w${at} AS b JOIN ${table} ON ${above(one, 'b')}`)
    const members = [begin, ...more].map((member) => `(${member} ${LOCKED})`)
    return `w${at} (${names.map(quoted).join(', ')}) AS (${members.join(' UNION ')})`
  })
  return `WITH RECURSIVE ${steps.join(', ')}`
}

/** What is told of the rows at the end of a way. @param parents the columns by which they are an entity's, where they are of a list */
const told = (
  entity: Entity,
  { keys, effect }: Way,
  all: readonly ForeignKey[],
  parents: readonly string[] | undefined,
): Told => {
  const row = 't'
  const own = ownColumns(entity)
  const wanted = parents ?? own
  const on = own.map((column, at) => `t.${quoted(column)} = e.${quoted(wanted[at] ?? '')}`).join(' AND ')
  const walk = walked(keys, all, wanted)
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
    dynamos: `EXISTS (${walk} SELECT 1 ${from} AND ${isDynamos(record.owner)} ${LOCKED})`,
    log: `${effect === 'delete' ? buried : ''}INSERT INTO backsync_changes (entity, entity_key, op, version, owner, epoch)
    ${walk} SELECT DISTINCT ${name}, LEFT(${key}, 255), '${effect}', ${version}, ${record.owner}, ${record.epoch}
      ${from} AND ${aurora} ${LOCKED};`,
  }
}
