import { DynamoJobs } from '../bridge/jobs/dynamo-jobs.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { FILL_TABLES, LambdaMetrics } from '../bridge/runtime/metrics.ts'
import { concludeFill, planMachineFill, readFillCall, runFillSegment } from '../bridge/tables/fill-machine.ts'
import { openTables } from '../bridge/tables/open-tables.ts'
import { projections } from '../tables/index.ts'

const config = readConfig(settings.keptTables, process.env)
const deadline = new Deadline()
const log = new LambdaLog('fill-tables')
const metrics = new LambdaMetrics(FILL_TABLES)
const sync = openTables(config, {
  ...{ projections, deadline, log },
  // How late something is that nobody was to bring says nothing.
  metrics: { count: metrics.count.bind(metrics), milliseconds: () => {}, flush: metrics.flush.bind(metrics) },
})
const jobs = new DynamoJobs({ client: sync.client, table: config.JOBS_TABLE, deadline })

/**
 * Fills a kept table with what its source holds already, a call of the state machine at a time: see `FillMachineRequest`. Not to be
 * called by hand: `backsync replicate fill` and `reshape start` start it, with `--on aws`.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const call = readFillCall(event)
  const parts = { projections, sync, jobs, by: `function, request ${context.awsRequestId}` }
  try {
    switch (call.operation) {
      case 'plan':
        return await planMachineFill(call, parts)
      case 'segment':
        return await runFillSegment(call, parts)
      case 'conclude':
        return await concludeFill(call, parts)
    }
  } finally {
    metrics.flush()
  }
}
