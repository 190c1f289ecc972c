import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import * as z from 'zod'
import { runCommand } from '../processes/command.ts'
import { hasCode } from '../processes/identity.ts'
import type { Log } from '../processes/log.ts'
import { temporaryFolder, userArguments } from './arguments.ts'
import { MysqlError } from './errors.ts'
import { isExecutable } from './find.ts'
import { compareVersions, describeServer, type ServerVersion } from './flavour.ts'

/** Written into a data folder last, so that a folder that has it is whole. */
const stampName = 'backsync-server.json'
const Stamp = z.object({ flavour: z.enum(['mysql', 'mariadb']), version: z.string() })

/**
 * Makes sure that there is a data folder which this server can open; makes an empty one where there is none.
 * The root user of a new one has no password. The caller holds the lock of the folder.
 *
 * @throws MysqlError `mysql.other-flavour`, `mysql.newer-folder` or `mysql.incomplete-folder` for a folder that
 *   is there and is not this server's; `mysql.initialise-failed` with the server's own words
 */
export const prepareDataFolder = async (options: {
  binary: string
  server: ServerVersion
  dataFolder: string
  log: Log
}): Promise<void> => {
  const { dataFolder, server } = options
  await removeDrafts(dataFolder)
  const content = await readdirOrNone(dataFolder)
  if (content !== undefined && content.length > 0) {
    await checkDataFolder(dataFolder, server)
  } else {
    options.log(`creating an empty data folder for ${describeServer(server)}: ${dataFolder}`)
    const draft = `${dataFolder}.draft-${process.pid}`
    await mkdir(draft, { recursive: true, mode: 0o700 })
    await mkdir(join(draft, temporaryFolder), { recursive: true, mode: 0o700 })
    if (server.flavour === 'mysql') await initialiseMysql(options.binary, draft)
    else await initialiseMariadb(options.binary, draft)
    await writeFile(join(draft, stampName), JSON.stringify(server))
    // rename() replaces an empty folder, and only an empty one.
    await rename(draft, dataFolder)
  }
}

/** Records that this version has opened the folder, after which an older one may not. */
export const stampDataFolder = async (dataFolder: string, server: ServerVersion): Promise<void> => {
  const path = join(dataFolder, stampName)
  await writeFile(`${path}.part`, JSON.stringify(server))
  await rename(`${path}.part`, path)
}

const checkDataFolder = async (dataFolder: string, server: ServerVersion): Promise<void> => {
  const advice = 'Start with --fresh to begin with empty data, or set BACKSYNC_HOME to use another folder.'
  const stamp = await readStamp(join(dataFolder, stampName))
  if (stamp === undefined) {
    const message = `${dataFolder} is not a data folder that Backsync finished making. ${advice}`
    throw new MysqlError('mysql.incomplete-folder', message)
  }
  const made = `${dataFolder} was made by ${describeServer(stamp)}, and the server found here is ${describeServer(server)}`
  if (stamp.flavour !== server.flavour) {
    throw new MysqlError('mysql.other-flavour', `${made}, which cannot read it. ${advice}`)
  }
  // Both read older folders; neither promises to read a newer one, and MySQL damages nothing by refusing first.
  if (compareVersions(majorMinor(stamp.version), majorMinor(server.version)) > 0) {
    throw new MysqlError('mysql.newer-folder', `${made}, which is too old for it. ${advice}`)
  }
}

const majorMinor = (version: string): string => version.split('.').slice(0, 2).join('.')

const readStamp = async (path: string): Promise<ServerVersion | undefined> => {
  try {
    return Stamp.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    // An unreadable stamp stamps nothing.
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof z.ZodError)
      return undefined
    throw error
  }
}

/** What an initialisation left behind that was cut short. */
const removeDrafts = async (dataFolder: string): Promise<void> => {
  const parent = dirname(dataFolder)
  for (const name of (await readdirOrNone(parent)) ?? []) {
    if (name.startsWith(`${basename(dataFolder)}.draft-`))
      await rm(join(parent, name), { recursive: true, force: true })
  }
}

