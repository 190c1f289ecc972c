import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sqlFolder } from '../../../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

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
