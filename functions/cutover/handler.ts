import { uuidv7 } from 'uuidv7'
import { openAurora } from '../bridge/aurora/open.ts'
import { countAnswer } from '../bridge/cutover/count-answer.ts'
import { openFacade } from '../bridge/cutover/open-facade.ts'
import { openSides } from '../bridge/cutover/open-sides.ts'
import { SIDE, serveRoute } from '../bridge/cutover/serve-route.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { authorizerOf } from '../bridge/http/principal.ts'
import { openCalling } from '../bridge/legacy-function/open.ts'
import { openWake } from '../bridge/mirror/open-wake.ts'
import { facadePaths } from '../bridge/model/paths.ts'
import { keptIn } from '../bridge/model/retired.ts'
import { normaliseApiEvent } from '../bridge/normalise/api.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { FACADE, LambdaMetrics, WHOLE_STACK } from '../bridge/runtime/metrics.ts'
import { UnknownEventError } from '../bridge/runtime/unknown-event.ts'
import { entities } from '../entities/index.ts'

const config = readConfig(
  settings.aurora.extend({
    ...settings.tables.shape,
    ...settings.idempotency.shape,
    ...settings.parking.shape,
    ...settings.routes.shape,
    ...settings.legacyFunctions.partial().shape,
    ...settings.wake.partial().shape,
  }),
  process.env,
)
const deadline = new Deadline()
const log = new LambdaLog('cutover')
const metrics = new LambdaMetrics(FACADE)
const calling = openCalling({ functions: config.LEGACY_FUNCTIONS, deadline, metrics, log })
const client = openDynamo()
const aurora = openAurora(
  config,
  deadline,
  keptIn(entities).some(({ legacyFunction }) => legacyFunction) ? calling : undefined,
)
const facade = openFacade({
  ...aurora,
  entities,
  client,
  tables: config.TABLES.including(entities.map(({ item }) => item.table)),
  idempotencyTable: config.IDEMPOTENCY_TABLE,
  parkingTable: config.PARKING_TABLE,
  routesTable: config.ROUTES_TABLE,
  deadline,
  log,
  metrics,
})
const sides = openSides({
  ...{ db: aurora.db, client, deadline, log },
  idempotencyTable: config.IDEMPOTENCY_TABLE,
})
const wake = openWake({ relay: config.RELAY_FUNCTION, deadline, log })
const paths = facadePaths(entities)

/** The facade: serves each key at the store that owns it, and moves it there first where its route says so. */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const began = performance.now()
  try {
    const call = normaliseApiEvent(event, {
      ...{ entities, base: 'facade', paths, now: () => new Date(), newKey: uuidv7 },
    })
    if (call === undefined) throw new UnknownEventError()
    const requestId = context.awsRequestId
    const sent = { request: call.request, requestId, authorizer: authorizerOf(event), at: Date.now() }
    const of = call.action === 'refuse' ? WHOLE_STACK : call.entity.name
    const onAnswer = countAnswer(metrics, of, call.action, () => performance.now() - began)
    const answer = await serveRoute(
      call,
      facade,
      { requestId, log, onAnswer },
      sides && { ...sides, call: sent },
    )
    if (answer.statusCode >= 500) metrics.count('Faults', of, 1)
    if (answer.headers[SIDE] === 'aurora') await wake.behind(call, answer)
    return answer
  } finally {
    metrics.flush()
  }
}
