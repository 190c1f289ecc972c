import * as z from 'zod'
import { endOfPart, keysDeletedSince, keysWrittenSince } from '../aurora/canonical-rows.ts'
import type { RowSpan } from '../aurora/row-key.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { type ScanPage, scanSegment } from '../drivers/dynamo/scan.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import { nameOfItem } from '../dynamo/items.ts'
import type { Pace } from '../jobs/pace.ts'
import { bucketOf, textHash } from '../model/canonical.ts'
import { type BucketSums, bitsOf, hasBit } from './bucket-sums.ts'
import { type HashedRecord, hashedItem } from './compared.ts'
import type { VerificationLedger } from './ledger.ts'
import { itemsOf, type LookParts, lookAt } from './look.ts'
import { type ReadOn, sumPart } from './parts.ts'
import type { VerifyPlan } from './plan.ts'
import { type RowSide, rowsInSql, rowsRead } from './rows.ts'

/*
 * What each step of a verification reads. `items` and `rows` sum up both sides; `narrow` lists the rows of the buckets in which they differ,
 * and looks at those whose items are others; `strays` reads the items once more only where a bucket has some that no row has
 * led to. Of `some` keys there are no sums: they are gathered, and looked at.
 */

export type StepParts = Omit<LookParts, 'limiter' | 'signal'> & {
  readonly plan: VerifyPlan
  readonly ledger: VerificationLedger
  readonly limiter?: RateLimiter | undefined
  readonly pace?: Pace | undefined
  readonly signal: AbortSignal
  /** Hears how many items or rows were gone through. */
  readonly onLooked: (looked: number) => void
}

type Pages = AsyncGenerator<ScanPage>

const readItems = ({ plan, client, deadline, limiter, signal }: StepParts, segment: number): ReadItems => {
  const { table, division } = plan
  return async (from, each) => {
    const start = from === undefined ? undefined : positionIn(from)
    const pages = scanSegment({
      ...{ client, table, deadline, limiter, signal, start },
      ...{ segment, segments: division.items },
    })
    for await (const page of pages) {
      await each(page)
      return { looked: page.looked, next: page.next && JSON.stringify(page.next) }
    }
    return { looked: 0, next: undefined }
  }
}

type ReadItems = (
  from: string | undefined,
  each: (page: ScanPage) => Promise<void> | void,
) => Promise<{ readonly looked: number; readonly next: string | undefined }>

/** A primary key as it was written by `JSON.stringify`: those of entities are texts and numbers. */
const positionIn = (text: string): ScanPage['next'] => position.parse(JSON.parse(text))
const position = z.record(
  z.string(),
  z.union([z.strictObject({ S: z.string() }), z.strictObject({ N: z.string() })]),
)

const bucketsOf = ({ scope, division: { buckets } }: VerifyPlan): number =>
  scope.of === 'sample' ? Math.max(1, Math.round((buckets * scope.percent) / 100)) : buckets

const partOf = (parts: StepParts, step: string, part: number, read: ReadOn): Pages =>
  sumPart(read, { ...parts, step, part, buckets: parts.plan.division.buckets })

/** Sums up a segment of the items. */
export const sumItems = (parts: StepParts, segment: number): Pages => {
  const { entity, division } = parts.plan
  const onlyBelow = bucketsOf(parts.plan)
  const read = readItems(parts, segment)
  return partOf(parts, 'items', segment, (from, sums) =>
    read(from, ({ items }) => {
      for (const item of items) {
        const record = hashedItem(entity, item)
        const bucket = record === undefined ? onlyBelow : bucketOf(record.key, division.buckets)
        if (record !== undefined && bucket < onlyBelow) sums.add(bucket, 1, record.hash, textHash(record.key))
      }
    }),
  )
}

const rowsOf = (parts: StepParts): RowSide => {
  const { entity, canonical, division } = parts.plan
  const onlyBelow = bucketsOf(parts.plan)
  if ('why' in canonical) return rowsRead(entity, division.buckets, parts, onlyBelow)
  const hashed = {
    ...{ entity, text: canonical.text, buckets: division.buckets },
    onlyDynamos: entity.mirror === undefined,
  }
  return rowsInSql(hashed, parts, onlyBelow)
}

/** What of the rows a segment has: behind the one id, up to the other. */
const spanOf = ({ division: { upTo } }: VerifyPlan, segment: number, from: string | undefined): RowSpan => ({
  behind: from ?? upTo[segment - 1],
  upTo: upTo[segment],
})

/** Sums up a segment of the rows. */
export const sumOfRows = (parts: StepParts, segment: number): Pages => {
  const rows = rowsOf(parts)
  return partOf(parts, 'rows', segment, (from, sums) => rows.sum(spanOf(parts.plan, segment, from), sums))
}

/** The buckets in which the two sides differ, once both are summed up. */
const differingBuckets = async ({ plan, ledger }: StepParts): Promise<readonly number[]> => {
  const { items, upTo } = plan.division
  const dynamo = await ledger.allSums('items', items)
  return dynamo.differing(await ledger.allSums('rows', upTo.length + 1))
}

/** Lists the rows of a segment where buckets differ, and suspects those whose items are others, or aren't there. */
export async function* narrowRows(parts: StepParts, segment: number): Pages {
  const { plan } = parts
  const { buckets } = plan.division
  const wanted = await differingBuckets(parts)
  const rows = rowsOf(parts)
  const bits = bitsOf(wanted, buckets)
  yield* partOf(parts, 'narrow', segment, async (from, sums) => {
    if (wanted.length === 0) return { looked: 0, next: undefined }
    const listed = await rows.list(spanOf(plan, segment, from), bits)
    await suspectRows(parts, listed.rows, sums)
    return listed
  })
}

