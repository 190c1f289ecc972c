import type { Shard } from './source.ts'

/**
 * The shards that may be read now: not begun, not finished, and with their parent finished or no longer listed, for
 * a child must not overtake its parent.
 */
export const readyShards = (
  shards: readonly Shard[],
  finished: (shardId: string) => boolean,
  running: (shardId: string) => boolean,
): Shard[] => {
  const listed = new Set(shards.map((shard) => shard.id))
  return shards.filter(({ id, parentId }) => {
    if (finished(id) || running(id)) return false
    return parentId === undefined || !listed.has(parentId) || finished(parentId)
  })
}

/**
 * Whether a shard whose iterator has run out will get no more records. A listed child closes its parent even where
 * the parent is still shown open: DescribeStream is not consistent.
 */
export const isClosed = (shardId: string, shards: readonly Shard[]): boolean => {
  const shard = shards.find(({ id }) => id === shardId)
  return shard === undefined || shard.ended || shards.some(({ parentId }) => parentId === shardId)
}

/** Shards without a listed child: where a mapping that starts at LATEST begins. */
export const leaves = (shards: readonly Shard[]): Shard[] => {
  const parents = new Set(shards.map((shard) => shard.parentId))
  return shards.filter(({ id }) => !parents.has(id))
}
