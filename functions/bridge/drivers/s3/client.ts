import { S3Client } from '@aws-sdk/client-s3'
import { withoutLog } from '../../runtime/without-log.ts'

/** How long a connection may take, in milliseconds. The calls have bounds of their own. */
const CONNECTION_TIMEOUT = 3_000

/** A client of S3, by the settings of the environment. */
export const openS3 = (): S3Client =>
  withoutLog(new S3Client({ requestHandler: { connectionTimeout: CONNECTION_TIMEOUT } }))
