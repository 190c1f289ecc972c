import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../errors/thrown.ts'
import { LockedError } from '../processes/errors.ts'
import { hasCode } from '../processes/identity.ts'
import { acquireLock, type Lock } from '../processes/lock.ts'
import type { Log } from '../processes/log.ts'
import { startOnRememberedPort } from '../processes/port.ts'
import { defaultRestart, type RestartPolicy, superviseProcess } from '../processes/supervisor.ts'
import { DynamoDbError } from './errors.ts'
import { type Emulator, findEmulator, howToGetDynamoDb } from './find.ts'
import { probeDynamoDb } from './probe.ts'

/** A DynamoDB with streams that is up. Tables and streams answer on the same endpoint. */
export type DynamoDbServer = {
  /** Such as `http://127.0.0.1:8000`, without a slash at its end. */
  readonly endpoint: string
  /** `external` is the one of DYNAMODB_ENDPOINT, which is somebody else's: `stop` leaves it alone. */
  readonly kind: 'external' | Emulator['kind']
  /** The number of the server's process now; undefined for an external one and while it is down. */
  readonly pid: number | undefined
  /** Ends the private server and waits for its end. Safe to repeat. */
  stop(): Promise<void>
}

export type DynamoDbOptions = {
  /** Holds the data folder `dynamodb`, the log and the lock. Made where it is missing. */
  readonly home: string
  readonly log: Log
  /** `DYNAMODB_ENDPOINT`, `DYNAMODB_LOCAL_JAR`, `JAVA_HOME` and `PATH` count. Default: process.env. */
  readonly env?: NodeJS.ProcessEnv
  /** What to do when the private server ends by itself. Default: start it again, some times. */
  readonly restart?: RestartPolicy
}

/**
 * Finds a DynamoDB, or runs a private one whose data are in `<home>/dynamodb`: on 127.0.0.1 only, started again on
 * the same port when it crashes.
 *
 * The order: DYNAMODB_ENDPOINT; dynoxide as a package, then on the PATH; DynamoDB Local, where Java and the jar are.
 *
 * @throws DynamoDbError, with the one command to run in its message when there is none to be had; StartError
 */
export const startDynamoDb = async (options: DynamoDbOptions): Promise<DynamoDbServer> => {
  const env = options.env ?? process.env
  const endpoint = env.DYNAMODB_ENDPOINT
  if (endpoint !== undefined && endpoint !== '') return useExternal(endpoint)
  const emulator = await findEmulator({ env })
  if (emulator === undefined) {
    const command = howToGetDynamoDb(process.platform, process.arch)
    throw new DynamoDbError('dynamodb.not-found', `no DynamoDB found. To get one, run:\n\n  ${command}\n`)
  }
  const lock = await lockFolder(options.home)
  try {
    return await startPrivate({ ...options, env }, emulator, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

const useExternal = async (text: string): Promise<DynamoDbServer> => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    const message = `DYNAMODB_ENDPOINT is "${text}", expected a url such as http://127.0.0.1:8000`
    throw new DynamoDbError('dynamodb.bad-endpoint', message)
  }
  const endpoint = text.replace(/\/+$/, '')
  await probeDynamoDb(endpoint, 5_000).catch((cause: unknown) => {
    const reason = messageOf(cause)
    const message = `the DynamoDB of DYNAMODB_ENDPOINT (${endpoint}) cannot be used: ${reason}`
    throw new DynamoDbError('dynamodb.unreachable', message, { cause })
  })
  return { endpoint, kind: 'external', pid: undefined, stop: async () => {} }
}

const lockFolder = async (home: string): Promise<Lock> => {
  await mkdir(home, { recursive: true })
  return acquireLock(join(home, 'dynamodb.lock')).catch((cause: unknown) => {
    if (!(cause instanceof LockedError)) throw cause
    const message = `the DynamoDB data in ${home} are in use by process ${cause.pid}. Stop it, or set BACKSYNC_HOME to another folder.`
    throw new DynamoDbError('dynamodb.already-running', message, { cause })
  })
}

const startPrivate = async (
  options: DynamoDbOptions,
  emulator: Emulator,
  lock: Lock,
): Promise<DynamoDbServer> => {
  const home = await realpath(options.home)
  const dataFolder = join(home, 'dynamodb')
  await mkdir(dataFolder, { recursive: true, mode: 0o700 })
  await claimFolder(dataFolder, emulator.kind)

  const { port, started } = await startOnRememberedPort(join(home, 'dynamodb.port'), (port) =>
    superviseProcess({
      name: names[emulator.kind],
      ...commandOf(emulator, dataFolder, port),
      // Keeps DynamoDB Local from reporting its use to its maker.
      env: { ...options.env, DDB_LOCAL_TELEMETRY: '0' },
      cwd: dataFolder,
      pidFile: join(home, 'dynamodb.pid'),
      mark: dataFolder,
      logFile: join(home, 'logs', 'dynamodb.log'),
      log: options.log,
      probe: () => probeDynamoDb(`http://127.0.0.1:${port}`, 5_000),
      readyWithinMs: 30_000,
      stopWithinMs: 5_000,
      restart: options.restart ?? defaultRestart,
    }),
  )
  return {
    endpoint: `http://127.0.0.1:${port}`,
    kind: emulator.kind,
    get pid() {
      return started.pid
    },
    stop: async () => {
      await started.stop()
      await lock.release()
    },
  }
}

const names: Readonly<Record<Emulator['kind'], string>> = {
  dynoxide: 'dynoxide',
  'dynamodb-local': 'DynamoDB Local',
}

const commandOf = (emulator: Emulator, folder: string, port: number): { command: string; args: string[] } => {
  if (emulator.kind === 'dynoxide') {
    const args = ['--host', '127.0.0.1', '--port', String(port), '--db-path', join(folder, 'dynoxide.sqlite')]
    return { command: emulator.binary, args }
  }
  const library = `-Djava.library.path=${emulator.jar.replace(/\.jar$/, '_lib')}`
  // -sharedDb: one set of tables whatever the caller's region and access key, as the other emulator has it.
  const args = ['-jar', emulator.jar, '-port', String(port), '-sharedDb', '-dbPath', folder]
  return { command: emulator.java, args: ['-Xmx512m', library, ...args] }
}

/** The two keep their data in different forms; each would start empty on the other's, and the data seem lost. */
const claimFolder = async (folder: string, kind: Emulator['kind']): Promise<void> => {
  const path = join(folder, 'backsync-server')
  const owner = await readOrNone(path)
  if (owner === undefined) return writeFile(path, kind)
  if (owner === kind) return
  const message = `${folder} holds data of ${owner}, and what was found here is ${kind}. Start with --fresh to begin with empty data, or set BACKSYNC_HOME to use another folder.`
  throw new DynamoDbError('dynamodb.other-kind', message)
}

const readOrNone = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
