import type { StreamRecord } from './records.ts'

/** A shard as DescribeStream lists it. */
export type Shard = {
  readonly id: string
  readonly parentId?: string
  /** True when it has an ending sequence number. Only a hint: one emulator sets it on open shards. */
  readonly ended: boolean
}

/** Where to start reading in a shard. */
export type Start =
  | { readonly type: 'TRIM_HORIZON' | 'LATEST' }
  | { readonly type: 'AFTER'; readonly sequenceNumber: string }

/** One page of a shard. `next` is absent at the end of a closed shard, and on some emulators in between. */
export type Page = { readonly records: readonly StreamRecord[]; readonly next?: string }

/** The few things that the poller asks of a stream. Methods throw StreamError for what the poller can act upon. */
export type StreamSource = {
  /** All shards, in no order. */
  shards(streamArn: string): Promise<readonly Shard[]>
  iterator(streamArn: string, shardId: string, start: Start): Promise<string>
  /** @param limit 1 to 1,000 */
  read(streamArn: string, iterator: string, limit: number): Promise<Page>
}

export type StreamErrorCode =
  | 'streams.expired'
  | 'streams.trimmed'
  | 'streams.not-found'
  | 'streams.unavailable'

/** A stream that does not answer as hoped; `code` tells what to do about it. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: StreamErrorCode

  constructor(code: StreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
