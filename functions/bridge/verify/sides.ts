import type { BucketSums } from './bucket-sums.ts'

/*
 * Two sides that should hold the same, whatever they are, as the steps of a comparison read them: rows of Aurora and items of DynamoDB,
 * or a table and another one that is kept by it.
 */

/** A record of either side as it is compared: its key, and a hash that is another one's only where that is the same. */
export type HashedRecord = { readonly key: string; readonly hash: bigint }

/** How far a read came: how many it went through, and behind what the next one begins; undefined at the end. */
export type ReadSoFar = { readonly looked: number; readonly next: string | undefined }

/** The records of a side, segment by segment, in reads that each go on behind the one before. */
export type ReadSide = {
  /** Adds what the next read has to the sums. */
  sum(segment: number, from: string | undefined, into: BucketSums): Promise<ReadSoFar>
  /** What the next read has in some buckets. @param wanted a bit for each bucket */
  list(
    segment: number,
    from: string | undefined,
    wanted: Uint8Array,
  ): Promise<ReadSoFar & { readonly records: readonly HashedRecord[] }>
}

/** How a key is found that nothing can be looked up under, or one that differs. */
export type FoundKey = { readonly key: string; readonly is: string }

/** @typeParam D how what differs is noted */
export type ComparedSides<D extends FoundKey> = {
  /** A power of two. */
  readonly buckets: number
  /** Those that can be read by their keys, and how many segments they are divided into. */
  readonly items: ReadSide & { readonly segments: number }
  /** Those that lead to the items. */
  readonly rows: ReadSide & { readonly segments: number }
  /** The hashes of the items that there are of some keys, by key. */
  hashesOf(keys: readonly string[]): Promise<ReadonlyMap<string, bigint>>
  /** Those of the rows that there are of some keys, by key; only a sample asks. */
  hashesOfRows(keys: readonly string[]): Promise<ReadonlyMap<string, bigint>>
  /** Those of some keys of which the two sides don't hold the same just now. */
  differing(keys: readonly string[]): Promise<readonly string[]>
  /** How a record is found that can't be looked up, since its key is none; undefined where it can be. */
  unnamed(key: string): D | undefined
}
