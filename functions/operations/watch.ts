import { ObjectBucket } from '../bridge/drivers/s3/bucket.ts'
import { openS3 } from '../bridge/drivers/s3/client.ts'
import { readConfig, settings } from '../bridge/runtime/config.ts'
import { Deadline, type InvocationContext } from '../bridge/runtime/deadline.ts'
import { LambdaLog } from '../bridge/runtime/log.ts'
import { LambdaMetrics, WATCH, WHOLE_STACK } from '../bridge/runtime/metrics.ts'
import { Undelivered } from '../bridge/undelivered/undelivered.ts'

/** Whoever has more than this knows enough; each thousand is a call. */
const ENOUGH = 20_000

const { FAILURE_BUCKET: bucket } = readConfig(settings.failures, process.env)
const deadline = new Deadline()
const log = new LambdaLog('watch')
const metrics = new LambdaMetrics(WATCH)
const undelivered = new Undelivered(new ObjectBucket({ client: openS3(), bucket, deadline }))

/** Looks, every few minutes, what waits for an operator, and publishes how much it is: alarms stay on until it is none. */
export const handler = async (_event: unknown, context: InvocationContext): Promise<unknown> => {
  deadline.begin(context)
  log.begin(context.awsRequestId)
  try {
    const count = await undelivered.count(ENOUGH)
    metrics.gauge('Undelivered', WHOLE_STACK, count)
    if (count > 0) log.warn('batches are undelivered: see backsync undelivered list', { batches: count })
    return { undelivered: count }
  } finally {
    metrics.flush()
  }
}
