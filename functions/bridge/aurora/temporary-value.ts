import { type RawBuilder, sql } from 'kysely'
import type { Column } from './catalogue.ts'

/**
 * A value for a column that is to hold one which no other row has, for a moment: NULL where that is possible, else one by
 * chance and by the row's id, of so many possible ones that two are never met. Where the type has too few, none.
 *
 * @param salt random, the same for a statement's rows
 * @param id the row's own, as SQL
 */
export const temporaryValue = (
  { isNullable, type, length = 0, digits = 0 }: Column,
  salt: string,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> | undefined => {
  if (isNullable) return sql`NULL`
  const hash = sql`SHA2(CONCAT(${salt}, ${id}), 256)`
  /** A number below 16 to the power of `places`. */
  const number = (places: number) => sql`CONV(LEFT(${hash}, ${sql.raw(String(places))}), 16, 10)`
  switch (type) {
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return length < 8 ? undefined : sql`LEFT(${hash}, ${sql.raw(String(Math.min(length, 32)))})`
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return length < 8 ? undefined : sql`LEFT(UNHEX(${hash}), ${sql.raw(String(Math.min(length, 16)))})`
    case 'bigint':
      return sql`CAST(${number(15)} AS SIGNED)`
    case 'int':
      return sql`CAST(${number(7)} AS SIGNED)`
    case 'decimal':
      return digits < 9 ? undefined : sql`CAST(${number(7)} AS SIGNED)`
    case 'date':
      return sql`DATE_ADD('1000-01-01', INTERVAL CAST(${number(5)} AS SIGNED) DAY)`
    case 'datetime':
      return sql`DATE_ADD('1000-01-01', INTERVAL CAST(${number(7)} AS SIGNED) SECOND)`
    default:
      return undefined
  }
}
