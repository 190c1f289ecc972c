import { Batcher } from './batcher.ts'
import type { Checkpoints } from './checkpoints.ts'
import { backoffMs, type Clock } from './clock.ts'
import { type DeliveryPorts, deliver } from './deliver.ts'
import { passes } from './filter.ts'
import { splitByItem } from './lanes.ts'
import type { StreamRecord } from './records.ts'
import type { MappingSettings } from './settings.ts'
import { type Page, type Start, StreamError, type StreamSource } from './source.ts'

/**
 * Waits between two reads of a shard. AWS reads four times a second; here the servers are local and the reader is a
 * person who waits to see a change arrive, so reads are frequent, and less so while nothing happens.
 */
export const POLL_MS = 50
export const IDLE_POLL_MS = 100
/** GetRecords answers at most this many. */
const PAGE_LIMIT = 1_000

/** What the consumer of one shard needs. */
export type ShardPorts = {
  readonly settings: MappingSettings
  readonly source: StreamSource
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly random: () => number
  readonly log: (line: string) => void
  readonly deliveryTo: (shardId: string) => Omit<DeliveryPorts, 'checkpoint'>
  /** Asks the stream whether a shard will get no more records: it has ended, has a child, or is gone. */
  readonly isClosed: (shardId: string) => Promise<boolean>
}

/**
 * Reads one shard from its checkpoint to its end, delivering as it goes.
 *
 * @param latest start at the newest record when there is no checkpoint: honest only for shards of the first discovery
 * @returns once the shard is read to its end and everything is delivered, or when the signal aborts
 */
export const consumeShard = async (
  shardId: string,
  latest: boolean,
  ports: ShardPorts,
  signal: AbortSignal,
): Promise<void> => {
  const { settings, source, checkpoints, clock } = ports
  const batcher = new Batcher(settings.batchSize, settings.windowSeconds)
  const position = checkpoints.position(shardId)
  // A LATEST mapping that was stopped before its first record must not skip what was written meanwhile: it reads the
  // whole shard and leaves out what is older than its first start, by the minute, as coarse as emulators' clocks are.
  const resumedLatest = settings.startingPosition === 'LATEST' && !latest && position?.after === undefined
  const skipBefore = resumedLatest ? Math.floor(checkpoints.startedAt / 60_000) * 60 : 0
  let start: Start = startAt(position?.after, latest)
  let iterator: string | undefined
  /** The last record that was read, when the mapping's filter dropped it: a checkpoint without an invocation. */
  let dropped: StreamRecord | undefined
  let failures = 0

  const flush = async (): Promise<boolean> => {
    const batch = batcher.take(clock.now())
    return deliverLanes(shardId, batch, ports, signal)
  }

  while (!signal.aborted) {
    let page: Page
    try {
      iterator ??= await source.iterator(settings.streamArn, shardId, start)
      page = await source.read(settings.streamArn, iterator, Math.min(PAGE_LIMIT, Math.max(1, batcher.room)))
      failures = 0
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      failures++
      iterator = undefined
      if (error.code === 'streams.trimmed') {
        ports.log(
          `GAP: records of shard ${shardId} left the stream before they were read; reseed from the table`,
        )
        start = { type: 'TRIM_HORIZON' }
      } else if (error.code === 'streams.not-found' && (await closedOrUnknown(shardId, ports))) {
        ports.log(`GAP: shard ${shardId} is gone before it was read to its end; reseed from the table`)
        break
      } else if (start.type === 'LATEST') {
        start = { type: 'TRIM_HORIZON' }
      }
      if (error.code !== 'streams.expired' && (failures === 1 || failures % 20 === 0)) {
        ports.log(`reading shard ${shardId} failed ${failures} times: ${error.message}`)
      }
      await clock.sleep(backoffMs(failures, ports.random(), POLL_MS, 5_000), signal)
      continue
    }
    iterator = page.next
    for (const record of page.records) {
      start = { type: 'AFTER', sequenceNumber: record.dynamodb.SequenceNumber }
      if (record.dynamodb.ApproximateCreationDateTime < skipBefore || !passes(record, settings.filters)) {
        dropped = record
      } else {
        batcher.add(record, clock.now())
        dropped = undefined
      }
    }
    const ended = iterator === undefined && (await closedOrUnknown(shardId, ports))
    while (batcher.due(clock.now()) || (ended && batcher.size > 0)) {
      if (!(await flush())) return
    }
    if (dropped && batcher.size === 0) {
      await checkpoints.advance(shardId, dropped.dynamodb.SequenceNumber)
      dropped = undefined
    }
    if (ended && page.records.length === 0) break
    if (page.records.length < PAGE_LIMIT) {
      await clock.sleep(page.records.length > 0 ? POLL_MS : IDLE_POLL_MS, signal)
    }
  }
  if (!signal.aborted) await checkpoints.finish(shardId)
}

const startAt = (after: string | undefined, latest: boolean): Start =>
  after === undefined
    ? { type: latest ? 'LATEST' : 'TRIM_HORIZON' }
    : { type: 'AFTER', sequenceNumber: after }

/** Whether the shard has ended; when the stream can't be asked just now, it has not. */
const closedOrUnknown = async (shardId: string, ports: ShardPorts): Promise<boolean> => {
  try {
    return await ports.isClosed(shardId)
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    ports.log(`cannot describe the stream: ${error.message}`)
    return false
  }
}

/**
 * Delivers a batch in as many parts as the mapping allows. With several, the checkpoint moves once all are done: a
 * part that stands still holds back its shard's next batch, so order per item needs no memory across batches.
 */
const deliverLanes = async (
  shardId: string,
  batch: readonly StreamRecord[],
  ports: ShardPorts,
  signal: AbortSignal,
): Promise<boolean> => {
  const { settings, checkpoints } = ports
  const advance = (record: StreamRecord) => checkpoints.advance(shardId, record.dynamodb.SequenceNumber)
  const delivery = ports.deliveryTo(shardId)
  const lanes = splitByItem(batch, settings.parallelizationFactor)
  const [only] = lanes
  if (only && lanes.length === 1) return deliver(only, settings, { ...delivery, checkpoint: advance }, signal)
  const ends = await Promise.all(
    lanes.map((lane) => deliver(lane, settings, { ...delivery, checkpoint: async () => {} }, signal)),
  )
  const last = batch.at(-1)
  if (!last || ends.includes(false)) return false
  await advance(last)
  return true
}
