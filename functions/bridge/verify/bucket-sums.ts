import { deflateRawSync, inflateRawSync } from 'node:zlib'

/*
 * What a side has in each bucket of keys: how many there are, and order-free sums of their hashes. Two sides with the same sums hold
 * the same; where they differ, only that bucket is looked at more closely. A hash is over key, version, owner and content, so a largest version
 * by bucket would say nothing more. The sums are exclusive ors: they are as large for any number of rows.
 */

/** The sums of a side, or of a part of it. */
export class BucketSums {
  readonly buckets: number
  readonly #counts: Uint32Array
  readonly #records: BigUint64Array
  readonly #keys: BigUint64Array

  /** @param buckets a power of two */
  constructor(buckets: number) {
    this.buckets = buckets
    this.#counts = new Uint32Array(buckets)
    this.#records = new BigUint64Array(buckets)
    this.#keys = new BigUint64Array(buckets)
  }

  /** How many records there are in all. */
  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * Adds records of a bucket.
   *
   * @param records the exclusive or of their hashes
   * @param keys that of their keys' hashes; 0 where nobody asks for these
   */
  add(bucket: number, count: number, records: bigint, keys = 0n): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    this.#records[bucket] = (this.#records[bucket] ?? 0n) ^ records
    this.#keys[bucket] = (this.#keys[bucket] ?? 0n) ^ keys
  }

  /** Adds all of a part. @throws RangeError for one of another number of buckets */
  merge(part: BucketSums): void {
    if (part.buckets !== this.buckets) throw new RangeError('The sums are of another number of buckets')
    for (let at = 0; at < this.buckets; at++) this.add(at, ...part.#of(at))
  }

  #of(bucket: number): readonly [count: number, records: bigint, keys: bigint] {
    return [this.#counts[bucket] ?? 0, this.#records[bucket] ?? 0n, this.#keys[bucket] ?? 0n]
  }

  /** The buckets in which the two don't hold the same records. */
  differing(other: BucketSums): readonly number[] {
    return this.#where(other, ([count, records], [others, theirs]) => count !== others || records !== theirs)
  }

  /** Those in which they don't hold the same keys, whatever is under these. */
  otherKeys(other: BucketSums): readonly number[] {
    return this.#where(other, ([count, , keys], [others, , theirs]) => count !== others || keys !== theirs)
  }

  #where(other: BucketSums, differ: (one: Sum, two: Sum) => boolean): readonly number[] {
    return Array.from({ length: this.buckets }, (_, at) => at).filter((at) =>
      differ(this.#of(at), other.#of(at)),
    )
  }

  /** As bytes, of which `fromBytes` makes them again. */
  toBytes(): Uint8Array {
    const parts = [this.#counts, this.#records, this.#keys]
    return deflateRawSync(
      Buffer.concat(
        parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
      ),
    )
  }

  /** @throws RangeError for bytes that are not of so many buckets */
  static fromBytes(bytes: Uint8Array, buckets: number): BucketSums {
    const sums = new BucketSums(buckets)
    const whole = inflateRawSync(bytes, { maxOutputLength: buckets * RECORD + 1 })
    if (whole.byteLength !== buckets * RECORD)
      throw new RangeError('The sums are of another number of buckets')
    for (let at = 0; at < buckets; at++)
      sums.add(
        at,
        whole.readUInt32LE(at * 4),
        whole.readBigUInt64LE(buckets * 4 + at * 8),
        whole.readBigUInt64LE(buckets * 12 + at * 8),
      )
    return sums
  }
}

type Sum = readonly [count: number, records: bigint, keys: bigint]

/** Bytes of a bucket. */
const RECORD = 20

/** A bit for each bucket that is wanted: the lowest bit of the first byte is bucket 0. */
export const bitsOf = (wanted: readonly number[], buckets: number): Uint8Array => {
  const bits = new Uint8Array(Math.ceil(buckets / 8))
  for (const bucket of wanted) bits[bucket >> 3] = (bits[bucket >> 3] ?? 0) | (1 << (bucket & 7))
  return bits
}

export const hasBit = (bits: Uint8Array, bucket: number): boolean =>
  (((bits[bucket >> 3] ?? 0) >> (bucket & 7)) & 1) === 1

/** Records of a bucket, where there are many of them. */
const RECORDS_IN_BUCKET = 32
const [FEWEST, MOST] = [64, 8_192]

/** How many buckets so many records are divided into. As many as an item of the ledger has room for, at most. */
export const bucketCount = (records: number): number => {
  let buckets = FEWEST
  while (buckets < MOST && buckets * RECORDS_IN_BUCKET < records) buckets *= 2
  return buckets
}
