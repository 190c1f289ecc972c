import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as z from 'zod'
import type { VerifyRequest } from '../functions/bridge/verify/verify-process.ts'
import { startTestServers } from '../support/servers.ts'
import { print } from './back-sync/line.ts'

const USAGE = `npm run bench:verify -- [--items N | --large]

Verifies stores that are equal, in a process of its own, against another such process that does nothing but read both of them once:
pages of a scan in four segments, and pages of rows over the Data API; before and after, of which the faster one counts. Then with one
difference among all. Prints JSON lines; and the largest memory, at a hundredth of
the items and at all of them.

  --items N   (100000) so many rows and items
  --large     a million, for which the goals are; it takes ten minutes
`

/** What the launcher of the commands gives to Node. */
const AS_COMMAND = '--optimize-for-size'
const GOAL = { ofReading: 0.8, rssMB: 200 }

const reading = z.object({
  seconds: z.number(),
  items: z.number(),
  rows: z.number(),
  cpu: z.number(),
})
const measured = z.object({
  seconds: z.number(),
  cpu: z.number(),
  rssMB: z.number(),
  /** When each step had ended, in seconds. */
  ended: z.record(z.string(), z.number()),
  verification: z.object({
    rows: z.number(),
    items: z.number(),
    differences: z.record(z.string(), z.number()),
  }),
})
const scriptAt = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const verifying = scriptAt('../functions/bridge/verify/verify-process.ts')
const readingBoth = scriptAt('verify/read-both.ts')

const run = async (all: number): Promise<void> => {
  // They read at once where the servers are.
  const { mirroredChef } = await import('../functions/bridge/aurora/triggers/legacy.ts')
  const { openWorld } = await import('../functions/bridge/cutover/world.ts')
  const { openTestVerify } = await import('../functions/bridge/verify/harness.ts')
  const { itemOf, plantRows } = await import('../functions/bridge/verify/planted.ts')
  const chef = mirroredChef()

  const open = async (items: number) => {
    const world = await openWorld([chef], { chef: 'Chefs' })
    const tables = await openTestVerify(world.sync)
    await plantRows(world, chef, items)
    const { config, database, api } = world.sync.aurora
    const table = world.sync.tables.of('chef')
    const request: VerifyRequest = {
      aurora: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: config.secretArn, DATABASE_NAME: database },
      ...{ tables: { chef: table }, parking: world.sync.parking.table, jobs: tables.jobsTable },
      segments: 8,
    }
    /** What a process says last. */
    const told = async (script: string, more: Partial<VerifyRequest> = {}): Promise<unknown> => {
      const env = {
        ...{ ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
        AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
        AWS_ENDPOINT_URL_RDS_DATA: api.endpoint,
      }
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [AS_COMMAND, script, JSON.stringify({ ...request, ...more })],
        { env, maxBuffer: 64 * 2 ** 20 },
      )
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    }
    const verify = async (more?: Partial<VerifyRequest>) => measured.parse(await told(verifying, more))
    const read = async () => reading.parse(await told(readingBoth))
    return { world, verify, read, close: () => Promise.all([world.close(), tables.close()]) }
  }

  const small = await open(Math.ceil(all / 100))
  const { rssMB: smallMB } = await small.verify()
  await small.close()
  const { world, verify, read, close } = await open(all)
  const before = await read()
  const equal = await verify()
  const after = await read()
  const bare = before.seconds < after.seconds ? before : after
  print({
    ...{ name: `verify, equal, ${all}`, value: all / equal.seconds, unit: 'rows/s' },
    ...{ baseline: all / bare.seconds, limit: all / bare.seconds, goal: GOAL.ofReading },
    ...{ ratio: bare.seconds / equal.seconds, ofCpu: bare.cpu / equal.cpu },
    ...{ seconds: equal.seconds, stepsEnded: equal.ended, readItems: bare.items, readRows: bare.rows },
  })
  print({
    ...{ name: `peak RSS, ${all}`, value: equal.rssMB, unit: 'MB', baseline: smallMB },
    ...{ limit: GOAL.rssMB, ratio: equal.rssMB / smallMB, ofLimit: equal.rssMB / GOAL.rssMB },
  })
  const id = Math.ceil(all / 2)
  await world.sync.put(chef, { ...itemOf(id), firstName: { S: 'other' } })
  const one = await verify()
  if (one.verification.differences.conflict !== 1) throw new Error('the difference was not found')
  print({
    ...{ name: `one difference among ${all} found`, value: one.seconds, unit: 's' },
    ...{ baseline: equal.seconds, limit: equal.seconds, ratio: one.seconds / equal.seconds },
  })
  await close()
}

const { values } = parseArgs({
  options: { items: { type: 'string' }, large: { type: 'boolean' }, help: { type: 'boolean' } },
})
if (values.help === true) process.stdout.write(USAGE)
else {
  const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
  try {
    await run(values.large === true ? 1_000_000 : Number(values.items ?? 100_000))
  } finally {
    await servers.stop()
  }
}