const suspectRows = async (
  parts: StepParts,
  rows: readonly HashedRecord[],
  sums: BucketSums,
): Promise<void> => {
  const { plan, ledger } = parts
  const { entity, division } = plan
  const [named, nameless] = [rows.filter(isNamed(plan)), rows.filter((row) => !isNamed(plan)(row))]
  const items = await itemsOf(
    entity,
    named.map(({ key }) => key),
    parts,
  )
  const others = named.filter(({ key, hash }) => {
    const item = items.get(key)
    const record = item && hashedItem(entity, item)
    if (record !== undefined) sums.add(bucketOf(key, division.buckets), 1, 0n, textHash(key))
    return record?.hash !== hash
  })
  await suspect(
    parts,
    others.map(({ key }) => key),
  )
  // Under what is no key nothing can be looked up.
  await ledger.found(nameless.map(({ key }) => ({ key, is: 'unreadable', fields: [] })))
}

const isNamed =
  ({ entity }: VerifyPlan) =>
  ({ key }: HashedRecord): boolean =>
    isRowKey(entity, key)

/** Looks at once at keys that differ by their hashes: most of what was written in between agrees by now. */
const suspect = async (parts: StepParts, keys: readonly string[]): Promise<void> => {
  const { plan, ledger } = parts
  for (let at = 0; at < keys.length; at += LOOKED_AT) {
    const looked = await lookAt(plan.entity, keys.slice(at, at + LOOKED_AT), parts)
    await ledger.suspect(looked.flatMap(({ key, relation }) => (relation.is === 'agree' ? [] : [key])))
  }
}

const LOOKED_AT = 250

/** Reads the items of a segment once more where a bucket has some that no row has led to, and suspects these. */
export async function* findStrays(parts: StepParts, segment: number): Pages {
  const { plan, ledger } = parts
  const { entity, division } = plan
  const { buckets, items, upTo } = division
  const wanted = new Set(await differingBuckets(parts))
  const known = await ledger.allSums('narrow', upTo.length + 1)
  const strays = known.otherKeys(await ledger.allSums('items', items)).filter((bucket) => wanted.has(bucket))
  const bits = bitsOf(strays, buckets)
  const read = readItems(parts, segment)
  yield* partOf(parts, 'strays', segment, async (from) => {
    if (strays.length === 0) return { looked: 0, next: undefined }
    return read(from, async (page) => {
      const records = page.items.flatMap((item) => hashedItem(entity, item) ?? [])
      const own = records.filter(({ key }) => hasBit(bits, bucketOf(key, buckets)))
      await suspect(
        parts,
        own.filter(isNamed(plan)).map(({ key }) => key),
      )
      const nameless = own.filter((record) => !isNamed(plan)(record))
      await ledger.found(nameless.map(({ key }) => ({ key, is: 'unreadable', fields: [] })))
    })
  })
}

/** Suspects the keys that are named, or were written since a time: of these a segment, items, rows or deletes. */
export const gather = (parts: StepParts, segment: number): Pages => {
  const { scope, entity } = parts.plan
  if (scope.of === 'keys') return partOf(parts, 'gather', segment, named(parts, scope.keys))
  if (scope.of !== 'since') return partOf(parts, 'gather', segment, async () => NOTHING_MORE)
  const { since } = scope
  const reads: readonly ReadOn[] = [
    (from) =>
      readItems({ ...parts, plan: { ...parts.plan, division: { ...parts.plan.division, items: 1 } } }, 0)(
        from,
        async ({ items }) => {
          const later = items.filter((item) => {
            const at = item[entity.names.updatedAt]?.S
            // What doesn't say when it was written may have been so any time.
            return at === undefined || !(Date.parse(at) < Date.parse(since))
          })
          const keys = later.map((item) => nameOfItem(entity, item))
          await suspect(
            parts,
            [...new Set(keys)].filter((key) => isRowKey(entity, key)),
          )
        },
      ),
    async (from) => {
      const end = await endOfPart(parts.db, entity, { behind: from }, WRITTEN)
      const span = { behind: from, upTo: end }
      const keys = await keysWrittenSince(parts.db, entity, span, since)
      await suspect(
        parts,
        keys.filter((key) => isRowKey(entity, key)),
      )
      return { looked: WRITTEN, next: end }
    },
    async (from) => {
      const keys = await keysDeletedSince(parts.db, entity, { since, behind: from ?? '', limit: LISTED })
      await suspect(parts, keys)
      return { looked: keys.length, next: keys.length < LISTED ? undefined : keys.at(-1) }
    },
  ]
  const read = reads[segment]
  return partOf(parts, 'gather', segment, read ?? (async () => NOTHING_MORE))
}

const NOTHING_MORE = { looked: 0, next: undefined }
/** Rows that a statement goes through, and keys that one lists. */
const WRITTEN = 20_000
const LISTED = 2_000

const named =
  (parts: StepParts, keys: readonly string[]): ReadOn =>
  async (from) => {
    const begin = Number(from ?? 0)
    const some = keys.slice(begin, begin + LISTED)
    await suspect(parts, some)
    const end = begin + some.length
    return { looked: some.length, next: end < keys.length ? String(end) : undefined }
  }
