import { ObjectBucket } from '../../../functions/bridge/drivers/s3/bucket.ts'
import { openS3 } from '../../../functions/bridge/drivers/s3/client.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { Undelivered } from '../../../functions/bridge/undelivered/undelivered.ts'
import { outputOf, type Target } from './target.ts'

/** The output that names the bucket of what event sources gave up on. */
export const FAILURE_BUCKET = 'FailureBucketName'

/** The batches of a stack that its event sources gave up on. */
export const openUndelivered = (target: Target): Undelivered =>
  new Undelivered(
    new ObjectBucket({
      client: openS3(),
      bucket: outputOf(target, FAILURE_BUCKET),
      // A command may take as long as it needs; each of its calls is bounded by itself.
      deadline: new Deadline(),
    }),
  )
