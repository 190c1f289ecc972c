import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from './walkthrough/client.ts'
import { Narrator } from './walkthrough/narrator.ts'
import { PlainSql } from './walkthrough/plain-sql.ts'
import { walk } from './walkthrough/steps.ts'

const HELP = `Walks through the bridge over its API: each call, its answer, the verdict, and the lag of every back-sync.
Of the stack that runs on this machine it also writes to the database, as a legacy program does.

  npm run walkthrough                        against the stack that npm start runs
  npm run walkthrough -- --url URL           against any stack, also a deployed one (its ApiUrl output)

  --header 'Name: value'   sent with every call, for a stack with an authorizer; can be repeated
  --help                   this text

  BACKSYNC_HOME            the data folder of the running stack, as for npm start

Exit codes: 0 every step as expected, 1 at the first one that is not, 2 wrong arguments.
`

/** What the stack that runs on this machine says of itself; undefined where there is none. */
const runningStack = (): { readonly url: string; readonly facts: unknown } | undefined => {
  const file = join(home(), 'stack.json')
  if (!existsSync(file)) return undefined
  const facts: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof facts === 'object' && facts !== null && 'url' in facts && typeof facts.url === 'string')
    return { url: facts.url, facts }
  throw new Error(`${file} names no url. Restart the stack.`)
}

const home = (): string =>
  resolve(process.env.BACKSYNC_HOME || join(import.meta.dirname, '..', '..', '.backsync'))

const readHeaders = (given: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    given.map((header) => {
      const colon = header.indexOf(':')
      if (colon < 1) throw new TypeError(`--header ${header}: expected 'Name: value'`)
      return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()]
    }),
  )

const run = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const running = runningStack()
  const url = values.url ?? running?.url
  if (url === undefined)
    throw new Error(`No stack runs in ${home()}. Start one with npm start, or name one with --url.`)
  const legacy = running?.url === url.replace(/\/+$/, '') ? new PlainSql(running.facts) : undefined
  try {
    const client = new Client(url, readHeaders(values.header))
    return (await walk(client, new Narrator(process.stdout), legacy)) ? 0 : 1
  } finally {
    legacy?.close()
  }
}

try {
  process.exitCode = await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
