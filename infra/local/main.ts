import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { codeOf, messageOf, stackOf } from '../errors/thrown.ts'
import { INSPECTOR_PORT } from './lambda/inspector.ts'
import { startMirror } from './mirror/start.ts'
import { askConsent, type Consent } from './mysql/consent.ts'
import { type LocalStack, startLocalStack } from './stack.ts'
import { banner } from './template/banner.ts'

/** The command behind `npm start`. Exit codes: 0 stopped on request, 1 could not start, 2 wrong arguments, or nobody to ask. */

const HELP = `Runs the whole stack on this machine, as its CloudFormation template says.

  npm start [-- [--fresh] [--yes] [--inspect[=<port>]] [--app <module>]]

  --fresh    start with empty data (the folder's own files only; servers given by a URL are left alone)
  --yes      agrees to what would be changed on the server of MYSQL_URL, which is asked for otherwise
  --inspect  let debuggers into the functions, at 127.0.0.1:9229 or another port; nothing times out then
  --app      the CDK app to run, a module below the repository (default infra/app.ts)
  --help     this text

  PORT               port of the gateway, default 3000; a free one when it is taken
  BACKSYNC_HOME      folder for data and logs, default .backsync in the repository; one stack per folder
  MYSQL_URL          a MySQL or MariaDB server to use instead of a private one; a path in it names the database
  BACKSYNC_MYSQLD    path of the mysqld or mariadbd to run
  DYNAMODB_ENDPOINT  a DynamoDB with streams to use instead of a private one
  BACKSYNC_STREAM_RETENTION  seconds that streams keep their records, default a day, as on AWS
  BACKSYNC_RECORD_AGE        seconds after which a record that can't be delivered is given up, default as the template says
  BACKSYNC_FUNCTIONS modules that play functions deployed elsewhere: name=path/below/the/repository.js, with commas between
`

/** Something that takes longer than this is said to be under way, milliseconds. */
const PATIENCE_MS = 2_000
/** A stop that takes longer is cut off; the next start ends what is left. */
const STOP_MS = 10_000
const DEFAULT_PORT = 3000

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

type Arguments = {
  readonly fresh: boolean
  readonly yes: boolean
  readonly help: boolean
  readonly app?: string | undefined
  readonly inspect?: string | undefined
}

const readArguments = (): Arguments => {
  const options = {
    fresh: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    app: { type: 'string' },
    inspect: { type: 'string' },
  } as const
  // The port may be left out, which parseArgs knows nothing of.
  const args = process.argv
    .slice(2)
    .map((text) => (text === '--inspect' ? `${text}=${INSPECTOR_PORT}` : text))
  return parseArgs({ args, options }).values
}

const readPort = (name: string, text: string): number => {
  const port = Number(text)
  if (text === '' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`${name}: expected 0 to 65535, got ${text}`)
  return port
}

const run = async (): Promise<void> => {
  const { fresh, yes, help, app, inspect: inspectorPort } = readArguments()
  if (help) return say(HELP)
  const port = readPort('PORT', process.env.PORT || String(DEFAULT_PORT))
  const inspect = inspectorPort === undefined ? undefined : readPort('--inspect', inspectorPort)
  const repository = resolve(import.meta.dirname, '..', '..')
  const home = resolve(process.env.BACKSYNC_HOME || join(repository, '.backsync'))
  // Lambda runs in UTC, and the functions' threads take their time zone from here.
  process.env.TZ = 'UTC'

  const began = performance.now()
  const interrupted = new AbortController()
  let stack: LocalStack | undefined
  const stopped = new Promise<void>((finish) => {
    const stop = (): void => {
      if (interrupted.signal.aborted) return
      say('stopping')
      setTimeout(() => process.exit(1), STOP_MS).unref()
      interrupted.abort()
      finish()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })

  const waiting = setTimeout(() => say('starting the servers and synthesising the stack ...'), PATIENCE_MS)
  try {
    const { signal } = interrupted
    const consent: Consent = (changes) => {
      clearTimeout(waiting)
      return askConsent(changes, { yes, input: process.stdin, output: process.stdout, signal })
    }
    stack = await startLocalStack({ home, port, fresh, app, inspect, log: say, consent, signal })
    await startMirror(stack, { repository, app, env: process.env, log: say, signal })
  } catch (error) {
    if (interrupted.signal.aborted) return
    throw error
  } finally {
    clearTimeout(waiting)
  }
  if (!interrupted.signal.aborted) say(banner({ ...stack, ready: (performance.now() - began) / 1000 }, port))
  await stopped
  await stack.close()
}

try {
  await run()
  process.exit(0)
} catch (error) {
  const code = codeOf(error)
  const wrongArguments = code?.startsWith('ERR_PARSE') === true || code === 'mysql.cannot-ask'
  process.stderr.write(`${messageOf(error)}\n`)
  if (process.env.DEBUG) process.stderr.write(`${stackOf(error)}\n`)
  process.exit(wrongArguments ? 2 : 1)
}
