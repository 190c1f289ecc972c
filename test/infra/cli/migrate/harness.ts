import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqlFolder } from '../../../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import type { TestStack } from '../harness.ts'

/** A team's folder of migrations: those of the fixtures, which are applied, and what a test adds. */
export type MigrationsFolder = TemporaryFolder & { write(name: string, up: string, down?: string): void }

export const openMigrationsFolder = async (): Promise<MigrationsFolder> => {
  const folder = await makeFolder()
  cpSync(sqlFolder, folder.path, { recursive: true })
  return {
    ...folder,
    write: (name, up, down = 'SELECT 1') => {
      writeFileSync(join(folder.path, `${name}.up.sql`), up)
      writeFileSync(join(folder.path, `${name}.down.sql`), down)
    },
  }
}

/** Takes back what a test has applied beyond the fixtures: its records, the lock, the faults that it has planted, and tables. */
export const forget = async ({ aurora }: TestStack, ...tables: readonly string[]): Promise<void> => {
  aurora.api.faults.clear()
  for (const query of [
    `DROP TABLE IF EXISTS ${tables.join(', ')}`,
    'DELETE FROM backsync_migrations WHERE id >= 100',
    "UPDATE backsync_migration_lock SET owner = '', leased_until = NULL",
  ])
    await aurora.legacy.query(query)
}
