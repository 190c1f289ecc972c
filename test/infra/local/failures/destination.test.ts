import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { failureDestination } from '../../../../infra/local/failures/destination.ts'
import type { Discard } from '../../../../infra/local/streams/deliver.ts'
import { record } from '../streams/records.fixture.ts'

const origin = {
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fn',
  streamArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s',
  shardId: 'shard-1',
  mappingUuid: 'b4db0ed1-5121-41b0-869a-29a44b6a3650',
}
const exhausted: Discard = {
  condition: 'RetryAttemptsExhausted',
  records: [record('10', 'a', 1_700_000_000), record('11', 'b', 1_700_000_060)],
  requestId: 'r1',
  invokeCount: 3,
  functionError: 'Unhandled',
}
const expected = {
  requestContext: {
    requestId: 'r1',
    functionArn: `${origin.functionArn}:$LATEST`,
    condition: 'RetryAttemptsExhausted',
    approximateInvokeCount: 3,
  },
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  version: '1.0',
  timestamp: '2023-11-15T12:34:56.789Z',
  DDBStreamBatchInfo: {
    shardId: 'shard-1',
    startSequenceNumber: '10',
    endSequenceNumber: '11',
    approximateArrivalOfFirstRecord: '2023-11-14T22:13:20.000Z',
    approximateArrivalOfLastRecord: '2023-11-14T22:14:20.000Z',
    batchSize: 2,
    streamArn: origin.streamArn,
  },
}

describe('a failure destination', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-failures-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const now = () => Date.parse('2023-11-15T12:34:56.789Z')

  it('that is a bucket gets the records as well, under the key of AWS', async () => {
    const file = await failureDestination('bucket', 'b', folder, now).deliver(exhausted, origin)

    expect(relative(folder, file)).toMatch(
      /^aws\/lambda\/b4db0ed1-5121-41b0-869a-29a44b6a3650\/shard-1\/2023\/11\/15\/2023-11-15T12\.34\.56-[0-9a-f-]{36}\.json$/,
    )
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      ...expected,
      payload: { Records: exhausted.records },
    })
  })

  it('that is a queue gets where they stood, one file each', async () => {
    const queue = failureDestination('queue', 'q', folder, now)
    const file = await queue.deliver(exhausted, origin)
    await queue.deliver(exhausted, origin)

    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(expected)
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('gets no response for records that were too old', async () => {
    const discard: Discard = { ...exhausted, condition: 'RecordAgeExceeded', functionError: null }
    const file = await failureDestination('queue', 'q', folder, now).deliver(discard, origin)

    expect(JSON.parse(await readFile(file, 'utf8'))).not.toHaveProperty('responseContext')
  })
})
