import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { startDynamoDb } from '../../infra/local/dynamodb/server.ts'
import { describeServer } from '../../infra/local/mysql/flavour.ts'
import { startMysql } from '../../infra/local/mysql/server.ts'
import { hasCode } from '../../infra/local/processes/identity.ts'
import { lockOwner } from '../../infra/local/processes/lock.ts'
import { serversFolders } from './servers-folder.ts'
import { endStaleChildren } from './stale-servers.ts'

const prefix = 'backsync-test-'
const log = (line: string): void => console.log(`[servers] ${line}`)

/** Ends what was started and removes its folder. Safe to repeat. */
export type TestServers = { stop(): Promise<void> }

/**
 * Starts servers for a whole test run, in a folder of its own, and names them in TEST_MYSQL_URL and
 * TEST_DYNAMODB_ENDPOINT. Where a variable is set already, that server is used and left alone.
 */
export const startTestServers = async (
  env: NodeJS.ProcessEnv,
  wanted: readonly ('mysql' | 'dynamodb')[],
): Promise<TestServers> => {
  const folders = await serversFolders()
  for (const folder of folders) await removeAbandoned(folder)
  const home = await mkdtemp(join(folders[0], prefix))
  const parts: Array<Promise<{ stop(): Promise<void> }>> = []
  if (wanted.includes('mysql') && !env.TEST_MYSQL_URL) parts.push(provideMysql(home, env))
  if (wanted.includes('dynamodb') && !env.TEST_DYNAMODB_ENDPOINT) parts.push(provideDynamoDb(home, env))

  const outcomes = await Promise.allSettled(parts)
  const stop = async (): Promise<void> => {
    await Promise.all(
      outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.stop() : undefined)),
    )
    await rm(home, { recursive: true, force: true })
  }
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (failures.length > 0) {
    await stop()
    throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'the test servers did not start')
  }
  return { stop }
}

const provideMysql = async (home: string, env: NodeJS.ProcessEnv): Promise<{ stop(): Promise<void> }> => {
  const server = await startMysql({ home, log, env })
  log(`${describeServer(server)} at ${server.host}:${server.port}${server.external ? ' (of MYSQL_URL)' : ''}`)
  env.TEST_MYSQL_URL = server.url
  return server
}

const provideDynamoDb = async (home: string, env: NodeJS.ProcessEnv): Promise<{ stop(): Promise<void> }> => {
  const server = await startDynamoDb({ home, log, env })
  log(`DynamoDB: ${server.kind} at ${server.endpoint}`)
  env.TEST_DYNAMODB_ENDPOINT = server.endpoint
  return server
}

/** A run that was killed left its servers behind; they would run, and fill the disk, until the machine is off. */
const removeAbandoned = async (folder: string): Promise<void> => {
  for (const name of await namesIn(folder)) {
    if (!name.startsWith(prefix)) continue
    const home = join(folder, name)
    if (!(await isAbandoned(home))) continue
    await endStaleChildren(home, log)
    await rm(home, { recursive: true, force: true })
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    // Only Linux has one in memory.
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

const isAbandoned = async (home: string): Promise<boolean> => {
  try {
    // A folder this young may belong to a run that has not taken its locks yet.
    if (Date.now() - (await stat(home)).mtimeMs < 60_000) return false
  } catch (error) {
    // Its run ended just now and removed it.
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  const owners = await Promise.all(['mysql.lock', 'dynamodb.lock'].map((lock) => lockOwner(join(home, lock))))
  return owners.every((owner) => owner === undefined)
}
