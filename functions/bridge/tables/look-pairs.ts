import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { batchGet } from '../drivers/dynamo/batch-get.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { KeySchema } from '../drivers/dynamo/key-schema.ts'
import type { Bounds } from '../drivers/dynamo/patient-call.ts'
import { textHash } from '../model/canonical.ts'
import type { Row, Version } from '../model/change.ts'
import { canonicalText, sameValue } from '../model/values.ts'
import { streamVersion } from '../normalise/stream-record.ts'
import type { Tables } from '../runtime/tables.ts'
import { looseText } from '../verify/loose.ts'
import type { LookedAt } from '../verify/settle.ts'
import { keyItem } from './keys.ts'
import { keptRow, keyTextOf, type Pair, pairOf, type Wanted, wantedOf } from './pairs.ts'
import type { Projection } from './projection.ts'
import { stampOf } from './stamp.ts'
import type { TableDivergence } from './table-divergences.ts'

/** A kept table and its source, to be asked about pairs. */
export type LookPairsParts = Bounds & {
  readonly client: DynamoDBClient
  /** Table names in DynamoDB by their names in this project. */
  readonly tables: Tables
  /** @default the system's clock */
  readonly now?: (() => Date) | undefined
}

/** What a place of a kept table holds: what it was made of, at which version, and what it is; no stamp: something else wrote it. */
export type Kept = {
  readonly stamp: { readonly version: Version; readonly sourceKey: string } | undefined
  /** Undefined where it can't be read. */
  readonly row: Row | undefined
}

/** How a kept item and what it is to be stand to each other. */
export type PairRelation = {
  readonly is: TableDivergence | 'agree'
  /** Of items that are there and differ: in which attributes. */
  readonly fields: readonly string[]
}

/** What both tables hold of a pair, as it was read at one time: the kept one first. */
export type LookedPair = LookedAt & {
  readonly pair: Pair
  readonly relation: PairRelation
  readonly wanted: Wanted | undefined
  readonly kept: Kept | undefined
  /** When the source was read, in milliseconds since 1970. */
  readonly readAt: number
}

/**
 * Reads pairs at both tables, strongly consistent.
 *
 * @param texts of pairs, each once
 * @returns one for each, in that order
 * @throws DynamoError, DeadlineError; the signal's reason
 */
export const lookAtPairs = async (
  projection: Projection,
  texts: readonly string[],
  parts: LookPairsParts,
): Promise<readonly LookedPair[]> => {
  const { name, key, from } = projection
  const pairs = texts.map((text) => ({ text, pair: pairOf(text) }))
  const places = pairs.map(({ pair }) => pair.place)
  // In this order: what the source holds is at least as late as what is made of it.
  const there = await itemsAt({ name, key }, places, parts)
  const readAt = (parts.now?.() ?? new Date()).getTime()
  const sources = await itemsAt(
    from,
    pairs.map(({ pair }) => pair.sourceKey),
    parts,
  )
  return pairs.map(({ text, pair }) => {
    const item = there.get(pair.place)
    const source = sources.get(pair.sourceKey)
    const kept = item && { stamp: stampOf(item), row: keptRow(item) }
    const wanted = source && wantedOf(projection, source)
    const relation = relatePair(pair, wanted, kept)
    return {
      ...{ key: text, pair, relation, wanted, kept, readAt },
      versions: versionsOf(projection, { pair, wanted, kept, relation, readAt }),
      print: printOf(wanted, kept),
    }
  })
}

/** Items of a table by the texts of their keys. */
export const itemsAt = async (
  { name, key }: { readonly name: string; readonly key: KeySchema },
  texts: readonly (string | undefined)[],
  { client, tables, ...bounds }: LookPairsParts,
): Promise<ReadonlyMap<string | undefined, Item>> => {
  const distinct = [...new Set(texts)].filter((text) => text !== undefined)
  const items = await batchGet(
    distinct.map((text) => keyItem(key, text)),
    { ...bounds, client, table: tables.of(name) },
  )
  return new Map(items.map((item) => [keyTextOf(key, item, name), item]))
}

const AGREE: PairRelation = { is: 'agree', fields: [] }

/** Tells how what is at a place and what should be there stand to each other. */
const relatePair = (
  { place, sourceKey }: Pair,
  wanted: Wanted | undefined,
  kept: Kept | undefined,
): PairRelation => {
  if (place === undefined) return wanted?.unfit === true ? { ...AGREE, is: 'unfit' } : AGREE
  if (sourceKey === undefined)
    return kept !== undefined && kept.stamp === undefined ? { ...AGREE, is: 'foreign' } : AGREE
  const isOwn = kept?.stamp?.sourceKey === sourceKey
  const projected = wanted?.projected
  if (projected?.key !== place) return isOwn ? { ...AGREE, is: 'onlyTarget' } : AGREE
  if (kept === undefined) return { ...AGREE, is: 'onlySource' }
  if (!isOwn) return { ...AGREE, is: 'taken' }
  const { row } = kept
  if (row !== undefined && sameValue(row, projected.row)) return AGREE
  const fields = row === undefined ? [] : differingAttributes(row, projected.row)
  const [held, version] = [kept.stamp?.version, wanted?.version]
  if (held !== undefined && version !== undefined && held !== version)
    return { is: held < version ? 'targetBehind' : 'sourceBehind', fields }
  const isLoose = row !== undefined && fields.every((name) => isSameLoosely(row[name], projected.row[name]))
  if (isLoose) return { is: 'typeOnly', fields }
  // Where no version is counted, that the source was written later is all that may be.
  return { is: version === undefined ? 'targetBehind' : 'conflict', fields }
}

const differingAttributes = (one: Row, other: Row): readonly string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => {
    const [a, b] = [own(one, name), own(other, name)]
    return a === undefined || b === undefined ? a !== b : !sameValue(a, b)
  })

/** What every object inherits is no attribute. */
const own = (row: Row, name: string): Row[string] | undefined =>
  Object.hasOwn(row, name) ? row[name] : undefined

const isSameLoosely = (one: Row[string] | undefined, other: Row[string] | undefined): boolean =>
  one !== undefined && other !== undefined && looseText(one) === looseText(other)

/** How far either table is with a pair. Where none is counted, the kept item's is of the stream, and the time of a look is in its order. */
const versionsOf = (
  { from: { versions } }: Projection,
  { pair, wanted, kept, relation, readAt }: Omit<LookedPair, 'key' | 'print' | 'versions'>,
): LookedAt['versions'] => {
  if (UNORDERED.has(relation.is)) return undefined
  const isWanted = wanted?.projected !== undefined && wanted.projected.key === pair.place
  const target = kept?.stamp?.sourceKey === pair.sourceKey ? (kept?.stamp?.version ?? 0n) : 0n
  if (!isWanted) return [0n, target]
  if (versions === 'counted') return wanted.version === undefined ? undefined : [wanted.version, target]
  return [streamVersion({ created: Math.floor(readAt / 1_000) + 1, sequenceNumber: '0' }), target]
}

const UNORDERED: ReadonlySet<string> = new Set(['unfit', 'foreign', 'taken', 'typeOnly'])

const printOf = (wanted: Wanted | undefined, kept: Kept | undefined): string => {
  const { projected, unfit = false, version } = wanted ?? {}
  const target = kept && `${kept.stamp?.sourceKey}:${kept.stamp?.version}:${contentOf(kept.row)}`
  return `${projected?.key}:${unfit}:${version}:${contentOf(projected?.row)} ${target}`
}

const contentOf = (row: Row | undefined): bigint => (row === undefined ? 0n : textHash(canonicalText(row)))
