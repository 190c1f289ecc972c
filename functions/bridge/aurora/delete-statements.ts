import { type RawBuilder, sql } from 'kysely'
import type { ChildRows } from '../model/child-rows.ts'
import type { Entity } from '../model/entity.ts'
import type { Owner } from '../model/owner.ts'
import type { Batch } from './batch.ts'
import { found, type Lookup } from './record-place.ts'
import { ownColumns } from './row-key.ts'
import { childrenOf, type Keyed, keys, list, lockable, older, type Sql } from './statements.ts'

/*
 * The guarded statements of deletes, and what keeps a row from being deleted: others that refer to it. The database says so only
 * where its foreign key restricts; one that cascades takes them along, and nothing would tell of them.
 */

/** Columns of a table that refer to columns of an entity's; the table may be the entity's own. */
export type ReferringColumns = {
  readonly table: string
  readonly columns: readonly { readonly column: string; readonly to: string }[]
}

/** A row of others refers to the row `t`. */
const refersTo = (entity: Entity, { table: name, columns }: ReferringColumns, as: string): Sql => {
  const refers = columns.map(({ column, to }) => sql`${sql.ref(`${as}.${column}`)} = t.${sql.ref(to)}`)
  if (name.toLowerCase() !== entity.table.toLowerCase()) return list(refers, sql` AND `)
  const isItself = ownColumns(entity).map((own) => sql`${sql.ref(`${as}.${own}`)} = t.${sql.ref(own)}`)
  return sql`${list(refers, sql` AND `)} AND NOT (${list(isItself, sql` AND `)})`
}

/**
 * Deletes rows that hold an older version.
 *
 * @param keptBy rows that refer to one keep it: asked for behind the row's own lock, since a foreign key may take along whoever
 *   has come to refer to it by then
 */
export const deleteOlder = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: Owner,
  keptBy: readonly ReferringColumns[] = [],
): Sql => sql`
  DELETE t FROM ${keys(entity, document)} ${found(entity, lookup)}
    ${list(
      keptBy.map(
        (from, at) =>
          sql`LEFT JOIN ${sql.table(from.table)} AS ${sql.ref(`r${at}`)} ON ${refersTo(entity, from, `r${at}`)}`,
      ),
      sql` `,
    )}
  WHERE ${older(entity, by, 'delete')}${list(
    keptBy.map(({ columns }, at) => sql` AND ${sql.ref(`r${at}.${columns[0]?.column ?? ''}`)} IS NULL`),
    sql``,
  )}`

/** Deletes the child rows of rows that hold an older version and are about to be deleted. */
export const deleteChildrenOfOlder = (
  entity: Entity,
  child: ChildRows,
  document: string,
  lookup: Lookup,
  by: Owner,
): Sql => sql`
  DELETE c FROM ${keys(entity, document)} ${found(entity, lookup)} ${childrenOf(entity, child)}
  WHERE ${older(entity, by, 'delete')}`

/** Lists the deletes whose row holds an older version, and keeps those rows locked until the transaction ends. */
export const selectDeletable = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  by: Owner,
  more: Sql = sql``,
): RawBuilder<Keyed> => sql`
  SELECT j.k AS k${more} FROM ${lockable(keys(entity, document))} ${found(entity, lookup)}
  WHERE ${older(entity, by, 'delete')} FOR UPDATE`

/**
 * Lists the keys whose rows hold an older version and are referred to, by others than themselves.
 *
 * @param how `locked`: of a transaction that has locked the rows, whose snapshot may be older than who refers to them
 */
export const selectReferenced = (
  entity: Entity,
  document: string,
  lookup: Lookup,
  from: readonly ReferringColumns[],
  { by, how = 'seen' }: { readonly by: Owner; readonly how?: 'seen' | 'locked' },
): RawBuilder<{ readonly k: string }> => {
  const lock = how === 'locked' ? sql` LOCK IN SHARE MODE` : sql``
  const referring = from.map(
    (one) =>
      sql`EXISTS (SELECT 1 FROM ${sql.table(one.table)} AS r WHERE ${refersTo(entity, one, 'r')}${lock})`,
  )
  return sql`
  SELECT j.k AS k FROM ${keys(entity, document)} ${found(entity, lookup)}
  WHERE ${older(entity, by, 'delete')} AND (${sql.join(referring, sql` OR `)})`
}

/** Rows of one entity that are to be deleted together with others, as its statements read them. */
export type DeletedBeside = Pick<Batch, 'entity' | 'keys' | 'lookup' | 'by'>

/**
 * Lists the keys whose rows hold an older version and are referred to, by others than themselves and than rows that are deleted
 * with them. All of them stay locked until the transaction ends.
 *
 * @param beside what else is deleted of the table that refers to them
 */
export const selectKeptByOthers = (
  { entity, keys: document, lookup, by }: DeletedBeside,
  from: ReferringColumns,
  beside: readonly DeletedBeside[],
): RawBuilder<{ readonly k: string }> => {
  // Within it `t` is a row that is deleted, and `r` the one that refers.
  const isDeleted = beside.map((one) => {
    const same = ownColumns(one.entity).map((own) => sql`t.${sql.ref(own)} = r.${sql.ref(own)}`)
    return sql` AND NOT EXISTS (SELECT 1 FROM ${lockable(keys(one.entity, one.keys))} ${found(one.entity, one.lookup)}
      WHERE ${older(one.entity, one.by, 'delete')} AND ${list(same, sql` AND `)} LOCK IN SHARE MODE)`
  })
  return sql`
  SELECT j.k AS k FROM ${lockable(keys(entity, document))} ${found(entity, lookup)}
    STRAIGHT_JOIN ${sql.table(from.table)} AS r ON ${refersTo(entity, from, 'r')}
  WHERE ${older(entity, by, 'delete')}${list(isDeleted, sql``)} FOR UPDATE`
}
