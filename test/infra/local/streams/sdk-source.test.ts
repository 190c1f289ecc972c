import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { decodeItem } from '../../../../functions/bridge/model/values.ts'
import { messageOf } from '../../../../infra/errors/thrown.ts'
import { sdkSource } from '../../../../infra/local/streams/sdk-source.ts'
import type { StreamSource } from '../../../../infra/local/streams/source.ts'

/** What AWS answers on the wire and no emulator does, read by the unmodified SDK. */
describe('sdkSource', () => {
  let server: Server
  let client: DynamoDBStreamsClient
  let source: StreamSource
  let requests: { operation: string; body: Record<string, unknown> }[]
  let answers: { status?: number; body: unknown }[]
  beforeEach(async () => {
    requests = []
    answers = []
    server = createServer(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
      requests.push({ operation, body: JSON.parse(text) })
      const { status = 200, body } = answers.shift() ?? { status: 500, body: {} }
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    client = new DynamoDBStreamsClient({
      endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 1,
    })
    source = sdkSource(client)
  })
  afterEach(async () => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })

  it('lists the shards of all pages, with their parents', async () => {
    const shard = (ShardId: string, more: object = {}) => ({
      ShardId,
      SequenceNumberRange: { StartingSequenceNumber: '1' },
      ...more,
    })
    answers.push(
      {
        body: {
          StreamDescription: {
            Shards: [shard('a', { SequenceNumberRange: { EndingSequenceNumber: '9' } })],
            LastEvaluatedShardId: 'a',
          },
        },
      },
      { body: { StreamDescription: { Shards: [shard('b', { ParentShardId: 'a' })] } } },
    )

    expect(await source.shards('arn')).toEqual([
      { id: 'a', ended: true },
      { id: 'b', ended: false, parentId: 'a' },
    ])
    expect(requests.map(({ body }) => body.ExclusiveStartShardId)).toEqual([undefined, 'a'])
  })

  it('asks for an iterator after a number beyond 64 bits', async () => {
    answers.push({ body: { ShardIterator: 'it' } })

    await source.iterator('arn', 's', { type: 'AFTER', sequenceNumber: '800000000003126276362' })

    expect(requests[0]?.body).toMatchObject({
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      SequenceNumber: '800000000003126276362',
    })
  })

  it('takes absent records for none, and a null iterator for the end', async () => {
    answers.push({ body: { NextShardIterator: null } })
    expect(await source.read('arn', 'it', 5)).toEqual({ records: [] })
    expect(requests[0]?.body).toMatchObject({ Limit: 5 })
  })

  it.each([
    ['ExpiredIteratorException', 'streams.expired'],
    ['TrimmedDataAccessException', 'streams.trimmed'],
    ['ResourceNotFoundException', 'streams.not-found'],
    ['ProvisionedThroughputExceededException', 'streams.unavailable'],
  ])('tells %s as %s', async (type, code) => {
    answers.push({ status: 400, body: { __type: `com.amazonaws.dynamodb#${type}`, message: 'm' } })
    await expect(source.read('arn', 'it', 5)).rejects.toMatchObject({ name: 'StreamError', code })
  })

  it('tells a refused connection as unavailable', async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    await expect(source.shards('arn')).rejects.toMatchObject({ code: 'streams.unavailable' })
  })

  it('gives a record on whose value the SDK loses, so that it can be refused by name, and those behind it', async () => {
    const recordOf = (SequenceNumber: string, image: string) => ({
      eventID: SequenceNumber,
      eventName: 'INSERT',
      dynamodb: { Keys: { id: { S: SequenceNumber } }, NewImage: JSON.parse(image), SequenceNumber },
    })
    answers = [
      {
        body: {
          Records: [
            recordOf('1', '{"notes":{"M":{"__proto__":{"S":"x"}}}}'),
            recordOf('2', '{"notes":{"M":{"a":{"M":{"__proto__":{"M":{}}}}}}}'),
            recordOf('3', '{"__proto__":{"S":"x"},"a":{"S":"y"}}'),
            { eventID: 'no record' },
            recordOf('4', '{"constructor":{"S":"x"}}'),
          ],
        },
      },
    ]
    const lines: string[] = []
    const { records } = await sdkSource(client, (line) => lines.push(line)).read('arn', 'iterator', 10)
    const events: { dynamodb: { NewImage: Record<string, unknown> } }[] = JSON.parse(JSON.stringify(records))
    const decoded = events.map(({ dynamodb }) => {
      try {
        return decodeItem(dynamodb.NewImage, 'NewImage')
      } catch (error) {
        return messageOf(error)
      }
    })

    expect(decoded).toEqual([
      expect.stringMatching(/^NewImage/),
      expect.stringMatching(/^NewImage/),
      expect.stringMatching(/^NewImage/),
      { constructor: 'x' },
    ])
    expect(lines).toEqual([expect.stringMatching(/^LOST: record no record/)])
  })
})
