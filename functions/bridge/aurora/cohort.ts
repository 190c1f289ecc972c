import { type RawBuilder, sql } from 'kysely'

/**
 * Whether a key belongs to the first so many parts of a route's keys: the twin of `partOf` in SQL.
 *
 * @param key an expression, the text of the key
 * @param parts as `partsIn` counts them
 */
export const isAmongFirst = (salt: string, key: RawBuilder<unknown>, parts: number): RawBuilder<unknown> =>
  sql`CRC32(CONVERT(CONCAT(${salt}, ':', CONVERT(${key} USING utf8mb4)) USING utf8mb4)) % 10000 < ${parts}`
