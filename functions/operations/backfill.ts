import { openAurora } from '../bridge/aurora/open.ts'
import { missingTriggersOf } from '../bridge/aurora/triggers/trigger-state.ts'
import {
  concludeBackfill,
  planMachineBackfill,
  readBackfillCall,
  runBackfillSegment,
} from '../bridge/backfill/backfill-machine.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { DynamoJobs } from '../bridge/jobs/dynamo-jobs.ts'
import { openCalling } from '../bridge/legacy-function/open.ts'
import { openRelay } from '../bridge/mirror/open.ts'
import type { Entity } from '../bridge/model/entity.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { DynamoParking } from '../bridge/parking/dynamo-parking.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { BACKFILL, LambdaMetrics } from '../bridge/runtime/metrics.ts'
import { openSync } from '../bridge/sync/open.ts'
import { openMarks } from '../bridge/sync/open-marks.ts'
import { entities as all } from '../entities/index.ts'

const entities = keptIn(all)
const config = readConfig(
  settings.aurora.extend({
    ...settings.tables.shape,
    ...settings.parking.shape,
    ...settings.jobs.shape,
    ...settings.legacyFunctions.partial().shape,
  }),
  process.env,
)
const deadline = new Deadline()
const log = new LambdaLog('backfill')
const metrics = new LambdaMetrics(BACKFILL)
const calling = openCalling({ functions: config.LEGACY_FUNCTIONS, deadline, metrics, log })
const aurora = openAurora(
  config,
  deadline,
  entities.some(({ legacyFunction }) => legacyFunction) ? calling : undefined,
)
const { db } = aurora
const client = openDynamo()
const tables = config.TABLES.including(entities.map(({ item }) => item.table))
const shared = {
  ...{ ...aurora, entities, deadline, log, now: () => new Date() },
  // How late something is that nobody was to bring says nothing.
  metrics: { count: metrics.count.bind(metrics), milliseconds: () => {}, flush: metrics.flush.bind(metrics) },
}
const inward = openSync(config, shared)
const { source, outward, changes } = openRelay({
  ...{ ...shared, client, tables, inward, pages: true },
  parking: new DynamoParking({ client, table: config.PARKING_TABLE, deadline }),
})
const forward = {
  source,
  mirror: { ...outward, reclaim: (entity: string, keys: readonly string[]) => changes.append(entity, keys) },
}
const jobs = new DynamoJobs({ client, table: config.JOBS_TABLE, deadline })
const marks = openMarks({ db, client, table: config.JOBS_TABLE, deadline })

/**
 * Fills one store with the other one's records of an entity, a call of the state machine at a time: see `BackfillRequest`. Not to
 * be called by hand: `backsync backfill` and `resync` start it, with `--on aws`.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const call = readBackfillCall(event)
  const parts = {
    ...{ entities, db, client, tables, jobs, deadline, forward, marks },
    mirror: inward(),
    database: `${config.CLUSTER_ARN} ${config.DATABASE_NAME}`,
    missingTriggers: (entity: Entity) => missingTriggersOf(db, entity),
    by: `function, request ${context.awsRequestId}`,
    lag: async (from: string) => (from === 'dynamo' ? undefined : (await changes.depth()).oldest),
  }
  try {
    switch (call.operation) {
      case 'plan':
        return await planMachineBackfill(call, parts)
      case 'segment':
        return await runBackfillSegment(call, parts)
      case 'conclude':
        return await concludeBackfill(call, parts)
    }
  } finally {
    metrics.flush()
  }
}
