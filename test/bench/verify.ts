import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as z from 'zod'
import type { VerifyRequest } from '../functions/bridge/verify/verify-process.ts'
import { startTestServers } from '../support/servers.ts'
import { print } from './back-sync/line.ts'

const USAGE = `npm run bench:verify -- [--items N]

Verifies stores that are equal, in a process of its own, against a bare loop that reads both of them once: pages of a scan in as many
segments, and pages of rows over the Data API. Then with one difference among all. Prints JSON lines; and the largest memory, at a
hundredth of the items and at all of them.

  --items N   (100000) the goals are for 1000000
`

/** Rows of a page, and segments of a scan, of the bare loop. */
const PAGE = 1_000
const SEGMENTS = 4
/** What the launcher of the commands gives to Node. */
const AS_COMMAND = '--optimize-for-size'
const GOAL = { ofReading: 0.8, rssMB: 200 }

const measured = z.object({
  seconds: z.number(),
  rssMB: z.number(),
  verification: z.object({
    rows: z.number(),
    items: z.number(),
    differences: z.record(z.string(), z.number()),
  }),
})
const script = fileURLToPath(new URL('../functions/bridge/verify/verify-process.ts', import.meta.url))

const run = async (all: number): Promise<void> => {
  // They read at once where the servers are.
  const { sql } = await import('kysely')
  const { scanSegment } = await import('../../functions/bridge/drivers/dynamo/scan.ts')
  const { Deadline } = await import('../../functions/bridge/runtime/deadline.ts')
  const { inLanes } = await import('../../functions/bridge/runtime/lanes.ts')
  const { mirroredChef } = await import('../functions/bridge/aurora/triggers/legacy.ts')
  const { openWorld } = await import('../functions/bridge/cutover/world.ts')
  const { openTestVerify } = await import('../functions/bridge/verify/harness.ts')
  const { itemOf, plantRows } = await import('../functions/bridge/verify/planted.ts')
  const chef = mirroredChef()
  const deadline = new Deadline()

  const open = async (items: number) => {
    const world = await openWorld([chef], { chef: 'Chefs' })
    const tables = await openTestVerify(world.sync)
    await plantRows(world, chef, items)
    const { config, database, api, db } = world.sync.aurora
    const table = world.sync.tables.of('chef')
    const verify = async () => {
      const request: VerifyRequest = {
        aurora: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: config.secretArn, DATABASE_NAME: database },
        ...{ tables: { chef: table }, parking: world.sync.parking.table, jobs: tables.jobsTable },
        segments: 8,
      }
      const env = {
        ...{ ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
        AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
        AWS_ENDPOINT_URL_RDS_DATA: api.endpoint,
      }
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [AS_COMMAND, script, JSON.stringify(request)],
        {
          ...{ env, maxBuffer: 64 * 2 ** 20 },
        },
      )
      return measured.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
    }
    /** Both stores once, and nothing done with it. */
    const read = async (): Promise<number> => {
      const begun = performance.now()
      await inLanes([...Array(SEGMENTS).keys()], SEGMENTS, async (segment) => {
        const { client } = world.sync
        for await (const _ of scanSegment({ client, table, segment, segments: SEGMENTS, deadline }));
      })
      for (let behind = 0; ; ) {
        const { rows } = await sql<{ readonly id: bigint }>`
          SELECT id, cheffirst, cheflast, backsync_key, backsync_version, backsync_owner FROM cheftable
          WHERE id > ${behind} ORDER BY id LIMIT ${sql.lit(PAGE)}`.execute(db)
        if (rows.length < PAGE) break
        behind = Number(rows.at(-1)?.id ?? behind)
      }
      return (performance.now() - begun) / 1_000
    }
    return { world, verify, read, close: () => Promise.all([world.close(), tables.close()]) }
  }

  const small = await open(Math.ceil(all / 100))
  const { rssMB: smallMB } = await small.verify()
  await small.close()
  const { world, verify, read, close } = await open(all)
  const bare = await read()
  const equal = await verify()
  const again = await read()
  const reading = Math.min(bare, again)
  print({
    ...{ name: `verify, equal, ${all}`, value: all / equal.seconds, unit: 'rows/s' },
    ...{
      baseline: all / reading,
      limit: all / reading,
      ratio: reading / equal.seconds,
      goal: GOAL.ofReading,
    },
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

const { values } = parseArgs({ options: { items: { type: 'string' }, help: { type: 'boolean' } } })
if (values.help === true) process.stdout.write(USAGE)
else {
  const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
  try {
    await run(Number(values.items ?? 100_000))
  } finally {
    await servers.stop()
  }
}