const readdirOrNone = async (path: string): Promise<string[] | undefined> => {
  try {
    return await readdir(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * With temporary tables of its own: a server that starts, as this one does, removes whatever it finds of others. MySQL takes a
 * relative folder from where it is run, MariaDB from its data folder.
 */
const placeArguments = (folder: string): string[] => [`--datadir=${folder}`, `--tmpdir=${temporaryFolder}`]

const initialiseMysql = async (binary: string, folder: string): Promise<void> => {
  const args = ['--no-defaults', '--initialize-insecure', ...placeArguments(folder), ...userArguments()]
  await initialise(binary, folder, [...args, '--secure-file-priv=NULL', '--performance-schema=OFF'])
}

/**
 * Feeds the server its own bootstrap scripts. `mariadb-install-db` would do the same, but it needs helpers that
 * Debian ships in another package (my_print_defaults), and it wants to be found beside the server.
 */
const initialiseMariadb = async (binary: string, folder: string): Promise<void> => {
  const share = await findBootstrapFolder(binary)
  const scripts = await Promise.all(
    bootstrapScripts.map((names) => readFirst(names.map((name) => join(share, name)))),
  )
  const sql = [
    'CREATE DATABASE IF NOT EXISTS mysql;',
    'USE mysql;',
    // NULL: root logs in with a password (an empty one), not by being the system's root on a socket.
    'SET @auth_root_socket=NULL;',
    ...scripts,
  ]
    .join('\n')
    // Left out as `mariadb-install-db --cross-bootstrap` does: accounts for this machine's host name.
    .replaceAll(/^.*@current_hostname.*\n/gm, '')
  const args = [
    '--no-defaults',
    '--bootstrap',
    '--silent-startup',
    ...placeArguments(folder),
    ...userArguments(),
  ]
  const sizes = ['--max-allowed-packet=8M', '--net-buffer-length=16K', '--enforce-storage-engine=']
  await initialise(binary, folder, [...args, ...sizes, `--lc-messages-dir=${share}`, '--log-warnings=0'], sql)
}

/** Each by its name up to 10.11 and after. The help texts and the sys schema are left out; the bridge needs neither. */
const bootstrapScripts: ReadonlyArray<readonly string[]> = [
  ['mariadb_system_tables.sql', 'mysql_system_tables.sql'],
  ['mariadb_performance_tables.sql', 'mysql_performance_tables.sql'],
  ['mariadb_system_tables_data.sql', 'mysql_system_tables_data.sql'],
]

const findBootstrapFolder = async (binary: string): Promise<string> => {
  const prefix = dirname(dirname(await realpath(binary)))
  const shares = [join(prefix, 'share'), '/usr/share', '/usr/local/share']
  const candidates = shares.flatMap((share) => [join(share, 'mysql'), join(share, 'mariadb'), share])
  for (const folder of candidates) {
    const content = await readdirOrNone(folder)
    if (bootstrapScripts[0]?.some((name) => content?.includes(name))) return folder
  }
  const message = `${binary} has no bootstrap scripts (${bootstrapScripts[0]?.join(' or ')}) in ${candidates.join(', ')}`
  throw new MysqlError('mysql.initialise-failed', message)
}

const readFirst = async (paths: readonly string[]): Promise<string> => {
  for (const path of paths) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
  throw new MysqlError('mysql.initialise-failed', `none of ${paths.join(', ')} exists`)
}

const initialise = async (
  binary: string,
  cwd: string,
  args: readonly string[],
  input?: string,
): Promise<void> => {
  const command = binary.includes(sep) ? resolve(binary) : binary
  const outcome = await runCommand(command, args, {
    withinMs: 180_000,
    cwd,
    ...(input === undefined ? {} : { input }),
  }).catch((cause: unknown) => {
    throw new MysqlError('mysql.initialise-failed', `${binary} could not create a data folder`, { cause })
  })
  if (outcome.code === 0) return
  // Ubuntu confines its packaged mysqld to the system's data folder.
  const confined = /Permission denied|errno: 13/i.test(outcome.output) && (await isConfined())
  const hint = confined ? '\nAppArmor confines mysqld on this machine: sudo aa-complain /usr/sbin/mysqld' : ''
  const message = `${binary} could not create a data folder (exit code ${outcome.code}):\n${outcome.output.slice(-4_000)}${hint}`
  throw new MysqlError('mysql.initialise-failed', message)
}

const isConfined = async (): Promise<boolean> =>
  (await isExecutable('/usr/sbin/aa-status')) &&
  (await readdirOrNone('/etc/apparmor.d'))?.includes('usr.sbin.mysqld') === true
