import { randomBytes } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { columnsOf, writable } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import type { Batch } from './batch.ts'
import type { Catalogue, Column, Unique } from './catalogue.ts'
import { found } from './record-place.ts'
import { ownColumns } from './row-key.ts'
import { type SpareValues, spareValues } from './spare-values.ts'
import * as statements from './statements.ts'
import type { Step } from './step.ts'

/*
 * Values of unique indexes that change places: the old ones give way, for as long as the transaction lasts, to others that no
 * row has. Which these are the column's kind says, and the table, which is asked whether they are taken.
 */

/** A column whose values can give way to others, for an index or for several. */
export type Yielding = {
  readonly column: Column
  /** Undefined for one that may be NULL: as many rows as will have that. */
  readonly spares: SpareValues | undefined
  /** All unique indexes that it is in. */
  readonly uniques: readonly Unique[]
}

/** So many values are tried for each row where all of them are given others at once. */
const TRIED_AT_ONCE = 8n
/** Values of a single row that are tried; a kind that has no more is tried whole. */
const TRIED = 65_536n

/**
 * The column that gives way for a unique index: one that may be NULL or, where there is none, that with the most values. One that
 * is part of a foreign key can take those of other rows only; what is part of the entity's key is never written.
 *
 * @returns for each index that has such a column, by its name in lower case
 */
export const yieldingOf = async (
  entity: Entity,
  catalogue: Catalogue,
): Promise<ReadonlyMap<string, Yielding>> => {
  const { table, attributes } = entity
  const [columns, uniques, foreign, referrers] = await Promise.all([
    catalogue.columns(table),
    catalogue.uniques(table),
    catalogue.foreign(table),
    catalogue.referrers(table),
  ])
  const own = lower(writable(attributes).flatMap(([, one]) => columnsOf(one)))
  const kept = lower([
    ...ownColumns(entity),
    ...referrers.flatMap((one) => one.columns.map(({ to }) => to)),
    ...columns.filter(({ isGenerated }) => isGenerated).map(({ name }) => name),
  ])
  const bound = lower(foreign)
  const mayYield = columns.filter(({ name }) => own.has(name.toLowerCase()) && !kept.has(name.toLowerCase()))
  const yielding = ({ columns: names }: Unique): Yielding | undefined => {
    const of = lower(names)
    const candidates = mayYield.filter(({ name }) => of.has(name.toLowerCase()))
    const inIndexes = ({ name }: Column) =>
      uniques.filter((one) => lower(one.columns).has(name.toLowerCase()))
    const [empty] = candidates
      .filter(({ isNullable }) => isNullable)
      // What is part of no reference can be taken away without a second thought.
      .toSorted((a, b) => Number(bound.has(a.name.toLowerCase())) - Number(bound.has(b.name.toLowerCase())))
    if (empty !== undefined) return { column: empty, spares: undefined, uniques: inIndexes(empty) }
    const [widest] = candidates
      .flatMap((column) => {
        const spares = bound.has(column.name.toLowerCase()) ? undefined : spareValues(column)
        return spares === undefined ? [] : [{ column, spares, uniques: inIndexes(column) }]
      })
      .toSorted((a, b) => Number(b.spares.size > a.spares.size) - Number(b.spares.size < a.spares.size))
    return widest
  }
  return new Map(
    uniques.flatMap((unique) => {
      const one = yielding(unique)
      return one === undefined ? [] : [[unique.index.toLowerCase(), one]]
    }),
  )
}

const lower = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()))

/** Gives the rows of a batch other values, as many of them as values are found for at once. @returns how many rows */
export const makeRoom = async (step: Step, batch: Batch, yielding: Yielding): Promise<number> => {
  const { column, spares } = yielding
  if (spares === undefined) return yieldToNull(step, batch, column)
  // No two rows are given one of the same: what is free for one of them alone is free for all.
  const each = spares.ordinary / BigInt(batch.changes.length)
  const tried = each < TRIED_AT_ONCE ? each : TRIED_AT_ONCE
  const base = randomBelow(spares.ordinary)
  const pairs = batch.changes.flatMap(({ key }, at) =>
    Array.from({ length: Number(tried) }, (_, n) => {
      const place = (base + BigInt(at) * each + BigInt(n)) % spares.ordinary
      return [key, spares.text(place)] as const
    }),
  )
  return yieldTo(step, batch, yielding, pairs)
}

