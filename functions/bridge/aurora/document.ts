import { type Attribute, type Reference, writable } from '../model/attributes/attribute.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { isList, isMap, type Value } from '../model/values.ts'
import { documentTexts, type IdOf, idOfDigits, placesOfParts } from './part-sql.ts'

/*
 * A batch travels as one JSON document, an array with an array per change, which takes a third less to read than
 * objects do:
 *   0  the key   1  the version   2  the time of the write   3  the legacy id, for a key that is one
 *   4  the epoch at which it was DynamoDB's
 *   then the texts of the columns that are the key, where there are such, each with the legacy id that it names where it
 *   stands for one;
 *   then, for upserts, per attribute its text or, for one that refers to another entity, that key and the legacy id that it
 *   names; or, where that key is made of columns, the texts of these as above;
 *   then per child list an array with an array per member.
 */

/** Places before an entity's own: key, version, time, legacy id, epoch. */
export const HEAD_PLACES = 5

export type Places = {
  /** Where each attribute's text stands; what else a reference names stands behind it. */
  readonly attributes: readonly number[]
  /** Where each child list stands. */
  readonly children: readonly number[]
}

/** Where an entity's values stand in a row. */
export const placesOf = (entity: Entity): Places => {
  let next = HEAD_PLACES + placesOfParts(entity.keyParts)
  const attributes = writable(entity.attributes).map(([, attribute]) => {
    const place = next
    next += widthOf(attribute)
    return place
  })
  return { attributes, children: Object.keys(entity.children).map((_, at) => next + at) }
}

/** A key and the id that it may be take two. */
const widthOf = ({ references }: Attribute): number =>
  references === undefined ? 1 : placesOfParts(references.keyParts) || 2

/** A change's row in the document, as JSON text. @param idOf by which id the row of a key may be found */
export const toDocumentRow = (entity: Entity, change: Change, idOf: IdOf = idOfDigits): string => {
  const row: unknown[] = headOf(entity, change, idOf)
  if (change.op === 'delete') return JSON.stringify(row)
  const { attributes, children } = contentsOf(entity)
  for (const [name, { toSql, references }] of attributes) {
    const text = toSql(change.row[name] ?? null)
    if (references === undefined) row.push(text)
    else row.push(...referenceTexts(references, text, idOf))
  }
  for (const [name, columns] of children)
    row.push(
      members(change.row[name] ?? null).map((member) =>
        columns.map(([column, { toSql }]) => toSql(member[column] ?? null)),
      ),
    )
  return JSON.stringify(row)
}

type Named = readonly (readonly [name: string, attribute: Attribute])[]

/** What a row says behind its head, in order. */
type Contents = {
  readonly attributes: Named
  readonly children: readonly (readonly [name: string, columns: Named])[]
}

/** They are asked for with each change. */
const known = new WeakMap<Entity, Contents>()

const contentsOf = (entity: Entity): Contents => {
  const contents = known.get(entity) ?? {
    attributes: writable(entity.attributes),
    children: Object.entries(entity.children).map(
      ([name, { attributes }]) => [name, Object.entries(attributes)] as const,
    ),
  }
  known.set(entity, contents)
  return contents
}

const referenceTexts = (
  { keyParts, entity, record }: Reference,
  key: string | null,
  idOf: IdOf,
): readonly (string | null)[] => {
  if (keyParts.length === 0) return [key, key === null ? null : idOf({ entity, record }, key)]
  if (key === null) return Array.from({ length: placesOfParts(keyParts) }, () => null)
  const texts = documentTexts(keyParts, key, idOf)
  if (texts === undefined) throw new InvalidRecordError(`A key is not in the form of a ${entity}'s keys`)
  return texts
}

export const joinRows = (rows: readonly string[]): string => `[${rows.join(',')}]`

/** Key, version, time and legacy id only: for statements that need no values. */
export const toKeyRow = (entity: Entity, change: Change, idOf: IdOf = idOfDigits): string =>
  JSON.stringify(headOf(entity, change, idOf))

const headOf = (
  { name, record, keyParts }: Entity,
  { key, version, at, epoch = 0n }: Change,
  idOf: IdOf,
): (string | null)[] => {
  const head = [key, String(version), toSqlTime(at)]
  if (keyParts.length === 0) return [...head, idOf({ entity: name, record }, key), String(epoch)]
  const texts = documentTexts(keyParts, key, idOf)
  if (texts === undefined) throw new InvalidRecordError("The key is not in the form of the entity's keys")
  return [...head, null, String(epoch), ...texts]
}

const members = (value: Value): readonly { readonly [name: string]: Value }[] =>
  isList(value) ? value.filter(isMap) : []

/** ISO 8601 in UTC to MySQL's form; the connection's time zone is UTC. */
const toSqlTime = (iso: string): string => iso.slice(0, -1).replace('T', ' ')
