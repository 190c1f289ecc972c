import type { Kysely } from 'kysely'
import { endOfPart, type HashedRows, listRows, sumRows } from '../aurora/canonical-rows.ts'
import { readRecords } from '../aurora/many-records.ts'
import { readRowHeads } from '../aurora/row-heads.ts'
import type { RowSpan } from '../aurora/row-key.ts'
import { isResultTooLarge } from '../drivers/data-api/errors.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { bucketOf } from '../model/canonical.ts'
import type { Entity } from '../model/entity.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { type BucketSums, hasBit } from './bucket-sums.ts'
import { hashedRow } from './compared.ts'
import type { HashedRecord, ReadSoFar } from './sides.ts'

/*
 * Aurora's side of a verification: its rows in the order of their primary key, part by part. Where SQL makes a row's text the server
 * sums up, and nothing but sums leaves it; else rows are read, as whoever carries them over does, and summed up here.
 */

/** Rows whose keys are in some buckets. */
export type ListedPart = ReadSoFar & {
  readonly rows: readonly HashedRecord[]
}

export type RowsParts = {
  readonly db: Kysely<unknown>
  readonly deadline: Deadline
  readonly limiter?: RateLimiter | undefined
  readonly signal?: AbortSignal | undefined
}

/** A side's rows in a span: behind the position of the part before, up to the last id of the segment. */
export type RowSide = {
  /** Adds the next part to the sums. */
  sum(span: RowSpan, into: BucketSums): Promise<ReadSoFar>
  /** The rows of the next part that are in some buckets. @param wanted a bit for each bucket */
  list(span: RowSpan, wanted: Uint8Array): Promise<ListedPart>
}

/** Rows that a statement sums up: its answer has a text for each bucket that it meets. */
const SUMMED = 20_000
/** Rows that a statement lists, of those that it goes through. */
const LISTED = 2_000
/** Rows that are read and hashed here, at once. */
const READ = 500

/**
 * Rows whose hashes the server makes.
 *
 * @param hashed `canonicalSql` of the entity and its live table
 * @param onlyBelow of the buckets only those below this one
 * @throws DataApiError; the signal's reason
 */
export const rowsInSql = (
  hashed: Omit<HashedRows, 'db'>,
  { db, limiter, signal }: RowsParts,
  onlyBelow: number,
): RowSide => {
  const { entity, buckets } = hashed
  const part = async (span: RowSpan, most: number): Promise<ReadSoFar & { readonly span: RowSpan }> => {
    const rows = Math.min(most, limiter?.pageItems ?? most)
    await limiter?.take(rows, signal)
    signal?.throwIfAborted()
    const end = await endOfPart(db, entity, span, rows)
    return { looked: rows, next: end, span: end === undefined ? span : { ...span, upTo: end } }
  }
  return {
    sum: async (whole, into) => {
      const { span, looked, next } = await part(whole, SUMMED)
      let count = 0
      for (const { bucket, count: own, sum } of await sumRows({ ...hashed, db }, span, onlyBelow)) {
        into.add(bucket, own, sum)
        count += own
      }
      // Of a part that isn't full it isn't known how many rows there are, but those that count.
      return { next, looked: next === undefined ? count : looked }
    },
    list: async (whole, wanted) => {
      const share = wanted.reduce((sum, byte) => sum + bitsIn(byte), 0) / buckets
      let most = Math.min(SUMMED, Math.max(LISTED, Math.floor(LISTED / Math.max(share, 1e-9))))
      for (;;) {
        const { span, looked, next } = await part(whole, most)
        try {
          const rows = await listRows({ ...hashed, db }, span, wanted)
          return { rows, next, looked: next === undefined ? rows.length : looked }
        } catch (error) {
          // Keys may be long.
          if (!isResultTooLarge(error) || most === 1) throw error
          most = Math.ceil(most / 4)
        }
      }
    },
  }
}

const bitsIn = (byte: number): number => {
  let [rest, count] = [byte, 0]
  for (; rest > 0; rest >>= 1) count += rest & 1
  return count
}

/**
 * Rows that are read, and hashed here: of an entity for whose rows SQL makes no text.
 *
 * @throws DataApiError, OwnersUnknownError; the signal's reason
 */
export const rowsRead = (
  entity: Entity,
  buckets: number,
  { db, deadline, limiter, signal }: RowsParts,
  onlyBelow: number,
): RowSide => {
  const read = async ({ behind, upTo }: RowSpan, isWanted: (bucket: number) => boolean) => {
    const limit = Math.min(READ, limiter?.pageItems ?? READ)
    await limiter?.take(limit, signal)
    signal?.throwIfAborted()
    const heads = await readRowHeads(db, entity, {
      position: behind,
      upTo: upTo === undefined ? undefined : BigInt(upTo),
      limit,
    })
    const keys = heads.rows.flatMap(({ key }) => (isWanted(bucketOf(key, buckets)) ? [key] : []))
    const records = await readRecords(entity, keys, { db, deadline })
    // The place of a row without a key is no key: nothing can be found under it, and it differs.
    const nameless = heads.nameless.map((place): HashedRecord => ({ key: `${place} `, hash: 1n }))
    return {
      rows: [
        ...records.flatMap((record) => hashedRow(entity, record) ?? []),
        ...nameless.filter(({ key }) => isWanted(bucketOf(key, buckets))),
      ],
      looked: heads.looked,
      next: heads.next,
    }
  }
  return {
    sum: async (span, into) => {
      const { rows, looked, next } = await read(span, (bucket) => bucket < onlyBelow)
      for (const { key, hash } of rows) into.add(bucketOf(key, buckets), 1, hash)
      return { looked, next }
    },
    list: (span, wanted) => read(span, (bucket) => hasBit(wanted, bucket)),
  }
}
