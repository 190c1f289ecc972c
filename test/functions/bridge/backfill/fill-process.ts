import { openAurora } from '../../../../functions/bridge/aurora/open.ts'
import { planBackfill, runBackfill } from '../../../../functions/bridge/backfill/backfill.ts'
import { openDynamo } from '../../../../functions/bridge/drivers/dynamo/client.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import { DynamoParking } from '../../../../functions/bridge/parking/dynamo-parking.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
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
  readonly maxRate: number
}

/** A process that fills DynamoDB with the chefs of Aurora, to be killed: it tells how many rows are noted. */
const request: FillRequest = JSON.parse(process.argv[2] ?? '')
const entity = mirroredChef()
const deadline = new Deadline()
const client = openDynamo()
const { db, writer } = openAurora(request.aurora, deadline)
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const shared = {
  ...{ deadline, log: silent, now: () => new Date() },
  metrics: { count: () => {}, milliseconds: () => {}, flush: () => {} },
  parking: new DynamoParking({ client, table: request.parking, deadline }),
}
const tables = new Tables(request.tables)
const inward = () => {
  throw new Error('nothing goes to Aurora here')
}
const { source, outward } = openRelay({ ...shared, db, writer, client, tables, entities: [entity], inward })
const parts = {
  forward: { source, mirror: outward },
  mirror: outward,
  missingTriggers: async () => [],
  ...{ db, client, tables, deadline },
  jobs: new DynamoJobs({ client, table: request.jobs, deadline }),
  database: request.aurora.DATABASE_NAME,
}
await runBackfill(await planBackfill(entity, parts, { from: 'aurora', segments: 2 }), {
  ...parts,
  by: 'a process',
  limiter: new RateLimiter({ maxRate: request.maxRate }),
  onProgress: (_, { items }) => console.log(items),
})
