import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { ObjectBucket } from '../../functions/bridge/drivers/s3/bucket.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { Undelivered } from '../../functions/bridge/undelivered/undelivered.ts'
import { failureDestination } from '../../infra/local/failures/destination.ts'
import { startS3 } from '../../infra/local/s3/server.ts'
import type { StreamRecord } from '../../infra/local/streams/records.ts'
import { makeFolder } from './folder.ts'

export type TestFailures = {
  readonly endpoint: string
  /** The bucket's name, and the folder that it is here. */
  readonly name: string
  readonly folder: string
  readonly client: S3Client
  readonly bucket: ObjectBucket
  readonly undelivered: Undelivered
  /** Files a batch as an event source mapping does that gives it up. @returns its key */
  give(records: readonly unknown[], options: GiveOptions): Promise<string>
  /** Puts any object. */
  put(key: string, text: string): Promise<void>
  /** All keys below a prefix. */
  keys(prefix: string): Promise<readonly string[]>
  close(): Promise<void>
}

export type GiveOptions = {
  /** The table's name in DynamoDB. */
  readonly table: string
  readonly functionName?: string
  readonly at?: Date
}

/** A failure bucket behind the local S3. */
export const openTestFailures = async (): Promise<TestFailures> => {
  const home = await makeFolder()
  const name = `failures-${randomUUID()}`
  const folder = join(home.path, name)
  const server = await startS3({ buckets: new Map([[name, folder]]) })
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  const bucket = new ObjectBucket({ client, bucket: name, deadline: new Deadline() })
  return {
    endpoint: server.endpoint,
    name,
    folder,
    client,
    bucket,
    undelivered: new Undelivered(bucket),
    give: async (records, { table, functionName = 'BackSync', at = new Date() }) => {
      const file = await failureDestination('bucket', name, folder, () => at.getTime()).deliver(
        {
          condition: 'RetryAttemptsExhausted',
          records: records.map(asStreamRecord),
          requestId: randomUUID(),
          invokeCount: 11,
          functionError: 'Unhandled',
        },
        {
          functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
          streamArn: `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/2026-11-22T00:00:00.000`,
          shardId: 'shardId-1',
          mappingUuid: '7a1c9c6e-8d2e-4b25-9f0d-2f3c4d5e6f70',
        },
      )
      return file.slice(folder.length + 1)
    },
    put: async (Key, Body) => {
      await client.send(new PutObjectCommand({ Bucket: name, Key, Body }))
    },
    keys: async (prefix) => {
      const keys: string[] = []
      for await (const page of bucket.list(prefix)) keys.push(...page.map(({ key }) => key))
      return keys
    },
    close: async () => {
      client.destroy()
      await server.close()
      await home.remove()
    },
  }
}

/** Fixtures of records are looser than what the local event source reads. */
const asStreamRecord = (record: unknown): StreamRecord => {
  const copy: StreamRecord = JSON.parse(JSON.stringify(record))
  copy.dynamodb.ApproximateCreationDateTime ??= Date.now() / 1000
  return copy
}
