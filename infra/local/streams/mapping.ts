import { isClosed, leaves, readyShards } from './lineage.ts'
import { consumeShard } from './shard.ts'
import type { ShardPorts } from './shard-ports.ts'
import { type Shard, StreamError } from './source.ts'

/** How often the stream is asked for new shards, milliseconds; also asked whenever a shard has been read to its end. */
const DESCRIBE_MS = 5_000

/** Everything of ShardPorts that is not derived from the mapping's own view of the stream. */
export type MappingPorts = Omit<ShardPorts, 'isClosed'>

/**
 * Runs one event source mapping until the signal aborts: finds the stream's shards, reads parents before children, and
 * delivers each shard's records in order.
 *
 * @returns when the signal has aborted and no delivery is under way
 * @throws what is neither the stream's nor the function's doing, such as a checkpoint that can't be written
 */
export const runMapping = async (ports: MappingPorts, signal: AbortSignal): Promise<void> => {
  const { settings, source, checkpoints, clock, log } = ports
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const running = new Map<string, Promise<void>>()
  let wake = new AbortController()
  let failure: unknown
  let firstLook = !checkpoints.resumed

  const shardPorts: ShardPorts = {
    ...ports,
    isClosed: async (shardId) => isClosed(shardId, await source.shards(settings.streamArn)),
  }
  const begin = (shardId: string, latest: boolean): void => {
    const consuming = consumeShard(shardId, latest, shardPorts, either)
      .catch((error: unknown) => {
        failure ??= error
        stop.abort()
      })
      .finally(() => {
        running.delete(shardId)
        wake.abort()
      })
    running.set(shardId, consuming)
  }
  const look = async (): Promise<void> => {
    const shards: readonly Shard[] = await source.shards(settings.streamArn)
    if (firstLook && settings.startingPosition === 'LATEST' && shards.length > 0) {
      const tips = leaves(shards)
      for (const { id } of shards) if (!tips.some((tip) => tip.id === id)) await checkpoints.finish(id)
      for (const { id } of tips) begin(id, true)
    }
    if (shards.length > 0) firstLook = false
    const finished = (id: string): boolean => checkpoints.position(id)?.finished === true
    for (const { id } of readyShards(shards, finished, (shard) => running.has(shard))) begin(id, false)
    await checkpoints.retain(new Set([...shards.map(({ id }) => id), ...running.keys()]))
  }

  while (!either.aborted) {
    wake = new AbortController()
    let pause = DESCRIBE_MS
    try {
      await look()
    } catch (error) {
      if (!(error instanceof StreamError)) {
        failure = error
        break
      }
      log(`cannot describe the stream: ${error.message}`)
      pause = 1_000
    }
    // A stream that has just been enabled lists no shard yet.
    if (running.size === 0) pause = Math.min(pause, 200)
    await clock.sleep(pause, AbortSignal.any([either, wake.signal]))
  }
  stop.abort()
  await Promise.all(running.values())
  if (failure) throw failure
}
