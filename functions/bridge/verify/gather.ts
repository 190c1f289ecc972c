import { endOfPart, keysDeletedSince, keysWrittenSince } from '../aurora/canonical-rows.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import { nameOfItem } from '../dynamo/items.ts'
import { nextItems } from './items.ts'
import type { FoundDifference } from './ledger.ts'
import type { LookParts } from './look.ts'
import { type ReadOn, sumPart } from './parts.ts'
import type { VerifyPlan } from './plan.ts'
import { NOTHING_MORE, type StepPages, type StepParts, suspect } from './steps.ts'

/*
 * Of some keys there are no sums: those that are named, or were written since a time, are gathered, and looked at.
 */

export type GatherParts = StepParts<FoundDifference> & LookParts & { readonly plan: VerifyPlan }

/** Suspects the keys that are named, or were written since a time: of these a segment, items, rows or deletes. */
export const gather = (parts: GatherParts, segment: number): StepPages => {
  const { scope, division } = parts.plan
  const read =
    scope.of === 'keys' ? named(parts, scope.keys) : scope.of === 'since' ? since(parts, scope.since) : []
  return sumPart(read[segment] ?? (async () => NOTHING_MORE), {
    ...{ ...parts, step: 'gather', part: segment, buckets: division.buckets },
  })
}

/** Rows that a statement goes through, and keys that one lists. */
const WRITTEN = 20_000
const LISTED = 2_000

const named = (parts: GatherParts, keys: readonly string[]): readonly ReadOn[] => [
  async (from) => {
    const begin = Number(from ?? 0)
    const some = keys.slice(begin, begin + LISTED)
    await suspect(parts, some)
    const end = begin + some.length
    return { looked: some.length, next: end < keys.length ? String(end) : undefined }
  },
]

const since = (parts: GatherParts, time: string): readonly ReadOn[] => {
  const { plan, db } = parts
  const { entity, table } = plan
  const suspectRows = (keys: readonly string[]): Promise<void> =>
    suspect(
      parts,
      [...new Set(keys)].filter((key) => isRowKey(entity, key)),
    )
  return [
    async (from) => {
      const { items, ...read } = await nextItems({ ...parts, table, segments: 1 }, 0, from)
      const later = items.filter((item) => {
        const at = item[entity.names.updatedAt]?.S
        // What doesn't say when it was written may have been so any time.
        return at === undefined || !(Date.parse(at) < Date.parse(time))
      })
      await suspectRows(later.map((item) => nameOfItem(entity, item)))
      return read
    },
    async (from) => {
      const end = await endOfPart(db, entity, { behind: from }, WRITTEN)
      await suspectRows(await keysWrittenSince(db, entity, { behind: from, upTo: end }, time))
      return { looked: WRITTEN, next: end }
    },
    async (from) => {
      const of = { since: time, behind: from ?? '', limit: LISTED }
      const keys = await keysDeletedSince(db, entity, of)
      await suspect(parts, keys)
      return { looked: keys.length, next: keys.length < LISTED ? undefined : keys.at(-1) }
    },
  ]
}
