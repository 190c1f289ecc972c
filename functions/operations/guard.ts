import { readAnswersSeen } from '../bridge/cutover/answers-seen.ts'
import { guardRoutes } from '../bridge/cutover/guard-routes.ts'
import { readSlowAbove } from '../bridge/cutover/usual-latency.ts'
import { WatchNotes } from '../bridge/cutover/watch-notes.ts'
import { openCloudWatch } from '../bridge/drivers/cloudwatch/read-metrics.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { JobNotes } from '../bridge/jobs/job-notes.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { DynamoRoutes } from '../bridge/routes/dynamo-routes.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { GUARD, LambdaMetrics } from '../bridge/runtime/metrics.ts'
import { entities as all } from '../entities/index.ts'

const config = readConfig(
  settings.routes.extend({ ...settings.jobs.shape, ...settings.lateness.shape }),
  process.env,
)
// What is retired has no way back.
const entities = keptIn(all)
const deadline = new Deadline()
const log = new LambdaLog('guard')
const metrics = new LambdaMetrics(GUARD)
const client = openDynamo()
const cloudWatch = openCloudWatch()
const now = () => Date.now()
const parts = {
  ...{ log, metrics, now },
  routes: new DynamoRoutes({ client, table: config.ROUTES_TABLE, deadline }),
  notes: new WatchNotes(new JobNotes({ client, table: config.JOBS_TABLE, deadline }, now), log),
}

/** Looks, once a minute, how routes do that are on their way, and steps those back that are worse. */
export const handler = async (_event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    return await guardRoutes(entities, {
      ...parts,
      intervals: ({ name, mirror }, behind) => {
        const ways = { aurora: config.LATE.aurora, dynamo: mirror && config.LATE.dynamo }
        return readAnswersSeen(cloudWatch, name, behind, { ways, now: now(), deadline })
      },
      slowAbove: ({ name }) => readSlowAbove(cloudWatch, name, { now: now(), deadline }),
    })
  } finally {
    metrics.flush()
  }
}
