import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import { type StreamRecord, toEventRecord } from '../../infra/local/streams/records.ts'
import { REGION } from '../../infra/local/template/pseudo.ts'
import { Delivered } from './delivered.ts'
import type { Ground, SoakEntity } from './ground.ts'
import type { Positions } from './positions.ts'
import type { Random } from './random.ts'

/** What the stream said of a key, without its values. */
export type Note = {
  readonly sequenceNumber: string
  readonly event: StreamRecord['eventName']
  /** The version that the change has at the other side: a delete's is one above what was deleted. Undefined: broken. */
  readonly version: bigint | undefined
  /** Epoch seconds. */
  readonly created: number
}

/** Records kept whole for replays: so many of the latest, and so many of all. */
const LATEST = 1_500
const SAMPLE = 1_500
const PAGE = 1_000
const KEYS = { chef: 'chefId', recipe: 'recipeId' } as const

type Cursor = { iterator: string | undefined; after: string | undefined }

/**
 * Reads a table's stream beside the event source mapping: the history of each key, and records to replay.
 * One reader at a time.
 */
export class Tape {
  readonly entity: SoakEntity
  readonly streamArn: string
  readonly history = new Map<string, Note[]>()
  /** The last sequence number of each shard. */
  readonly ends = new Map<string, string>()
  readonly #client: DynamoDBStreamsClient
  readonly #random: Random
  readonly #cursors = new Map<string, Cursor>()
  readonly #latest: StreamRecord[] = []
  readonly #sample: StreamRecord[] = []
  readonly #delivered = new Delivered(performance.now())
  #seen = 0
  #inserts = 0

  private constructor(ground: Ground, entity: SoakEntity, random: Random) {
    this.entity = entity
    this.#client = ground.streams
    this.streamArn = ground.tables[entity].streamArn
    this.#random = random
  }

  /** A tape of what is written from now on. */
  static async open(ground: Ground, entity: SoakEntity, random: Random): Promise<Tape> {
    const tape = new Tape(ground, entity, random)
    while ((await tape.read()) > 0);
    tape.history.clear()
    tape.#latest.length = 0
    tape.#sample.length = 0
    tape.#seen = 0
    tape.#inserts = 0
    return tape
  }

  /** How many records there were. */
  get seen(): number {
    return this.#seen
  }

  /** How many of them made an item. */
  get inserts(): number {
    return this.#inserts
  }

  /**
   * Up to when all that was written has been delivered, and is done with, in milliseconds of `performance.now()`.
   *
   * @param positions where the event source mapping of the stream stands
   */
  deliveredUpTo(positions: Positions): number {
    return this.#delivered.upTo(positions)
  }

  /** Reads what has come since the last call. @returns how many records */
  async read(): Promise<number> {
    const from = performance.now()
    const { StreamDescription } = await this.#client.send(
      new DescribeStreamCommand({ StreamArn: this.streamArn }),
    )
    let count = 0
    for (const { ShardId } of StreamDescription?.Shards ?? [])
      if (ShardId !== undefined) count += await this.#readShard(ShardId)
    this.#delivered.read(from)
    return count
  }

  /** Some of the latest records, in the stream's order. */
  latest(count: number): StreamRecord[] {
    return this.#latest.slice(-count)
  }

  /** Some of all records, in the stream's order. */
  old(count: number): StreamRecord[] {
    const from = this.#random.int(0, Math.max(0, this.#sample.length - count))
    return this.#sample.slice(from, from + count).toSorted(bySequence)
  }

  async #readShard(shardId: string): Promise<number> {
    const cursor = this.#cursors.get(shardId) ?? { iterator: undefined, after: undefined }
    this.#cursors.set(shardId, cursor)
    let count = 0
    for (;;) {
      cursor.iterator ??= await this.#iterator(shardId, cursor.after)
      if (cursor.iterator === undefined) return count
      const { Records = [], NextShardIterator } = await this.#client.send(
        new GetRecordsCommand({ ShardIterator: cursor.iterator, Limit: PAGE }),
      )
      cursor.iterator = NextShardIterator
      for (const record of Records) this.#keep(toEventRecord(record, this.streamArn, REGION))
      const last = Records.at(-1)?.dynamodb?.SequenceNumber
      if (last === undefined) return count
      cursor.after = last
      this.ends.set(shardId, last)
      this.#delivered.found(shardId, last)
      count += Records.length
    }
  }

  async #iterator(shardId: string, after: string | undefined): Promise<string | undefined> {
    const { ShardIterator } = await this.#client.send(
      new GetShardIteratorCommand({
        StreamArn: this.streamArn,
        ShardId: shardId,
        ...(after === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after }),
      }),
    )
    return ShardIterator
  }

  #keep(record: StreamRecord): void {
    const key = keyOf(this.entity, record)
    const notes = this.history.get(key) ?? []
    this.history.set(key, notes)
    notes.push({
      sequenceNumber: record.dynamodb.SequenceNumber,
      event: record.eventName,
      version: versionOf(record),
      created: record.dynamodb.ApproximateCreationDateTime,
    })
    this.#latest.push(record)
    if (this.#latest.length > LATEST) this.#latest.shift()
    this.#seen += 1
    if (record.eventName === 'INSERT') this.#inserts += 1
    if (this.#sample.length < SAMPLE) this.#sample.push(record)
    else {
      const at = this.#random.int(0, this.#seen - 1)
      if (at < SAMPLE) this.#sample[at] = record
    }
  }
}

const bySequence = (a: StreamRecord, b: StreamRecord): number =>
  BigInt(a.dynamodb.SequenceNumber) < BigInt(b.dynamodb.SequenceNumber) ? -1 : 1

const keyOf = (entity: SoakEntity, { dynamodb: { Keys } }: StreamRecord): string => {
  const key = Keys[KEYS[entity]]
  return key !== undefined && 'S' in key ? key.S : ''
}

const versionOf = ({ eventName, dynamodb: { NewImage, OldImage } }: StreamRecord): bigint | undefined => {
  const version = (eventName === 'REMOVE' ? OldImage : NewImage)?.version
  if (version === undefined || !('N' in version) || !/^\d+$/.test(version.N)) return undefined
  return BigInt(version.N) + (eventName === 'REMOVE' ? 1n : 0n)
}
