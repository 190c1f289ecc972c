import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { probeDynamoDb } from '../../infra/local/dynamodb/probe.ts'
import { findFreePort } from '../../infra/local/processes/port.ts'
import { until } from './until.ts'

/** Amazon's own DynamoDB for one machine, empty at first. It listens on all interfaces: there is no option for less. */
export type DynamoDbLocal = { readonly endpoint: string; stop(): Promise<void> }

const READY_MS = 30_000
const STOP_MS = 5_000

/**
 * Where the jar is: DYNAMODB_LOCAL_JAR names it or the folder that holds it. It is no part of the project.
 *
 * @returns undefined when the variable isn't set
 * @throws Error when it is, and there is no jar
 */
export const dynamoDbLocalJar = async (env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> => {
  const named = env.DYNAMODB_LOCAL_JAR
  if (named === undefined || named === '') return undefined
  const jar = (await stat(named)).isDirectory() ? join(named, 'DynamoDBLocal.jar') : named
  if (!(await stat(jar)).isFile()) throw new Error(`DYNAMODB_LOCAL_JAR: ${jar} is no file`)
  return jar
}

/** @throws Error when it doesn't answer within 30 s, with what it has said */
export const startDynamoDbLocal = async (jar: string): Promise<DynamoDbLocal> => {
  const folder = await mkdtemp(join(tmpdir(), 'backsync-dynamodb-local-'))
  const port = await findFreePort()
  const endpoint = `http://127.0.0.1:${port}`
  const library = `-Djava.library.path=${jar.replace(/\.jar$/, '_lib')}`
  // -sharedDb: one set of tables whatever the caller's region and access key.
  const args = ['-Xmx512m', library, '-jar', jar, '-port', String(port), '-sharedDb', '-inMemory']
  const child = spawn('java', args, {
    cwd: folder,
    // Keeps it from reporting its use to its maker.
    env: { ...process.env, DDB_LOCAL_TELEMETRY: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (chunk: string) => said.push(chunk))
  const stop = async (): Promise<void> => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until('DynamoDB Local answers', READY_MS, async () => {
      if (failure !== undefined) throw failure
      if (hasEnded(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
      return answers(endpoint)
    })
    return { endpoint, stop }
  } catch (cause) {
    await stop()
    throw new Error(`DynamoDB Local did not start: ${said.join('').slice(-2_000)}`, { cause })
  }
}

const answers = async (endpoint: string): Promise<boolean> => {
  try {
    await probeDynamoDb(endpoint, 2_000)
    return true
  } catch {
    // Not yet; whoever waits has a bound.
    return false
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const end = async (child: ChildProcess): Promise<void> => {
  if (hasEnded(child) || child.pid === undefined) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}
