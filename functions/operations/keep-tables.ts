import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { KEEP_TABLES, LambdaMetrics } from '../bridge/runtime/metrics.ts'
import { keepTables } from '../bridge/tables/keep-tables.ts'
import { openTables } from '../bridge/tables/open-tables.ts'
import { projections } from '../tables/index.ts'

const config = readConfig(settings.keptTables, process.env)
const deadline = new Deadline()
const log = new LambdaLog('keep-tables')
const metrics = new LambdaMetrics(KEEP_TABLES)
const parts = openTables(config, { projections, deadline, log, metrics })

/** Keeps each table that is declared to be kept: the stream of its source becomes changes of it, applied under its guard. */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    return await keepTables(event, projections, parts)
  } finally {
    metrics.flush()
  }
}