/** As `makeRoom`, of one row alone, with all that its column could hold. @param batch of one change */
export const makeRoomForOne = async (step: Step, batch: Batch, yielding: Yielding): Promise<boolean> => {
  const { column, spares } = yielding
  if (spares === undefined) return (await yieldToNull(step, batch, column)) > 0
  const isFew = spares.size <= TRIED
  const base = isFew ? 0n : randomBelow(spares.ordinary)
  const tried = isFew ? spares.size : TRIED / 16n
  const pairs = Array.from({ length: Number(tried) }, (_, n) => {
    return [null, spares.text((base + BigInt(n)) % (isFew ? spares.size : spares.ordinary))] as const
  })
  return (await yieldTo(step, batch, yielding, pairs)) > 0
}

const yieldToNull = (step: Step, { entity, keys, lookup, by }: Batch, { name }: Column): Promise<number> =>
  step.run(statements.loosen(entity, keys, lookup, [{ column: name, value: sql`NULL` }], by))

/** A row's key, or null for any row's, and a value that it may be given. */
type Pair = readonly [key: string | null, text: string]

const yieldTo = async (
  { db, run }: Step,
  batch: Batch,
  { column, spares, uniques }: Yielding,
  pairs: readonly Pair[],
): Promise<number> => {
  if (pairs.length === 0 || spares === undefined) return 0
  const value = spares.stored(sql`y.v`)
  const { rows } = await selectFree(batch, { column, uniques, value }, pairs).execute(db)
  const free = new Map(rows.map(({ k, v }) => [k, v]))
  if (free.size === 0) return 0
  const { entity, keys, lookup, by } = batch.only(({ key }) => free.has(key))
  const given = pairsTable(JSON.stringify([...free]))
  return run(statements.loosen(entity, keys, lookup, [{ column: column.name, value }], by, given))
}

/** The pairs as the table `y`. */
const pairsTable = (
  document: string,
): RawBuilder<unknown> => sql`JOIN JSON_TABLE(${document}, '$[*]' COLUMNS (
  k VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$[0]' NULL ON EMPTY ERROR ON ERROR,
  v VARCHAR(64) CHARACTER SET utf8mb4 PATH '$[1]' ERROR ON ERROR)) AS y ON y.k IS NULL OR y.k = j.k`

/** Lists, for rows that hold an older version, values that no row has in any unique index. */
const selectFree = (
  { entity, keys, lookup, by, changes }: Batch,
  { column, uniques, value }: Pick<Yielding, 'column' | 'uniques'> & { readonly value: RawBuilder<unknown> },
  pairs: readonly Pair[],
): RawBuilder<{ readonly k: string; readonly v: string }> => {
  const taken = uniques.map(({ columns }) => {
    const others = columns
      .filter((name) => name.toLowerCase() !== column.name.toLowerCase())
      .map((name) => sql`x.${sql.ref(name)} <=> t.${sql.ref(name)}`)
    const same = [sql`x.${sql.ref(column.name)} = ${value}`, ...others]
    return sql`NOT EXISTS (SELECT 1 FROM ${sql.table(entity.table)} AS x WHERE ${sql.join(same, sql` AND `)})`
  })
  return sql`
  SELECT j.k AS k, y.v AS v
  FROM ${statements.keys(entity, keys)} ${found(entity, lookup)} ${pairsTable(JSON.stringify(pairs))}
  WHERE ${sql.join([statements.older(entity, by), ...taken], sql` AND `)}
  LIMIT ${sql.raw(String(changes.length * Number(TRIED_AT_ONCE)))}`
}

const randomBelow = (end: bigint): bigint => BigInt(`0x${randomBytes(16).toString('hex')}`) % end
