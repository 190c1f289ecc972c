import type { ReadRecord } from '../aurora/many-records.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Divergence } from '../jobs/verifications.ts'
import { writable } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { outwardRow } from '../model/outward.ts'
import { type Authority, ownershipOf } from '../model/owner.ts'
import { decodeItem, sameValue, type Value } from '../model/values.ts'
import { isCompared } from './compared.ts'
import { looseText } from './loose.ts'

/** How the two records of a key stand to each other, as they were read one behind the other. */
export type KeyRelation = {
  readonly is: Divergence | 'agree'
  /** Of records that both are held the fields that differ, by their names in JSON. */
  readonly fields: readonly string[]
}

const AGREE: KeyRelation = { is: 'agree', fields: [] }

/**
 * Tells how two records of a key stand to each other. A tombstone and nothing at all are the same: the key is deleted.
 *
 * @param item the item itself, where its record could not be read
 */
export const relate = (
  entity: Entity,
  aurora: ReadRecord,
  dynamo: ReadRecord,
  item: Item | undefined,
): KeyRelation => {
  const owner = ownershipOf(said(aurora), said(dynamo))
  if (owner === undefined) return AGREE
  const [one, other] = [isThere(aurora), isThere(dynamo)]
  if (owner.is === 'aurora' && !isCompared(entity, 'aurora')) return AGREE
  if (owner.is === 'moving') return one || other ? { ...AGREE, is: 'moving' } : AGREE
  if (aurora.state === 'unread' || dynamo.state === 'unread')
    return { ...AGREE, is: isOfOtherTypes(entity, aurora, item) ? 'typeOnly' : 'unreadable' }
  if (aurora.state !== 'held') return other ? { ...AGREE, is: 'onlyDynamo' } : AGREE
  if (dynamo.state !== 'held') return { ...AGREE, is: 'onlyAurora' }
  const fields = differingFields(entity, aurora.row, dynamo.row)
  const isCounted = entity.versions === 'counted'
  if (isCounted && aurora.version !== dynamo.version)
    return { is: aurora.version < dynamo.version ? 'auroraBehind' : 'dynamoBehind', fields }
  if (fields.length > 0) return { is: 'conflict', fields }
  return owner.is === 'disputed' ? { is: 'disputed', fields } : AGREE
}

/** What a record says of its owner; what is absent says nothing unless a move has told it. */
const said = (record: ReadRecord): Authority | undefined =>
  record.state === 'absent' && record.epoch === 0n ? undefined : record

const isThere = ({ state }: ReadRecord): boolean => state === 'held' || state === 'unread'

/** What the database sets by itself is in no item. */
const differingFields = (
  { attributes, children }: Entity,
  one: Readonly<Record<string, Value>>,
  other: Readonly<Record<string, Value>>,
): readonly string[] =>
  [...writable(attributes), ...Object.entries(children)]
    .filter(([name]) => !sameValue(one[name] ?? null, other[name] ?? null))
    .map(([name, { as = name }]) => as)

/** Whether an item that can't be read holds what the row does, in other types. */
const isOfOtherTypes = (entity: Entity, aurora: ReadRecord, item: Item | undefined): boolean => {
  if (aurora.state !== 'held' || item === undefined) return false
  const held = valuesOf(item)
  if (held === undefined) return false
  const row = outwardRow(entity, aurora.row)
  const names = [...writable(entity.attributes), ...Object.entries(entity.children)].map(
    ([name, { as = name }]) => as,
  )
  const ofKey = new Set(entity.keyPlaces.map(({ attribute }) => attribute))
  const version = looseText(held[entity.names.version] ?? null)
  return (
    (entity.versions === 'stream' || version === String(aurora.version)) &&
    names.every((name) => ofKey.has(name) || looseText(held[name] ?? null) === looseText(row[name] ?? null))
  )
}

const valuesOf = (item: Item): Readonly<Record<string, Value>> | undefined => {
  try {
    return decodeItem(item, 'item')
  } catch (error) {
    if (error instanceof InvalidRecordError) return undefined
    throw error
  }
}
