import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type KeySchema, keyAttributes } from '../drivers/dynamo/key-schema.ts'
import { type Bounds, callPatiently, pauseBeforeRepeat } from '../drivers/dynamo/patient-call.ts'
import type { RefusedItem } from '../jobs/jobs.ts'

/** What became of a list of writes; each is in one of the two. */
export type Written = { readonly written: number; readonly refusals: readonly RefusedItem[] }

export type BulkWriterOptions = Bounds & {
  readonly client: DynamoDBClient
  /** The table's name in DynamoDB. */
  readonly table: string
  readonly key: KeySchema
  /** Batches in flight, of all callers together. @default 16 */
  readonly concurrency?: number | undefined
}

/** BatchWriteItem takes so many writes. */
const MOST_WRITES = 25
/**
 * Bytes of items in a batch. A call may have 16 MB on its way; as JSON, binary grows by a third and a text of control
 * characters to six times its size.
 */
const MOST_BYTES = 4_000_000
/** What DynamoDB says of a batch that has one write that it will never take, or that is too large. */
const REFUSED: ReadonlySet<string> = new Set([
  'ItemCollectionSizeLimitExceededException',
  'RequestEntityTooLarge',
  'RequestTooLargeException',
  'SerializationException',
  'ValidationException',
])

/**
 * Writes lists of items by BatchWriteItem, several batches at once. What a batch leaves unprocessed is sent again until
 * it is done, for as long as there is time; what DynamoDB refuses is found by halving its batch, and reported.
 *
 * There are no conditions: the last write wins.
 */
export class BulkWriter {
  readonly #options: BulkWriterOptions
  readonly #slots: Slots

  constructor(options: BulkWriterOptions) {
    this.#options = options
    this.#slots = new Slots(options.concurrency ?? 16)
  }

  /** Puts items of different keys, as they are. @throws DynamoError, DeadlineError; the signal's reason */
  put(items: readonly Item[]): Promise<Written> {
    return this.#write(items.map((Item) => ({ PutRequest: { Item } })))
  }

  /** Deletes items by their different keys. @throws as `put` */
  delete(keys: readonly Item[]): Promise<Written> {
    return this.#write(keys.map((Key) => ({ DeleteRequest: { Key } })))
  }

  async #write(writes: readonly WriteRequest[]): Promise<Written> {
    const outcomes = await Promise.allSettled(
      batchesOf(writes).map((batch) => this.#slots.within(() => this.#writeBatch(batch))),
    )
    const failure = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []))
    return { written: writes.length - refusals.length, refusals }
  }

  async #writeBatch(batch: readonly WriteRequest[]): Promise<RefusedItem[]> {
    let left = batch
    for (let attempt = 0; ; attempt++) {
      const sent = left
      try {
        left = await this.#send(sent)
      } catch (error) {
        if (!isRefusal(error)) throw error
        const [only] = sent
        if (only !== undefined && sent.length === 1) return [this.#refusalOf(only, error)]
        const half = Math.ceil(sent.length / 2)
        return [
          ...(await this.#writeBatch(sent.slice(0, half))),
          ...(await this.#writeBatch(sent.slice(half))),
        ]
      }
      if (left.length === 0) return []
      this.#options.limiter?.throttled()
      // Pauses grow only while nothing gets through.
      if (left.length < sent.length) attempt = 0
      await pauseBeforeRepeat(attempt, 'BatchWriteItem', this.#options)
    }
  }

  /** @returns what was left unprocessed */
  async #send(writes: readonly WriteRequest[]): Promise<WriteRequest[]> {
    const { client, table } = this.#options
    const command = new BatchWriteItemCommand({ RequestItems: { [table]: [...writes] } })
    const { UnprocessedItems = {} } = await callPatiently('BatchWriteItem', this.#options, (options) =>
      client.send(command, options),
    )
    return Object.values(UnprocessedItems).flat()
  }

  #refusalOf({ PutRequest, DeleteRequest }: WriteRequest, error: DynamoError): RefusedItem {
    const item = PutRequest?.Item ?? DeleteRequest?.Key ?? {}
    const key = Object.fromEntries(
      keyAttributes(this.#options.key).flatMap(({ name }) => {
        const value = item[name]
        return value === undefined ? [] : [[name, value]]
      }),
    )
    return {
      key,
      why: error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : error.message,
    }
  }
}

const isRefusal = (error: unknown): error is DynamoError =>
  error instanceof DynamoError && error.cause instanceof Error && REFUSED.has(error.cause.name)

const batchesOf = (writes: readonly WriteRequest[]): WriteRequest[][] => {
  const batches: WriteRequest[][] = []
  let batch: WriteRequest[] = []
  let bytes = 0
  for (const write of writes) {
    const size = itemSize(write.PutRequest?.Item ?? write.DeleteRequest?.Key ?? {})
    if (batch.length === MOST_WRITES || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(write)
    bytes += size
  }
  return batch.length === 0 ? batches : [...batches, batch]
}

/** Lets so many works run at once; the others wait in their order. */
class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(slots: number) {
    this.#free = slots
  }

  async within<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      // A slot goes from hand to hand while anybody waits.
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
