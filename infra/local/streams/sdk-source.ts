import {
  DescribeStreamCommand,
  type DescribeStreamCommandOutput,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import { messageOf, nameOf } from '../../errors/thrown.ts'
import { REGION } from '../template/pseudo.ts'
import { RecordShapeError, toEventRecord } from './records.ts'
import { type Shard, StreamError, type StreamErrorCode, type StreamSource } from './source.ts'

/**
 * Reads a stream with the AWS SDK, from whatever endpoint the client has.
 *
 * @param log told of a record that is none: it is left out, and those behind it come all the same
 */
export const sdkSource = (
  client: DynamoDBStreamsClient,
  log: (line: string) => void = () => undefined,
): StreamSource => ({
  async shards(streamArn) {
    const shards: Shard[] = []
    let from: string | undefined
    do {
      const answer: DescribeStreamCommandOutput = await translated(() =>
        client.send(new DescribeStreamCommand({ StreamArn: streamArn, ExclusiveStartShardId: from })),
      )
      for (const shard of answer.StreamDescription?.Shards ?? []) {
        if (!shard.ShardId) continue
        const ended = shard.SequenceNumberRange?.EndingSequenceNumber !== undefined
        shards.push({
          id: shard.ShardId,
          ended,
          ...(shard.ParentShardId && { parentId: shard.ParentShardId }),
        })
      }
      from = answer.StreamDescription?.LastEvaluatedShardId
    } while (from !== undefined)
    return shards
  },

  async iterator(streamArn, shardId, start) {
    const answer = await translated(() =>
      client.send(
        new GetShardIteratorCommand({
          StreamArn: streamArn,
          ShardId: shardId,
          ...(start.type === 'AFTER'
            ? { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: start.sequenceNumber }
            : { ShardIteratorType: start.type }),
        }),
      ),
    )
    if (!answer.ShardIterator)
      throw new StreamError('streams.unavailable', `no iterator for shard ${shardId}`)
    return answer.ShardIterator
  },

  async read(streamArn, iterator, limit) {
    const answer = await translated(() =>
      client.send(new GetRecordsCommand({ ShardIterator: iterator, Limit: limit })),
    )
    return {
      records: (answer.Records ?? []).flatMap((record) => {
        try {
          return [toEventRecord(record, streamArn, REGION)]
        } catch (error) {
          if (!(error instanceof RecordShapeError)) throw error
          log(`LOST: ${error.message}`)
          return []
        }
      }),
      ...(answer.NextShardIterator && { next: answer.NextShardIterator }),
    }
  },
})

/** By name: what the poller does about it. Everything else, throttles and refused connections included, is waited out. */
const codes: Readonly<Record<string, StreamErrorCode>> = {
  ExpiredIteratorException: 'streams.expired',
  TrimmedDataAccessException: 'streams.trimmed',
  ResourceNotFoundException: 'streams.not-found',
}

const translated = async <T>(call: () => Promise<T>): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    const name = nameOf(error) ?? 'unknown error'
    const message = messageOf(error)
    throw new StreamError(codes[name] ?? 'streams.unavailable', `${name}: ${message}`, { cause: error })
  }
}
