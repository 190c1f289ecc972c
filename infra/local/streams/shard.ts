import { Checkpointer } from './checkpointer.ts'
import { Lane } from './lane.ts'
import { laneOf } from './lanes.ts'
import { Progress, type ProgressLimits } from './progress.ts'
import { readShard } from './reader.ts'
import type { MappingSettings } from './settings.ts'
import type { ShardPorts } from './shard-ports.ts'

/**
 * What a shard may have under way: each lane a batch in delivery and one behind it, and what a lane collects while it
 * retries a record that is given up in the end, about a minute of it at some hundred writes a second.
 */
export const limitsOf = ({ batchSize, parallelizationFactor }: MappingSettings): ProgressLimits => ({
  records: Math.max(10_000, 2 * batchSize * parallelizationFactor),
  bytes: 64 * 1024 * 1024,
  sinceCheckpoint: 100_000,
})

/**
 * Consumes one shard from its checkpoint to its end. A reader runs ahead and deals each record to the lane of its item
 * (as many lanes as the mapping's parallelization factor); the lanes deliver side by side, each in order. The
 * checkpoint is the record up to which all are done with, whatever lane they were in: a crash delivers some again and
 * skips none.
 *
 * @param latest start at the newest record when there is no checkpoint: honest only for shards of the first discovery
 * @returns once the shard is read to its end and everything is delivered, or when the signal aborts and no delivery
 *   is under way
 * @throws what is neither the stream's nor the function's doing, such as a checkpoint that can't be written
 */
export const consumeShard = async (
  shardId: string,
  latest: boolean,
  ports: ShardPorts,
  signal: AbortSignal,
): Promise<void> => {
  const { settings, checkpoints } = ports
  const stop = new AbortController()
  const failures: unknown[] = []
  const failed = (error: unknown): void => {
    failures.push(error)
    stop.abort()
  }
  const progress = new Progress(ports.limits ?? limitsOf(settings))
  const checkpointer = new Checkpointer(shardId, progress, checkpoints, failed)
  const delivery = ports.deliveryTo(shardId)
  const lanes = Array.from(
    { length: Math.max(1, settings.parallelizationFactor) },
    () => new Lane({ settings, delivery, progress, moved: () => checkpointer.moved() }),
  )
  const wakeAll = (): void => {
    progress.settled.wake()
    for (const lane of lanes) lane.wake()
  }
  stop.signal.addEventListener('abort', wakeAll, { once: true })
  const passOn = (): void => stop.abort()
  signal.addEventListener('abort', passOn, { once: true })
  if (signal.aborted) stop.abort()

  const reading = readShard(
    shardId,
    latest,
    {
      ...ports,
      progress,
      moved: () => checkpointer.moved(),
      take: (tickets) => {
        const dealt = new Set<Lane>()
        for (const ticket of tickets) {
          const lane = lanes[laneOf(ticket.record, lanes.length)]
          lane?.add(ticket)
          if (lane) dealt.add(lane)
        }
        for (const lane of dealt) lane.wake()
      },
    },
    stop.signal,
  )
  const read = reading.catch(failed).finally(() => {
    for (const lane of lanes) lane.seal()
  })
  await Promise.all([read, ...lanes.map((lane) => lane.run(stop.signal).catch(failed))])
  signal.removeEventListener('abort', passOn)
  if (failures.length === 0) await checkpointer.settled()
  if (failures.length > 0) throw failures[0]
  if (!signal.aborted) await checkpoints.finish(shardId)
}
