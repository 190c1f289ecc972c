import { uuidv7 } from 'uuidv7'
import { serve } from '../bridge/api/serve.ts'
import { openDynamo } from '../bridge/drivers/dynamo/client.ts'
import { DynamoStore } from '../bridge/dynamo/dynamo-store.ts'
import { normaliseApiEvent } from '../bridge/normalise/api.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { UnknownEventError } from '../bridge/runtime/unknown-event.ts'
import { entities } from '../entities/index.ts'

const config = readConfig(settings.tables.extend(settings.idempotency.shape), process.env)
const deadline = new Deadline()
const log = new LambdaLog('modern')
const client = openDynamo()
const store = new DynamoStore({
  client,
  tables: config.TABLES.including(entities.map(({ item }) => item.table)),
  idempotencyTable: config.IDEMPOTENCY_TABLE,
  deadline,
  log,
})

/** The modern handler: each write is one conditional call to DynamoDB. Its stream takes the write to Aurora. */
export const handler = async (event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  const call = normaliseApiEvent(event, { entities, base: 'dynamo', now: () => new Date(), newKey: uuidv7 })
  if (call === undefined) throw new UnknownEventError()
  return serve(call, store, { requestId: context.awsRequestId, log })
}
