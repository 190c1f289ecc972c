import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LockedError } from '../../infra/local/processes/errors.ts'
import { acquireLock, type Lock } from '../../infra/local/processes/lock.ts'
import { hashInputs } from '../../infra/local/synth/inputs.ts'
import { synthesise } from '../../infra/local/synth/synth.ts'
import { testApp } from '../fixtures/team.ts'
import { until } from './until.ts'

type Context = Readonly<Record<string, string>>

const repository = resolve(import.meta.dirname, '..', '..')
const kept = join(repository, 'node_modules', '.cache', 'backsync', 'assemblies')
/** As long as a synthesis may take, and one more of another worker. */
const PATIENCE_MS = 200_000
/** Stands for the name of a test's own database, in a synthesis that all of them share. */
const ANY_DATABASE = 'backsync_any_database'

/**
 * The stack of the tests, or of another app, synthesised once for all test files and runs, and again when anything that goes into it
 * has changed: `synthesise` compares the content of all that it reads.
 *
 * @returns the folder of the cloud assembly, to be read only
 * @throws SynthError
 */
export const sharedAssembly = async (
  context: Context = {},
  { app = testApp, signal }: { readonly app?: string; readonly signal?: AbortSignal | undefined } = {},
): Promise<string> => {
  const name = createHash('sha256')
    .update(JSON.stringify([app, Object.entries(context).sort()]))
    .digest('hex')
  const home = join(kept, name.slice(0, 16))
  const lock = await takeTurns(join(home, 'assembly.lock'))
  try {
    return (await synthesise({ repository, app, home, context, ...(signal && { signal }) })).folder
  } finally {
    await lock.release()
  }
}

/**
 * Puts it where a stack with that home looks for what it has synthesised before.
 *
 * @param mysqlUrl as in MYSQL_URL; the template has the name of its database, where it names one
 */
export const seedAssembly = async (
  home: string,
  mysqlUrl: string | undefined,
  context: Context = {},
  app = testApp,
): Promise<void> => {
  const database = mysqlUrl ? decodeURIComponent(new URL(mysqlUrl).pathname.slice(1)) : ''
  const folder = join(home, 'cdk.out')
  if (database === '') return cp(await sharedAssembly(context, { app }), folder, { recursive: true })
  const shared = await sharedAssembly({ databaseName: ANY_DATABASE, ...context }, { app })
  await cp(shared, folder, { recursive: true })
  const template = join(folder, 'Backsync.template.json')
  const text = await readFile(template, 'utf8')
  if (!text.includes(ANY_DATABASE)) throw new Error('the template does not name its database')
  await writeFile(template, text.replaceAll(ANY_DATABASE, database))
  const stamp = await hashInputs(repository, app, { databaseName: database, ...context })
  await writeFile(join(folder, '.inputs'), stamp)
}

const takeTurns = async (path: string): Promise<Lock> => {
  let lock: Lock | undefined
  await until(`${path} is free`, PATIENCE_MS, async () => {
    try {
      lock = await acquireLock(path)
    } catch (error) {
      if (!(error instanceof LockedError)) throw error
    }
    return lock !== undefined
  })
  if (lock === undefined) throw new Error(`${path} was not taken`)
  return lock
}
