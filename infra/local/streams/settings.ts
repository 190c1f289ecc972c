/** How long a stream of DynamoDB's keeps its records, in seconds. */
export const STREAM_RETENTION = 24 * 3_600

/** An event source mapping on a DynamoDB stream, with Lambda's defaults filled in. */
export type MappingSettings = {
  readonly uuid: string
  readonly streamArn: string
  /** 1 to 10,000 records in a batch. */
  readonly batchSize: number
  /** 0 to 300 seconds to wait for a full batch. */
  readonly windowSeconds: number
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST'
  /** 1 to 10 batches of a shard at once; the records of one item keep their order. */
  readonly parallelizationFactor: number
  readonly bisectOnError: boolean
  /** -1: until the records are too old. N means N + 1 invocations. */
  readonly maximumRetryAttempts: number
  /** -1: until the record leaves the stream. */
  readonly maximumRecordAgeSeconds: number
  /** How long the stream keeps its records: what has not been delivered by then is lost, and nobody is told. */
  readonly retentionSeconds: number
  readonly reportBatchItemFailures: boolean
  /** Patterns as JSON values; a record must match one of them. Empty: every record passes. */
  readonly filters: readonly unknown[]
}
