import type { StreamRecord } from '../../../../infra/local/streams/records.ts'

/** A record of the item `key`, number `sequence` of its shard; creation time in epoch seconds. */
export const record = (sequence: number | string, key = `k${sequence}`, createdAt = 1_000): StreamRecord => ({
  eventID: `event-${sequence}`,
  eventName: 'INSERT',
  eventVersion: '1.1',
  eventSource: 'aws:dynamodb',
  awsRegion: 'us-east-1',
  eventSourceARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s',
  dynamodb: {
    ApproximateCreationDateTime: createdAt,
    Keys: { id: { S: key } },
    NewImage: { id: { S: key } },
    SequenceNumber: String(sequence),
    SizeBytes: 10,
    StreamViewType: 'NEW_AND_OLD_IMAGES',
  },
})

export const sequencesOf = (records: readonly StreamRecord[]): string[] =>
  records.map((one) => one.dynamodb.SequenceNumber)
