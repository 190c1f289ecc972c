import { mkdir, realpath, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LockedError } from '../processes/errors.ts'
import { acquireLock, type Lock } from '../processes/lock.ts'
import type { Log } from '../processes/log.ts'
import { startOnRememberedPort } from '../processes/port.ts'
import {
  defaultRestart,
  type RestartPolicy,
  type SupervisedProcess,
  superviseProcess,
} from '../processes/supervisor.ts'
import { serverArguments, temporaryFolder } from './arguments.ts'
import { askServer, type Login } from './connect.ts'
import { MysqlError } from './errors.ts'
import { mysqlUrl, useExternalServer } from './external.ts'
import { findServerBinary } from './find.ts'
import { describeServer, detectFlavour, type ServerVersion } from './flavour.ts'
import { prepareDataFolder, stampDataFolder } from './initialise.ts'
import { howToGetMysql, installWithApt, thisMachine } from './install.ts'

/** A MySQL or MariaDB server that is up. */
export type MysqlServer = Login &
  ServerVersion & {
    /** `mysql://root@127.0.0.1:3307`: a login that may do everything, and no database. */
    readonly url: string
    /** True for the server of MYSQL_URL, which is somebody else's: `stop` leaves it alone. */
    readonly external: boolean
    /** The number of the server's process now; undefined for an external one and while it is down. */
    readonly pid: number | undefined
    /** Ends the private server and waits for its end. Safe to repeat. */
    stop(): Promise<void>
  }

export type MysqlOptions = {
  /** Holds the data folder `mysql`, the log and the lock. Made where it is missing. */
  readonly home: string
  readonly log: Log
  /** `MYSQL_URL`, `BACKSYNC_MYSQLD` (the path of a mysqld or mariadbd) and `PATH` count. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv
  /** What to do when the private server ends by itself. Default: start it again, some times. */
  readonly restart?: RestartPolicy
}

/**
 * Finds a MySQL server, or runs a private one in `<home>/mysql`: on 127.0.0.1 only, set up as Aurora MySQL is,
 * root without a password, started again on the same port when it crashes.
 *
 * The order: MYSQL_URL; BACKSYNC_MYSQLD; a server on the PATH or in the usual folders; apt, for root on Debian or Ubuntu.
 *
 * @throws MysqlError, with the one command to run in its message when there is no server to be had; StartError
 */
export const startMysql = async (options: MysqlOptions): Promise<MysqlServer> => {
  const env = options.env ?? process.env
  const url = env.MYSQL_URL
  if (url !== undefined && url !== '') {
    const server = await useExternalServer(url)
    return { ...server, url: mysqlUrl(server), external: true, pid: undefined, stop: async () => {} }
  }
  const binary = await obtainBinary(options.log, env)
  const server = await detectFlavour(binary)
  const lock = await lockFolder(options.home)
  try {
    return await startPrivate(options, { binary, server, lock })
  } catch (error) {
    await lock.release()
    throw error
  }
}

const obtainBinary = async (log: Log, env: NodeJS.ProcessEnv): Promise<string> => {
  const named = env.BACKSYNC_MYSQLD
  if (named !== undefined && named !== '') return resolve(named)
  const found = await findServerBinary({ env })
  if (found !== undefined) return found
  const machine = await thisMachine()
  if (machine.platform === 'linux' && machine.isRoot && machine.hasApt) return installWithApt(log, env)
  const message = `no MySQL or MariaDB server found. To get one, run:\n\n  ${howToGetMysql(machine)}\n`
  throw new MysqlError('mysql.not-found', message)
}

const lockFolder = async (home: string): Promise<Lock> => {
  await mkdir(home, { recursive: true })
  return acquireLock(join(home, 'mysql.lock')).catch((cause: unknown) => {
    if (!(cause instanceof LockedError)) throw cause
    const message = `the MySQL data in ${home} is in use by process ${cause.pid}. Stop it, or set BACKSYNC_HOME to another folder.`
    throw new MysqlError('mysql.already-running', message, { cause })
  })
}

const startPrivate = async (
  options: MysqlOptions,
  found: { binary: string; server: ServerVersion; lock: Lock },
): Promise<MysqlServer> => {
  const { binary, server, lock } = found
  // MySQL reports its folder without symbolic links, and the readiness probe compares.
  const home = await realpath(options.home)
  const dataFolder = join(home, 'mysql')
  await prepareDataFolder({ binary, server, dataFolder, log: options.log })

  const start = async (port: number): Promise<SupervisedProcess> =>
    superviseProcess({
      name: describeServer(server),
      command: binary,
      args: serverArguments({ flavour: server.flavour, dataFolder, port }),
      // The socket's path is relative to where the server was started until it has entered its data folder.
      cwd: dataFolder,
      pidFile: join(home, 'mysql.pid'),
      mark: `--datadir=${dataFolder}`,
      logFile: join(home, 'logs', 'mysql.log'),
      log: options.log,
      // A killed server's socket lock names a process number that may be somebody else's by now, and MySQL then
      // refuses to start. No server runs on this folder: its lock is held and a stale one has been ended.
      beforeStart: async () => {
        await rm(join(dataFolder, 'mysqld.sock.lock'), { force: true })
        await mkdir(join(dataFolder, temporaryFolder), { recursive: true, mode: 0o700 })
      },
      probe: () => probe(loginOn(port), dataFolder),
      // A crash recovery of much data takes its time.
      readyWithinMs: 120_000,
      stopWithinMs: 15_000,
      restart: options.restart ?? defaultRestart,
    })

  const { port, started: supervised } = await startOnRememberedPort(join(home, 'mysql.port'), start)
  await stampDataFolder(dataFolder, server)
  const login = loginOn(port)
  return {
    ...login,
    ...server,
    url: mysqlUrl(login),
    external: false,
    get pid() {
      return supervised.pid
    },
    stop: async () => {
      await supervised.stop()
      await lock.release()
    },
  }
}

const loginOn = (port: number): Login => ({ host: '127.0.0.1', port, user: 'root', password: '' })

const probe = async (login: Login, dataFolder: string): Promise<void> => {
  const facts = await askServer(login, 5_000)
  // Between the choice of the port and the server's bind another server may have taken it.
  if (resolve(facts.dataFolder) !== dataFolder)
    throw new MysqlError(
      'mysql.unreachable',
      `port ${login.port} is answered by a server on ${facts.dataFolder}`,
    )
}
