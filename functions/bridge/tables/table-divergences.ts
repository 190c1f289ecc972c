import * as z from 'zod'

/**
 * How a kept table differs from what it should be:
 * - `onlySource`: an item of the source isn't there. `onlyTarget`: an item of which the source has nothing any more, or at another place.
 * - `targetBehind`: it was made of an earlier version; where the source's writers count none, of whatever the source held before.
 * - `sourceBehind`: it was made of a later version than the source has, as after a restore. `conflict`: of the same one, and is other.
 * - `typeOnly`: the same amounts and texts, in other types.
 * - `taken`: something else has its place. `foreign`: an item that something else wrote. `unfit`: an item that has no form in the table.
 * - `parked`: its change is set aside.
 */
export const TABLE_DIVERGENCES = [
  'onlySource',
  'onlyTarget',
  'targetBehind',
  'sourceBehind',
  'conflict',
  'typeOnly',
  'taken',
  'foreign',
  'unfit',
  'parked',
] as const
export type TableDivergence = (typeof TABLE_DIVERGENCES)[number]

/** How many differ in each way. */
export type TableDivergences = Readonly<Record<TableDivergence, number>>

/** A pair that differs. */
export type TableDifference = {
  /** The text of the pair. */
  readonly key: string
  readonly is: TableDivergence | 'unsettled'
  /** How its items stand to each other, where it is listed elsewhere as well. */
  readonly relation?: TableDivergence | undefined
  /** The attributes that differ. */
  readonly fields: readonly string[]
  /** Counted versions, in decimal; absent where a side has none. */
  readonly source?: string | undefined
  readonly target?: string | undefined
}

/** The form of a pair that differs. */
export const tableDifference: z.ZodType<TableDifference> = z.object({
  key: z.string(),
  is: z.enum([...TABLE_DIVERGENCES, 'unsettled']),
  relation: z.enum(TABLE_DIVERGENCES).optional(),
  fields: z.array(z.string()),
  source: z.string().optional(),
  target: z.string().optional(),
})
