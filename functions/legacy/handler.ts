import { uuidv7 } from 'uuidv7'
import { serveLegacy } from '../bridge/api/serve-legacy.ts'
import { openAurora } from '../bridge/aurora/open.ts'
import { entityReaders } from '../bridge/dynamo/entity-reader.ts'
import { openCalling } from '../bridge/legacy-function/open.ts'
import { openWake } from '../bridge/mirror/open-wake.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { normalise } from '../bridge/normalise/index.ts'
import { openComplete } from '../bridge/routes/open-complete.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { BACK_SYNC, LambdaMetrics, LEGACY_API } from '../bridge/runtime/metrics.ts'
import { applyStream } from '../bridge/sync/apply-stream.ts'
import { openSync } from '../bridge/sync/open.ts'
import { entities as all } from '../entities/index.ts'

const entities = keptIn(all)
const config = readConfig(
  settings.aurora.extend({
    ...settings.tables.partial().shape,
    ...settings.parking.partial().shape,
    ...settings.routes.partial().shape,
    ...settings.legacyFunctions.partial().shape,
    ...settings.wake.partial().shape,
  }),
  process.env,
)
const deadline = new Deadline()
const log = new LambdaLog('legacy')
const metrics = new LambdaMetrics(BACK_SYNC)
const readers = new LambdaMetrics(LEGACY_API)
const calling = openCalling({ functions: config.LEGACY_FUNCTIONS, deadline, metrics, log })
const aurora = openAurora(
  config,
  deadline,
  entities.some(({ legacyFunction }) => legacyFunction) ? calling : undefined,
)
// Without them, the function serves the legacy API alone.
const tables = entityReaders(
  entities,
  config.TABLES?.including(entities.map(({ item }) => item.table)).names ?? {},
)
const wake = openWake({ relay: config.RELAY_FUNCTION, deadline, log })
const complete = openComplete({ entities, table: config.ROUTES_TABLE, deadline, metrics, log })
const now = () => new Date()
const sync = openSync(config, { ...aurora, entities, deadline, log, metrics, now, ended: complete })
const completeOf = complete && ((entity: string) => complete.completeOf(entity))

/**
 * The legacy handler: writes to Aurora what a client asks for on a legacy route, and what the stream of a DynamoDB
 * table says was written on a modern one. Both become changes and go through the same guarded writer; an error never
 * leaves as a success.
 */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    const work = normalise(event, { entities, tables, base: 'aurora', now, newKey: uuidv7 })
    if (work.from === 'stream') return await applyStream(work, sync())
    const answer = await serveLegacy(work, aurora.store, {
      ...{ entities, completeOf, readers, log },
      requestId: context.awsRequestId,
    })
    await wake.behind(work, answer)
    return answer
  } finally {
    metrics.flush()
    readers.flush()
  }
}
