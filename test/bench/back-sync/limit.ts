import type { Connection, ResultSetHeader } from 'mysql2/promise'
import { chefRow, UPDATED_AT } from './events.ts'

/** The most that the server takes: multi-row upserts of the same rows, by mysql2, without any guard. */
export const upsertRows = async (
  direct: Connection,
  { from, count, version }: { readonly from: number; readonly count: number; readonly version: number },
  size = 1000,
): Promise<number> => {
  const at = UPDATED_AT.slice(0, -1).replace('T', ' ')
  const parts = Array.from({ length: Math.ceil(count / size) }, (_, part) =>
    Array.from({ length: Math.min(size, count - part * size) }, (_row, place) => {
      const { key, firstName, lastName } = chefRow(from + part * size + place, version)
      return [firstName, lastName, key, version, at]
    }),
  )
  const start = performance.now()
  for (const rows of parts)
    await direct.query<ResultSetHeader>(
      `INSERT INTO cheftable (cheffirst, cheflast, backsync_key, backsync_version, backsync_updated_at) VALUES ?
       ON DUPLICATE KEY UPDATE cheffirst = VALUES(cheffirst), cheflast = VALUES(cheflast),
         backsync_version = VALUES(backsync_version), backsync_updated_at = VALUES(backsync_updated_at)`,
      [rows],
    )
  return performance.now() - start
}
