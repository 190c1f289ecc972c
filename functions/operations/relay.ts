import { openAurora } from '../bridge/aurora/open.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { openCalling } from '../bridge/legacy-function/open.ts'
import { openRelay } from '../bridge/mirror/open.ts'
import { runRelay } from '../bridge/mirror/run-relay.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { DynamoParking } from '../bridge/parking/dynamo-parking.ts'
import { openComplete } from '../bridge/routes/open-complete.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { LambdaMetrics, RELAY } from '../bridge/runtime/metrics.ts'
import { openSync } from '../bridge/sync/open.ts'
import { openMarks } from '../bridge/sync/open-marks.ts'
import { entities as all } from '../entities/index.ts'

const entities = keptIn(all)
const config = readConfig(
  settings.aurora.extend({
    ...settings.tables.shape,
    ...settings.parking.shape,
    ...settings.relay.shape,
    ...settings.routes.shape,
    ...settings.jobs.shape,
    ...settings.legacyFunctions.partial().shape,
  }),
  process.env,
)
const deadline = new Deadline()
const log = new LambdaLog('relay')
const metrics = new LambdaMetrics(RELAY)
const calling = openCalling({ functions: config.LEGACY_FUNCTIONS, deadline, metrics, log })
const aurora = openAurora(
  config,
  deadline,
  entities.some(({ legacyFunction }) => legacyFunction) ? calling : undefined,
)
const client = openDynamo()
const ended = openComplete({ entities, table: config.ROUTES_TABLE, deadline, metrics, log })
const shared = { ...aurora, entities, deadline, log, metrics, now: () => new Date(), ended }
const relay = {
  ...openRelay({
    ...shared,
    client,
    tables: config.TABLES,
    parking: new DynamoParking({ client, table: config.PARKING_TABLE, deadline }),
    inward: openSync(config, shared),
  }),
  marks: openMarks({ db: aurora.db, client, table: config.JOBS_TABLE, deadline }),
}

/** Carries over to DynamoDB what was written in Aurora, of the entities that are mirrored. */
export const handler = async (_event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    return await runRelay(relay, { stays: config.RELAY_STAYS, gauges: metrics })
  } finally {
    metrics.flush()
  }
}
