import type { Extent } from '../jobs/forecast.ts'
import { bucketOf, textHash } from '../model/canonical.ts'
import { bitsOf } from './bucket-sums.ts'
import { sumPart } from './parts.ts'
import type { FoundKey, HashedRecord } from './sides.ts'
import { namedOf, type StepPages, type StepParts, suspect } from './steps.ts'

/*
 * A sample whose items are read by their keys, and not with all others: the rows of some buckets lead to theirs, and some segments of the
 * items to the rows of these. Nothing is summed up; the sums of a part say how many it has compared.
 */

/** What DynamoDB bills a read for, in bytes, whatever an item has of it. */
const UNIT = 4_096

/**
 * Whether a sample costs less when its items are read by their keys. A scan is billed by the bytes of all items together and half for being
 * late at most; a key by whole units, and then as many of the items as are looked through for what no row leads to.
 */
export const isCheaperByKey = (
  { items, bytes }: Pick<Extent, 'items' | 'bytes'>,
  percent: number,
): boolean => {
  if (items === 0) return false
  const whole = bytes / UNIT / 2
  const ofEach = Math.max(1, Math.ceil(bytes / items / UNIT))
  return (percent / 100) * (items * ofEach + whole) < whole
}

/** How many segments the items are divided into, of which the first `sampled` are looked through. */
export const sampledSegments = (
  segments: number,
  percent: number,
): { readonly items: number; readonly sampled: number } => {
  const sampled = Math.max(1, Math.round((segments * percent) / 100))
  return { sampled, items: Math.max(sampled, Math.round((sampled * 100) / percent)) }
}

/** Lists the rows of a segment that are in the sample, and suspects those whose items are others, or aren't there. */
export async function* sampleRows<D extends FoundKey>(
  parts: StepParts<D>,
  segment: number,
  wanted: readonly number[],
): StepPages {
  const { sides } = parts
  const { buckets, rows } = sides
  const bits = bitsOf(wanted, buckets)
  yield* sumPart(
    async (from, sums) => {
      const listed = await rows.list(segment, from, bits)
      const named = await namedOf(parts, listed.records)
      for (const { key } of named) sums.add(bucketOf(key, buckets), 1, 0n, textHash(key))
      await suspectOthers(parts, named, await sides.hashesOf(named.map(({ key }) => key)))
      return listed
    },
    { ...parts, step: 'sampleRows', part: segment, buckets },
  )
}

/** Reads the items of a segment that is in the sample, and suspects those whose rows are others, or aren't there. */
export async function* sampleItems<D extends FoundKey>(parts: StepParts<D>, segment: number): StepPages {
  const { sides } = parts
  const { buckets, items } = sides
  const all = bitsOf([...Array(buckets).keys()], buckets)
  yield* sumPart(
    async (from, sums) => {
      const listed = await items.list(segment, from, all)
      const named = await namedOf(parts, listed.records)
      for (const { key } of named) sums.add(bucketOf(key, buckets), 1, 0n, textHash(key))
      await suspectOthers(parts, named, await sides.hashesOfRows(named.map(({ key }) => key)))
      return listed
    },
    { ...parts, step: 'sampleItems', part: segment, buckets },
  )
}

const suspectOthers = async <D extends FoundKey>(
  parts: StepParts<D>,
  records: readonly HashedRecord[],
  hashes: ReadonlyMap<string, bigint>,
): Promise<void> => {
  const others = records.filter(({ key, hash }) => hashes.get(key) !== hash)
  await suspect(
    parts,
    others.map(({ key }) => key),
  )
}
