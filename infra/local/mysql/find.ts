import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where packages of the usual systems put the server, off the PATH of an ordinary user. */
const usualFolders: readonly string[] = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/usr/libexec',
  '/usr/local/libexec',
  '/opt/homebrew/opt/mysql/bin',
  '/opt/homebrew/opt/mysql@8.4/bin',
  '/opt/homebrew/opt/mysql@8.0/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/bin',
  '/usr/local/opt/mysql/bin',
  '/usr/local/opt/mysql@8.4/bin',
  '/usr/local/opt/mysql@8.0/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/mysql/bin',
  '/usr/local/mysql/libexec',
  '/opt/mysql/bin',
  '/opt/mariadb/bin',
]

/** Aurora is a MySQL, so where both are to be had in one folder the MySQL name comes first. */
const names = ['mysqld', 'mariadbd']

/**
 * Looks for a MySQL or MariaDB server on the PATH, then in the usual folders.
 *
 * @returns its path; undefined when there is none. The PATH may name folders that don't exist
 */
export const findServerBinary = async (options: {
  env: NodeJS.ProcessEnv
  folders?: readonly string[]
}): Promise<string | undefined> => {
  const path = (options.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const folder of [...path, ...(options.folders ?? usualFolders)]) {
    for (const name of names) {
      const candidate = join(folder, name)
      if (await isExecutable(candidate)) return candidate
    }
  }
  return undefined
}

/** True for a file that this user may execute. */
export const isExecutable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    // Missing, forbidden, on a broken mount: whatever the reason, it is not to be used.
    return false
  }
}
