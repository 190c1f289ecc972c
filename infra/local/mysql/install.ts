import { readFile } from 'node:fs/promises'
import { runCommand } from '../processes/command.ts'
import { hasCode } from '../processes/identity.ts'
import type { Log } from '../processes/log.ts'
import { MysqlError } from './errors.ts'
import { findServerBinary, isExecutable } from './find.ts'

/** What decides how a server can be had on a machine. */
export type Machine = {
  readonly platform: NodeJS.Platform
  readonly isRoot: boolean
  readonly hasApt: boolean
}

export const thisMachine = async (): Promise<Machine> => ({
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  hasApt: (await isExecutable('/usr/bin/apt-get')) && (await isDebianLike()),
})

/** The one command that gets a server on a machine; the last resort works wherever Docker does. */
export const howToGetMysql = (machine: Machine): string => {
  if (machine.platform === 'darwin') return 'brew install mysql'
  if (machine.hasApt)
    return 'sudo apt-get update && sudo apt-get install --no-install-recommends mariadb-server-core'
  const image = 'docker run --rm -d -p 127.0.0.1:3306:3306 -e MYSQL_ROOT_PASSWORD=backsync mysql:8.0'
  return machine.platform === 'win32'
    ? `${image} & set MYSQL_URL=mysql://root:backsync@127.0.0.1:3306`
    : `${image} && export MYSQL_URL=mysql://root:backsync@127.0.0.1:3306`
}

/**
 * Installs MariaDB's server program with apt (the `-core` package: no service, no accounts, no data folder).
 *
 * @returns the path of the server
 * @throws MysqlError `mysql.install-failed` with the last lines of apt
 */
export const installWithApt = async (log: Log, env: NodeJS.ProcessEnv): Promise<string> => {
  log('no MySQL or MariaDB server found; installing mariadb-server-core with apt')
  const options = {
    env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
    onLine: (line: string) => log(`  apt: ${line}`),
  }
  // Another apt may be at work, as on a machine that has just been started: wait for it, within the time limit.
  const wait = ['-o', 'DPkg::Lock::Timeout=120']
  const steps = [
    { args: [...wait, '-q', 'update'], withinMs: 180_000 },
    {
      args: [
        ...wait,
        '-o',
        'Dpkg::Use-Pty=0',
        '-q',
        '-y',
        '--no-install-recommends',
        'install',
        'mariadb-server-core',
      ],
      withinMs: 420_000,
    },
  ]
  for (const { args, withinMs } of steps) {
    const outcome = await runCommand('apt-get', args, { ...options, withinMs }).catch((cause: unknown) => {
      throw new MysqlError('mysql.install-failed', `apt-get ${args.join(' ')} failed`, { cause })
    })
    if (outcome.code !== 0) {
      const message = `apt-get ${args.join(' ')} ended with exit code ${outcome.code}:\n${outcome.output.slice(-2_000)}`
      throw new MysqlError('mysql.install-failed', message)
    }
  }
  const binary = await findServerBinary({ env })
  if (binary === undefined) {
    throw new MysqlError(
      'mysql.install-failed',
      'apt installed mariadb-server-core, but no server is to be found',
    )
  }
  return binary
}

const isDebianLike = async (): Promise<boolean> => {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(await readFile('/etc/os-release', 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
