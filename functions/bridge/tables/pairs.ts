import * as z from 'zod'
import type { Item } from '../drivers/dynamo/items.ts'
import { type KeySchema, keyAttributes } from '../drivers/dynamo/key-schema.ts'
import { textHash } from '../model/canonical.ts'
import type { Row, Version } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { canonicalText, decodeItem } from '../model/values.ts'
import { versionOf } from '../normalise/stream-record.ts'
import type { HashedRecord } from '../verify/sides.ts'
import { keyText } from './keys.ts'
import { type Projected, projectRow } from './project.ts'
import type { Projection } from './projection.ts'
import { stampOf, withoutStamp } from './stamp.ts'

/*
 * A kept table and its source are compared by pairs: a place in the table, and the item of the source that has it or should. So an item
 * that is at another place than it should be is two pairs, each of which is at one side only; and of two items that want one place
 * each has a pair of its own.
 */

/** Both by the texts of their keys. No place: an item that has no form in the table. No source: an item that something else wrote. */
export type Pair = { readonly place: string | undefined; readonly sourceKey: string | undefined }

const pairText = ({ place, sourceKey }: Pair): string => JSON.stringify([place ?? null, sourceKey ?? null])

const pair = z.tuple([z.string().nullable(), z.string().nullable()])

/** The pair of a text that `pairText` has made. */
export const pairOf = (text: string): Pair => {
  const [place, sourceKey] = pair.parse(JSON.parse(text))
  return { place: place ?? undefined, sourceKey: sourceKey ?? undefined }
}

/** What an item of the source is to be in the table. */
export type Wanted = {
  readonly sourceKey: string
  /** Undefined where it has no place, and where it is `unfit`: it can't be projected. */
  readonly projected: Projected | undefined
  readonly unfit: boolean
  /** Undefined where writers count none, or where the item has none. */
  readonly version: Version | undefined
}

/** @throws InvalidRecordError for an item whose very key can't be read */
export const wantedOf = (projection: Projection, item: Item): Wanted => {
  const { from } = projection
  try {
    const row: Row = decodeItem(item, from.name)
    const sourceKey = keyText(from.key, row)
    const version = from.versions === 'counted' ? countedVersion(row) : undefined
    return { sourceKey, projected: projectRow(projection, row), unfit: false, version }
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    const key = keyTextOf(from.key, item, from.name)
    return { sourceKey: key, projected: undefined, unfit: true, version: undefined }
  }
}

const countedVersion = (row: Row): Version | undefined => {
  try {
    return versionOf(row)
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined
    throw error
  }
}

/** The text of an item's key, whatever else it holds. */
export const keyTextOf = (key: KeySchema, item: Item, name: string): string =>
  keyText(
    key,
    decodeItem(Object.fromEntries(keyAttributes(key).map((one) => [one.name, item[one.name]])), name),
  )

/** What a kept item holds beside its stamp; undefined where that can't be read. */
export const keptRow = (item: Item): Row | undefined => {
  try {
    return withoutStamp(decodeItem(item, 'target'))
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined
    throw error
  }
}

/** An item of the source, to be compared; nothing for one that has no place. */
export const hashedSource = (projection: Projection, item: Item): HashedRecord | undefined => {
  const { sourceKey, projected, unfit } = wantedOf(projection, item)
  if (projected !== undefined) return hashed({ place: projected.key, sourceKey }, projected.row)
  return unfit ? hashed({ place: undefined, sourceKey }, undefined) : undefined
}

/** An item of the kept table, to be compared. */
export const hashedKept = ({ key, name }: Projection, item: Item): HashedRecord => {
  const sourceKey = stampOf(item)?.sourceKey
  const own = { place: keyTextOf(key, item, name), sourceKey }
  return hashed(own, sourceKey === undefined ? undefined : keptRow(item))
}

/** What has no content that can be told is like nothing: no record has such a text. */
const hashed = (of: Pair, row: Row | undefined): HashedRecord => {
  const key = pairText(of)
  return { key, hash: textHash(`${key} ${row === undefined ? '~' : canonicalText(row)}`) }
}
