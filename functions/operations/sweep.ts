import { openAurora } from '../bridge/aurora/open.ts'
import { openClaims } from '../bridge/cutover/open-claims.ts'
import {
  concludeSweep,
  planMachineSweep,
  readSweepCall,
  runSweepSegment,
} from '../bridge/cutover/sweep-machine.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { DynamoJobs } from '../bridge/jobs/dynamo-jobs.ts'
import { openCalling } from '../bridge/legacy-function/open.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { DynamoParking } from '../bridge/parking/dynamo-parking.ts'
import { DynamoRoutes } from '../bridge/routes/dynamo-routes.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { LambdaMetrics, SWEEP_KEYS } from '../bridge/runtime/metrics.ts'
import { openMarks } from '../bridge/sync/open-marks.ts'
import { entities as all } from '../entities/index.ts'

const config = readConfig(
  settings.aurora.extend({
    ...settings.tables.shape,
    ...settings.parking.shape,
    ...settings.routes.shape,
    ...settings.jobs.shape,
    ...settings.legacyFunctions.partial().shape,
  }),
  process.env,
)
// What is retired has nothing in Aurora that could move.
const entities = keptIn(all)
const deadline = new Deadline()
const log = new LambdaLog('sweep')
const metrics = new LambdaMetrics(SWEEP_KEYS)
const calling = openCalling({ functions: config.LEGACY_FUNCTIONS, deadline, metrics, log })
const { db, store, writer } = openAurora(
  config,
  deadline,
  entities.some(({ legacyFunction }) => legacyFunction) ? calling : undefined,
)
const client = openDynamo()
const tables = config.TABLES.including(entities.map(({ item }) => item.table))
const parking = new DynamoParking({ client, table: config.PARKING_TABLE, deadline })
const { claim, claimSet } = openClaims({
  ...{ entities, db, store, writer, client, tables, parking, deadline },
})
const parts = {
  ...{ entities, db, client, tables, deadline, log, claim, claimSet },
  jobs: new DynamoJobs({ client, table: config.JOBS_TABLE, deadline }),
  marks: openMarks({ db, client, table: config.JOBS_TABLE, deadline }),
  routes: new DynamoRoutes({ client, table: config.ROUTES_TABLE, deadline }),
  database: `${config.CLUSTER_ARN} ${config.DATABASE_NAME}`,
}

/**
 * Has the keys of a route follow its last move, a call of the state machine at a time: see `SweepRequest`. Not to be called by hand:
 * `backsync cutover sweep` starts it, with `--on aws`.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const call = readSweepCall(event)
  const own = { ...parts, by: `function, request ${context.awsRequestId}` }
  try {
    switch (call.operation) {
      case 'plan':
        return await planMachineSweep(call, own)
      case 'segment':
        return await runSweepSegment(call, own)
      case 'conclude':
        return await concludeSweep(call, own)
    }
  } finally {
    metrics.flush()
  }
}
