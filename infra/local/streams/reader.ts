import { backoffMs } from './clock.ts'
import { passes } from './filter.ts'
import type { Progress, Ticket } from './progress.ts'
import type { ShardPorts } from './shard-ports.ts'
import { type Page, type Start, StreamError } from './source.ts'

/**
 * Waits between two reads of a shard, milliseconds. AWS reads four times a second; here the servers are local and the
 * reader is a person who waits to see a change arrive, so reads are frequent, and less so while nothing happens. More
 * frequent ones bring little: each costs the DynamoDB beside it some milliseconds, and small batches cost MySQL more.
 */
const POLL_MS = 50
const IDLE_POLL_MS = 100
/** Nothing happens once no record has come for this long. */
const IDLE_AFTER_MS = 1_000
/** GetRecords answers at most this many. */
const PAGE_LIMIT = 1_000

/** What the reader of one shard hands its records to. */
export type ReaderPorts = ShardPorts & {
  readonly progress: Progress
  /** Takes the records of a page that pass the filter. */
  readonly take: (tickets: readonly Ticket[]) => void
  /** Told after each page. */
  readonly moved: () => void
}

/**
 * Reads one shard from its checkpoint to its end, as far ahead of the deliveries as the limits allow.
 *
 * @param latest start at the newest record when there is no checkpoint: honest only for shards of the first discovery
 * @returns once the shard is read to its end, or when the signal aborts
 */
export const readShard = async (
  shardId: string,
  latest: boolean,
  ports: ReaderPorts,
  signal: AbortSignal,
): Promise<void> => {
  const { settings, source, checkpoints, clock, progress } = ports
  const position = checkpoints.position(shardId)
  // A LATEST mapping that was stopped before its first record must not skip what was written meanwhile: it reads the
  // whole shard and leaves out what is older than its first start, by the minute, as coarse as emulators' clocks are.
  const resumedLatest = settings.startingPosition === 'LATEST' && !latest && position?.after === undefined
  const skipBefore = resumedLatest ? Math.floor(checkpoints.startedAt / 60_000) * 60 : 0
  let start: Start = startAt(position?.after, latest)
  let iterator: string | undefined
  let failures = 0
  let lastRecordAt = Number.NEGATIVE_INFINITY
  /** The stream has said that there will be no more records, and what it had by then has not been read yet. */
  let closed = false

  while (!signal.aborted) {
    const limit = Math.min(PAGE_LIMIT, progress.room)
    if (limit === 0) {
      await progress.settled.wait()
      continue
    }
    let page: Page
    try {
      iterator ??= await source.iterator(settings.streamArn, shardId, start)
      page = await source.read(settings.streamArn, iterator, limit)
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
        return
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
    const tickets: Ticket[] = []
    for (const record of page.records) {
      start = { type: 'AFTER', sequenceNumber: record.dynamodb.SequenceNumber }
      if (record.dynamodb.ApproximateCreationDateTime < skipBefore || !passes(record, settings.filters)) {
        progress.skip(record)
      } else {
        tickets.push(progress.read(record))
      }
    }
    ports.take(tickets)
    ports.moved()
    if (page.records.length > 0) lastRecordAt = clock.now()
    if (iterator === undefined && page.records.length === 0) {
      if (closed) return
      closed = await closedOrUnknown(shardId, ports)
    }
    // A full page has more behind it. At the end of a closed shard, its children are waiting.
    const more = closed || page.records.length >= limit || (page.records.length > 0 && iterator === undefined)
    const idle = clock.now() - lastRecordAt > IDLE_AFTER_MS
    if (!more) await clock.sleep(idle ? IDLE_POLL_MS : POLL_MS, signal)
  }
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
