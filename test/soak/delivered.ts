import type { Positions } from './positions.ts'

/**
 * Tells a stream's own time: up to when all that was written has been delivered, and is done with. While nothing gets through it
 * stands still, whatever clocks say. Times are milliseconds of one clock; it is as fine as the stream is read often.
 */
export class Delivered {
  /** Of each shard, what was found in it and is not done with: none of that up to `end` was written before `since`. */
  readonly #found = new Map<string, { readonly since: number; readonly end: bigint }[]>()
  #from: number

  /** @param from nothing that was written before counts */
  constructor(from: number) {
    this.#from = from
  }

  /** A reading has found records in a shard, up to a sequence number. */
  found(shard: string, end: string): void {
    const found = this.#found.get(shard) ?? []
    this.#found.set(shard, found)
    // The reading before has found all that was written before that one began.
    found.push({ since: this.#from, end: BigInt(end) })
  }

  /** A reading that began at a time has come to the ends of all shards. */
  read(from: number): void {
    this.#from = from
  }

  /** The latest time of which it is known that all that was written before it is done with. */
  upTo(positions: Positions): number {
    let least = this.#from
    for (const [shard, found] of this.#found) {
      const after = positions.get(shard) ?? -1n
      while (found[0] !== undefined && found[0].end <= after) found.shift()
      least = Math.min(least, found[0]?.since ?? least)
    }
    return least
  }
}
