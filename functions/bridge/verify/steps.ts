import type { ScanPage } from '../drivers/dynamo/scan.ts'
import type { Pace } from '../jobs/pace.ts'
import { bucketOf, textHash } from '../model/canonical.ts'
import { bitsOf } from './bucket-sums.ts'
import type { VerificationLedger } from './ledger.ts'
import { sumPart } from './parts.ts'
import type { ComparedSides, FoundKey, HashedRecord, ReadSoFar } from './sides.ts'

/*
 * What each step of a comparison reads, whatever its two sides are. `items` and `rows` sum up both; `narrow` lists the rows of the
 * buckets in which they differ, and looks at those whose items are others; `strays` reads the items once more only where a bucket has
 * some that no row has led to.
 */

export type StepParts<D extends FoundKey> = {
  readonly sides: ComparedSides<D>
  readonly ledger: VerificationLedger<D>
  readonly pace?: Pace | undefined
  readonly signal: AbortSignal
  /** Hears how many items or rows were gone through. */
  readonly onLooked: (looked: number) => void
}

/** What a step does with a segment, as pages of a job. */
export type StepPages = AsyncGenerator<ScanPage>

/** Sums up a segment of a side. */
export const sumUp = <D extends FoundKey>(
  parts: StepParts<D>,
  step: 'items' | 'rows',
  segment: number,
): StepPages => {
  const side = parts.sides[step]
  const { buckets } = parts.sides
  return sumPart((from, sums) => side.sum(segment, from, sums), { ...parts, step, part: segment, buckets })
}

/** The buckets that a step looks at: what the sums of all parts say is asked once, however many segments want to know. */
export type WantedBuckets = () => Promise<readonly number[]>

/** The buckets in which the two sides differ, once both are summed up. */
export const differingBuckets = <D extends FoundKey>({ sides, ledger }: StepParts<D>): WantedBuckets =>
  once(async () => {
    const items = await ledger.allSums('items', sides.items.segments)
    return items.differing(await ledger.allSums('rows', sides.rows.segments))
  })

/** Those of them in which there are items that no row has led to. */
export const strayBuckets = <D extends FoundKey>({ sides, ledger }: StepParts<D>): WantedBuckets =>
  once(async () => {
    const items = await ledger.allSums('items', sides.items.segments)
    const wanted = new Set(items.differing(await ledger.allSums('rows', sides.rows.segments)))
    if (wanted.size === 0) return []
    const known = await ledger.allSums('narrow', sides.rows.segments)
    return known.otherKeys(items).filter((bucket) => wanted.has(bucket))
  })

const once = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let done: Promise<T> | undefined
  return () => {
    done ??= work()
    return done
  }
}

/** Lists the rows of a segment where buckets differ, and suspects those whose items are others, or aren't there. */
export async function* narrowRows<D extends FoundKey>(
  parts: StepParts<D>,
  segment: number,
  wantedBuckets: WantedBuckets,
): StepPages {
  const { sides } = parts
  const { buckets, rows } = sides
  const wanted = await wantedBuckets()
  const bits = bitsOf(wanted, buckets)
  yield* sumPart(
    async (from, sums) => {
      if (wanted.length === 0) return NOTHING_MORE
      const listed = await rows.list(segment, from, bits)
      const named = await namedOf(parts, listed.records)
      const items = await sides.hashesOf(named.map(({ key }) => key))
      for (const key of items.keys()) sums.add(bucketOf(key, buckets), 1, 0n, textHash(key))
      const others = named.filter(({ key, hash }) => items.get(key) !== hash)
      await suspect(
        parts,
        others.map(({ key }) => key),
      )
      return listed
    },
    { ...parts, step: 'narrow', part: segment, buckets },
  )
}

/** Those that can be looked up; of the others it is noted that they can't be. */
export const namedOf = async <D extends FoundKey>(
  { sides, ledger }: StepParts<D>,
  records: readonly HashedRecord[],
): Promise<readonly HashedRecord[]> => {
  const named: HashedRecord[] = []
  const unnamed: D[] = []
  for (const record of records) {
    const found = sides.unnamed(record.key)
    if (found === undefined) named.push(record)
    else unnamed.push(found)
  }
  await ledger.found(unnamed)
  return named
}

/** Looks at once at keys that differ by their hashes: most of what was written in between agrees by now. */
export const suspect = async <D extends FoundKey>(
  { sides, ledger }: Pick<StepParts<D>, 'sides' | 'ledger'>,
  keys: readonly string[],
): Promise<void> => {
  for (let at = 0; at < keys.length; at += LOOKED_AT)
    await ledger.suspect(await sides.differing(keys.slice(at, at + LOOKED_AT)))
}

const LOOKED_AT = 250

/** Reads the items of a segment once more where a bucket has some that no row has led to, and suspects these. */
export async function* findStrays<D extends FoundKey>(
  parts: StepParts<D>,
  segment: number,
  wantedBuckets: WantedBuckets,
): StepPages {
  const { buckets, items } = parts.sides
  const strays = await wantedBuckets()
  const bits = bitsOf(strays, buckets)
  yield* sumPart(
    async (from) => {
      if (strays.length === 0) return NOTHING_MORE
      const listed = await items.list(segment, from, bits)
      const named = await namedOf(parts, listed.records)
      await suspect(
        parts,
        named.map(({ key }) => key),
      )
      return listed
    },
    { ...parts, step: 'strays', part: segment, buckets },
  )
}

/** What a read comes to of which nothing is left. */
export const NOTHING_MORE: ReadSoFar = { looked: 0, next: undefined }
