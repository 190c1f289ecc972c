import type { RowSpan } from '../aurora/row-key.ts'
import { isRowKey } from '../dynamo/item-head.ts'
import { hashedItem, hashedRow } from './compared.ts'
import { itemSide } from './items.ts'
import type { FoundDifference } from './ledger.ts'
import { itemsOf, type LookParts, lookAt, readRows } from './look.ts'
import type { VerifyPlan } from './plan.ts'
import { type RowSide, rowsInSql, rowsRead } from './rows.ts'
import type { ComparedSides } from './sides.ts'

/** The items and rows of an entity, as the two sides of its verification. */
export const entitySides = (plan: VerifyPlan, parts: LookParts): ComparedSides<FoundDifference> => {
  const { entity, table, division } = plan
  const { buckets, upTo } = division
  const onlyBelow = sampledBuckets(plan)
  const rows = rowsOf(plan, parts)
  return {
    buckets,
    items: itemSide({ ...parts, table, segments: division.items, buckets, onlyBelow }, (item) =>
      hashedItem(entity, item),
    ),
    rows: {
      segments: upTo.length + 1,
      sum: (segment, from, into) => rows.sum(spanOf(plan, segment, from), into),
      list: async (segment, from, wanted) => {
        const { rows: records, ...read } = await rows.list(spanOf(plan, segment, from), wanted)
        return { ...read, records }
      },
    },
    hashesOf: async (keys) => {
      const items = await itemsOf(entity, keys, parts)
      return new Map(
        [...items].flatMap(([key, item]) => {
          const record = hashedItem(entity, item)
          return record === undefined ? [] : [[key, record.hash] as const]
        }),
      )
    },
    hashesOfRows: async (keys) => {
      const records = await readRows(entity, keys, parts)
      const rows = records.flatMap((record) => hashedRow(entity, record) ?? [])
      return new Map(rows.map(({ key, hash }) => [key, hash]))
    },
    differing: async (keys) => {
      const looked = await lookAt(entity, keys, parts)
      return looked.flatMap(({ key, relation }) => (relation.is === 'agree' ? [] : [key]))
    },
    // Under what is no key nothing can be looked up.
    unnamed: (key) => (isRowKey(entity, key) ? undefined : { key, is: 'unreadable', fields: [] }),
  }
}

/** The number of buckets that are compared: the first ones. */
export const sampledBuckets = ({ scope, division: { buckets } }: VerifyPlan): number =>
  scope.of === 'sample' ? Math.max(1, Math.round((buckets * scope.percent) / 100)) : buckets

const rowsOf = (plan: VerifyPlan, parts: LookParts): RowSide => {
  const { entity, canonical, division } = plan
  const onlyBelow = sampledBuckets(plan)
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
