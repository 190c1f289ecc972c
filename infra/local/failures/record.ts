import type { Discard } from '../streams/deliver.ts'

/** Where the discarded records came from, and who would not take them. */
export type DiscardOrigin = {
  readonly functionArn: string
  readonly streamArn: string
  readonly shardId: string
}

/**
 * The body that Lambda sends to an on-failure destination for records of a stream.
 *
 * @param now epoch milliseconds
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
 */
export const invocationRecord = (discard: Discard, origin: DiscardOrigin, now: number) => {
  const first = discard.records[0]
  const last = discard.records.at(-1)
  const arrival = (record: typeof first): string | undefined =>
    record && new Date(record.dynamodb.ApproximateCreationDateTime * 1000).toISOString()
  return {
    requestContext: {
      requestId: discard.requestId,
      functionArn: `${origin.functionArn}:$LATEST`,
      condition: discard.condition,
      approximateInvokeCount: discard.invokeCount,
    },
    // Records that were too old had no response.
    ...(discard.condition === 'RetryAttemptsExhausted' && {
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: discard.functionError },
    }),
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    DDBStreamBatchInfo: {
      shardId: origin.shardId,
      startSequenceNumber: first?.dynamodb.SequenceNumber,
      endSequenceNumber: last?.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: arrival(first),
      approximateArrivalOfLastRecord: arrival(last),
      batchSize: discard.records.length,
      streamArn: origin.streamArn,
    },
  }
}
