import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { canonicalText, DecimalText, decodeItem } from '../../../../functions/bridge/model/values.ts'
import { type Projection, replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { STAMP } from '../../../../functions/bridge/tables/stamp.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'

const things = defineTable({ name: 'things', key: { partition: 'id' } })

const refuseBad = (item: Projected): Projected | undefined => {
  if (item.bad === true) throw new Error('a bad item')
  return item.hidden === true ? undefined : item
}
type Projected = Parameters<Projection['project']>[0]

/** A job under test: how it is declared, and what must come of it, said without any of its code. */
export type Job = {
  readonly projection: Projection
  /** What the target holds for an item; undefined: nothing, `bad`: the item must be listed as parked. */
  expected(item: Item): Item | 'bad' | undefined
  /** The place that it has there; items with one place exclude each other. */
  placeOf(expected: Item): string
}

const text = (S: string): AttributeValue => ({ S })
const without = (item: Item, ...names: string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)))

/** The key stays; attributes are renamed, added, computed and left out. */
const renaming: Job = {
  projection: reshape({
    from: things,
    to: 'things-v2',
    rename: { value: 'amount' },
    drop: ['legacy'],
    set: {
      schema: 2,
      small: ({ value }) => value instanceof DecimalText && Number(value.text) < 1_000,
    },
    map: refuseBad,
  }),
  expected: (item) => {
    if (item.bad?.BOOL === true) return 'bad'
    if (item.hidden?.BOOL === true) return undefined
    return {
      ...without(item, 'value', 'legacy'),
      ...(item.value && { amount: item.value }),
      schema: { N: '2' },
      small: { BOOL: Number(item.value?.N) < 1_000 },
    }
  },
  placeOf: ({ id }) => String(id?.S),
}

/** Another key, which modifications change, and which items may share. */
const moving: Job = {
  projection: replicate({
    from: things,
    to: 'places',
    key: { partition: 'group', sort: 'rank' },
    omit: ['legacy'],
  }),
  expected: (item) => without(item, 'legacy'),
  placeOf: ({ group, rank }) => `${group?.S} ${rank?.S}`,
}

/** As `moving`, and each has a place of its own. */
const apart: Job = {
  projection: reshape({
    from: things,
    to: 'places-apart',
    key: { partition: 'group', sort: 'rank' },
    keepApart: true,
    map: refuseBad,
  }),
  expected: (item) => {
    if (item.bad?.BOOL === true) return 'bad'
    if (item.hidden?.BOOL === true) return undefined
    return { ...item, rank: text(`${item.rank?.S}#${item.id?.S}`) }
  },
  placeOf: ({ group, rank }) => `${group?.S} ${rank?.S}`,
}

export const jobs = { renaming, moving, apart } as const

const show = (item: Item): string => canonicalText(decodeItem(item, 'item'))

/**
 * How a target differs from what its source says, a line each; none when all is as it must be.
 *
 * @param parked the ids of what is listed as parked
 * @param tried whether all of that was tried again, when nothing was under way any more: until then an item may be listed
 *   although nothing stands in its way
 */
export const differences = (
  { expected, placeOf }: Job,
  source: ReadonlyMap<string, Item>,
  target: readonly Item[],
  { parked, tried }: { readonly parked: ReadonlySet<string>; readonly tried: boolean },
): readonly string[] => {
  const found = new Map(
    target.map((item) => [placeOf(item), show(without(item, STAMP.version, STAMP.source))]),
  )
  const wanted = new Map<string, { readonly id: string; readonly shown: string }[]>()
  const waiting = new Set<string>()
  const lines: string[] = []
  for (const [id, item] of source) {
    const image = expected(item)
    if (image === undefined) continue
    if (image === 'bad') {
      waiting.add(id)
      continue
    }
    const place = placeOf(image)
    const shown = show(image)
    wanted.set(place, [...(wanted.get(place) ?? []), { id, shown }])
    if (found.get(place) !== shown) waiting.add(id)
  }
  for (const id of waiting) if (!parked.has(id)) lines.push(`${id} is neither in its place nor parked`)
  for (const [place, held] of found) {
    const candidates = wanted.get(place) ?? []
    if (candidates.length === 0) lines.push(`${place} is there, and should not be`)
    else if (!candidates.some(({ shown }) => shown === held))
      lines.push(`at ${place} is ${held}, not ${candidates.map(({ shown }) => shown).join(' or ')}`)
  }
  if (!tried) return lines
  for (const place of wanted.keys()) if (!found.has(place)) lines.push(`nothing at ${place}`)
  for (const id of parked) if (!waiting.has(id)) lines.push(`${id} is listed as parked, and is in its place`)
  return lines
}
