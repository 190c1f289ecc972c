import { existsSync, realpathSync } from 'node:fs'
import { findServerBinary } from '../../infra/local/mysql/find.ts'

/** A database server to prove it on. */
export type Engine = {
  readonly name: string
  /** Over this process's environment. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * The server that `npm test` would start, and the one that BACKSYNC_MYSQLD names, where that is another one. A server of
 * somebody else (MYSQL_URL) is not ours to kill, so it is not used.
 */
export const enginesOf = async (env: NodeJS.ProcessEnv): Promise<readonly Engine[]> => {
  const named = env.BACKSYNC_MYSQLD
  const found = await findServerBinary({ env })
  const paths = [found, named].flatMap((path) => (path ? [path] : []))
  const own = { MYSQL_URL: '', TEST_MYSQL_URL: '' }
  // One server often has both names, mysqld and mariadbd.
  const servers = new Map(paths.map((path) => [existsSync(path) ? realpathSync(path) : path, path]))
  const engines = [...servers.values()].map((path) => ({
    name: path,
    env: { ...own, BACKSYNC_MYSQLD: path },
  }))
  // None: whoever starts one says what is missing.
  return engines.length > 0 ? engines : [{ name: 'the default server', env: own }]
}
