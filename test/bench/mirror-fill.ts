import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import * as z from 'zod'
import type { FillRequest } from '../functions/bridge/backfill/fill-process.ts'
import { startTestServers } from '../support/servers.ts'
import { type Line, print } from './back-sync/line.ts'

const USAGE = `npm run bench:mirror-fill -- [--items N] [--large]

Fills each store with what the other one has, in a process of its own, against a bare loop over the same data: plain pages of a scan
and one INSERT for each; pages of rows and one PutItem for each, as many at once. Prints JSON lines; and the largest memory of each
fill, at a tenth of the items and at all of them.

  --items N   (100000)
  --large     1000000
`

/** Rows of a page, of the bare loops too. */
const PAGE = 500
/** Items that are put at once. */
const LANES = 32
/** As `infra/cli/backsync.mjs` starts a command. */
const AS_COMMAND = ['--optimize-for-size']
const GOAL = { ofBare: 0.7, rssMB: 200 }

const measured = z.object({ applied: z.number(), seconds: z.number(), rssMB: z.number() })
const script = fileURLToPath(new URL('../functions/bridge/backfill/fill-process.ts', import.meta.url))

const run = async (all: number): Promise<void> => {
  // They read at once where the servers are.
  const { PutItemCommand } = await import('@aws-sdk/client-dynamodb')
  const { BulkWriter } = await import('../../functions/bridge/copy/bulk-writer.ts')
  const { keySchema } = await import('../../functions/bridge/drivers/dynamo/key-schema.ts')
  const { scanSegment, WHOLE } = await import('../../functions/bridge/drivers/dynamo/scan.ts')
  const { Deadline } = await import('../../functions/bridge/runtime/deadline.ts')
  const { inLanes } = await import('../../functions/bridge/runtime/lanes.ts')
  const { mirroredChef } = await import('../functions/bridge/aurora/triggers/legacy.ts')
  const { openTestFills } = await import('../functions/bridge/backfill/harness.ts')
  const { openTestSync } = await import('../functions/bridge/sync/harness.ts')
  const chef = mirroredChef()
  const deadline = new Deadline()

  const open = async () => {
    const sync = await openTestSync([chef], { chef: 'Chefs' })
    const fills = await openTestFills(sync, [chef])
    const { config, database, api, legacy } = sync.aurora
    const table = sync.tables.of('chef')
    const writer = new BulkWriter({
      ...{ client: sync.client, table, deadline },
      key: keySchema({ partition: 'chefId' }, 'chef'),
    })
    /** A fill in a process of its own. */
    const fill = async (from: 'aurora' | 'dynamo') => {
      const request: FillRequest = {
        aurora: { CLUSTER_ARN: config.resourceArn, SECRET_ARN: config.secretArn, DATABASE_NAME: database },
        ...{ tables: { chef: table }, parking: sync.parking.table, jobs: fills.jobsTable },
        ...{ from, segments: 8 },
      }
      const env = {
        ...{ ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
        AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
        AWS_ENDPOINT_URL_RDS_DATA: api.endpoint,
      }
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...AS_COMMAND, script, JSON.stringify(request)],
        {
          ...{ env, maxBuffer: 64 * 2 ** 20 },
        },
      )
      return measured.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
    }
    return {
      ...{ sync, legacy, table, writer, fill },
      close: () => Promise.all([sync.close(), fills.close()]),
    }
  }
  const seconds = async (work: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now()
    await work()
    return (performance.now() - begun) / 1_000
  }

  const fromDynamo = async (items: number) => {
    const { sync, legacy, table, writer, fill, close } = await open()
    for (let from = 0; from < items; from += 5_000)
      await writer.put(
        Array.from({ length: Math.min(5_000, items - from) }, (_, at) => ({
          ...{
            chefId: { S: `key-${from + at}` },
            firstName: { S: `chef ${from + at}` },
            lastName: { S: 'T' },
          },
          ...{ version: { N: '1' }, updatedAt: { S: '2026-11-29T10:00:00.000Z' } },
        })),
      )
    await legacy.query(
      'CREATE TABLE bare (k VARCHAR(255) PRIMARY KEY, cheffirst VARCHAR(255), cheflast VARCHAR(255))',
    )
    const bare = await seconds(async () => {
      for await (const page of scanSegment({
        client: sync.client,
        table,
        ...WHOLE,
        deadline,
        pageItems: PAGE,
      }))
        if (page.items.length > 0)
          await legacy.query('INSERT INTO bare VALUES ?', [
            page.items.map(({ chefId, firstName, lastName }) => [chefId?.S, firstName?.S, lastName?.S]),
          ])
    })
    const filled = await fill('dynamo')
    await close()
    return { bare: items / bare, ...filled }
  }

  const fromAurora = async (items: number) => {
    const { sync, legacy, writer, fill, close } = await open()
    for (let from = 0; from < items; from += 5_000)
      await legacy.query('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
        Array.from({ length: Math.min(5_000, items - from) }, (_, at) => [
          ...[from + at + 1, `chef ${from + at}`],
          'T',
        ]),
      ])
    const table = sync.tables.of('chef')
    const bare = await seconds(async () => {
      for (let behind = 0; ; ) {
        const [rows] = await legacy.query(
          'SELECT id, cheffirst, cheflast FROM cheftable WHERE id > ? ORDER BY id LIMIT ?',
          [behind, PAGE],
        )
        const page = bareRows.parse(rows)
        await inLanes(page, LANES, ({ id, cheffirst, cheflast }) =>
          sync.client.send(
            new PutItemCommand({
              TableName: table,
              // Beside those of the fill, which are to be new.
              Item: { chefId: { S: `bare-${id}` }, firstName: { S: cheffirst }, lastName: { S: cheflast } },
            }),
          ),
        )
        if (page.length < PAGE) return
        behind = page.at(-1)?.id ?? behind
      }
    })
    for (let from = 0; from < items; from += 5_000)
      await writer.delete(
        Array.from({ length: Math.min(5_000, items - from) }, (_, at) => ({
          chefId: { S: `bare-${from + at + 1}` },
        })),
      )
    const filled = await fill('aurora')
    await close()
    return { bare: items / bare, ...filled }
  }

  for (const [name, work] of Object.entries({ dynamo: fromDynamo, aurora: fromAurora })) {
    const small = await work(Math.ceil(all / 10))
    const { bare, applied, seconds: took, rssMB } = await work(all)
    const value = applied / took
    const line: Line = {
      ...{ name: `backfill from ${name}, ${all}`, value, unit: 'rows/s' },
      ...{ baseline: bare, limit: bare, ratio: value / bare, goal: GOAL.ofBare },
    }
    print(line)
    print({
      ...{ name: `peak RSS, from ${name}, ${all}`, value: rssMB, unit: 'MB', baseline: small.rssMB },
      ...{ limit: GOAL.rssMB, ratio: rssMB / small.rssMB, ofLimit: rssMB / GOAL.rssMB },
    })
  }
}

const bareRows = z.array(z.object({ id: z.coerce.number(), cheffirst: z.string(), cheflast: z.string() }))

const { values } = parseArgs({
  options: {
    items: { type: 'string' },
    large: { type: 'boolean', default: false },
    help: { type: 'boolean' },
  },
})
if (values.help === true) process.stdout.write(USAGE)
else {
  const servers = await startTestServers(process.env, ['mysql', 'dynamodb'])
  try {
    await run(Number(values.items ?? (values.large ? 1_000_000 : 100_000)))
  } finally {
    await servers.stop()
  }
}
