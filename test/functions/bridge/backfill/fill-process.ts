import { openAurora } from '../../../../functions/bridge/aurora/open.ts'
import { runBackfill } from '../../../../functions/bridge/backfill/backfill.ts'
import { planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import { openDynamo } from '../../../../functions/bridge/drivers/dynamo/client.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { openSync } from '../../../../functions/bridge/sync/open.ts'
import { openMarks } from '../../../../functions/bridge/sync/open-marks.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'

/** Where everything is that a process needs to fill DynamoDB; endpoints are in its environment. */
export type FillRequest = {
  readonly aurora: {
    readonly CLUSTER_ARN: string
    readonly SECRET_ARN: string
    readonly DATABASE_NAME: string
  }
  readonly tables: Readonly<Record<string, string>>
  readonly parking: string
  readonly jobs: string
  /** @default aurora */
  readonly from?: 'aurora' | 'dynamo'
  readonly maxRate?: number
  /** @default 2 */
  readonly segments?: number
}

/**
 * A process that fills one store with the chefs of the other one, to be killed, or measured: it tells how many are noted, and at its
 * end what it has taken.
 */
const request: FillRequest = JSON.parse(process.argv[2] ?? '')
const entity = mirroredChef()
const deadline = new Deadline()
const client = openDynamo()
const { db, writer, store } = openAurora(request.aurora, deadline)
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const shared = {
  ...{ deadline, log: silent, now: () => new Date() },
  metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
  parking: new DynamoParking({ client, table: request.parking, deadline }),
}
const tables = new Tables(request.tables)
const entities = [entity]
const inward = openSync(
  { TABLES: tables, PARKING_TABLE: request.parking },
  { ...shared, db, writer, store, entities },
)
const { source, outward } = openRelay({
  ...shared,
  db,
  writer,
  client,
  tables,
  entities,
  inward,
  pages: true,
})
const parts = {
  forward: { source, mirror: outward },
  mirror: inward(),
  missingTriggers: async () => [],
  marks: openMarks({ db, client, table: request.jobs, deadline }),
  ...{ db, client, tables, deadline },
  jobs: new DynamoJobs({ client, table: request.jobs, deadline }),
  database: request.aurora.DATABASE_NAME,
}
const { from = 'aurora', segments = 2, maxRate } = request
const plan = await planBackfill(entity, parts, { from, segments, again: true })
const begun = performance.now()
const { items, records } = await runBackfill(plan, {
  ...parts,
  by: 'a process',
  limiter: new RateLimiter({ maxRate }),
  onProgress: (_, tally) => console.log(tally.items),
})
const { applied } = from === 'aurora' ? records : items
const seconds = (performance.now() - begun) / 1_000
console.log(JSON.stringify({ applied, seconds, rssMB: process.resourceUsage().maxRSS / 1_024 }))
