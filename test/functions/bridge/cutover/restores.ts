import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { RowDataPacket } from 'mysql2'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirrored, type Outage } from '../backfill/outage.ts'

/** What is restored of Aurora: rows, and what is known of those that are gone. */
const TABLES = ['cheftable', 'backsync_tombstones', 'backsync_changes', 'backsync_marks'] as const

/**
 * Keeps what a store holds of an entity.
 *
 * @param keys that it has, or might have
 * @returns restores it, whatever has been written since
 */
export const keepStore = async (
  side: Owner,
  keys: readonly string[],
  { world, legacy }: Pick<Outage, 'world' | 'legacy'>,
): Promise<() => Promise<void>> => {
  const { sync } = world
  if (side === 'dynamo') {
    const items = new Map<string, Record<string, AttributeValue> | undefined>()
    for (const key of keys) items.set(key, await world.item(mirrored, key))
    return async () => {
      for (const [key, item] of items)
        await (item === undefined ? sync.remove(mirrored, key) : sync.put(mirrored, item))
    }
  }
  const { aurora } = sync
  const read = async (statement: string, values: unknown[] = []): Promise<RowDataPacket[]> =>
    (await aurora.legacy.query<RowDataPacket[]>(statement, values))[0]
  const kept: { table: string; columns: string[]; rows: RowDataPacket[] }[] = []
  for (const table of TABLES) {
    // What is invisible is in no `*`.
    const named = await read(
      'SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?',
      [table],
    )
    const columns = named.map(({ name }) => String(name))
    const list = columns.map((name) => `\`${name}\``).join(', ')
    kept.push({ table, columns, rows: await read(`SELECT ${list} FROM ${table}`) })
  }
  return async () => {
    await removeMirror(aurora, [mirrored])
    await legacy('SET FOREIGN_KEY_CHECKS = 0')
    for (const { table, columns, rows } of kept) {
      await legacy(`DELETE FROM ${table}`)
      const list = columns.map((name) => `\`${name}\``).join(', ')
      const places = columns.map(() => '?').join(', ')
      for (const row of rows)
        await legacy(
          `INSERT INTO ${table} (${list}) VALUES (${places})`,
          columns.map((name) => row[name]),
        )
    }
    await legacy('SET FOREIGN_KEY_CHECKS = 1')
    await installMirror(aurora, [mirrored])
  }
}
