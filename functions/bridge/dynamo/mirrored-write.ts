import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { RECORD } from './authority.ts'
import { itemKey } from './item-key.ts'
import { toAttributes, toItem, writtenFields } from './items.ts'

/*
 * The one conditional call by which a record of Aurora's becomes an item, or its tombstone. What the entity doesn't know of the
 * item stays. Owner and epoch are written only where the item is made: of one that is there they say whose it is, and only a
 * claim may change that.
 */

export type MirroredWrite = Required<
  Pick<
    UpdateItemCommandInput,
    | 'Key'
    | 'UpdateExpression'
    | 'ConditionExpression'
    | 'ExpressionAttributeNames'
    | 'ExpressionAttributeValues'
  >
>

/** The expressions of one shape: which fields a change has, and which it hasn't. */
type Shape = Omit<MirroredWrite, 'Key' | 'ExpressionAttributeValues'>

/** An entity's fields as items have them, and the shapes that were met. */
type Known = { readonly fields: readonly string[]; readonly shapes: Map<string, Shape> }

const known = new WeakMap<Entity, Known>()

const knownOf = (entity: Entity): Known => {
  const found = known.get(entity)
  if (found !== undefined) return found
  const key = new Set(entity.keyPlaces.map(({ attribute }) => attribute))
  const fields = Object.entries(writtenFields(entity))
    .map(([name, { as = name }]) => as)
    .filter((name) => !key.has(name))
  const made: Known = { fields, shapes: new Map() }
  known.set(entity, made)
  return made
}

/** @throws NoItemKeyError; what an attribute throws that has no form for a value */
export const mirroredWrite = (entity: Entity, change: Change): MirroredWrite => {
  const { fields, shapes } = knownOf(entity)
  const item = change.op === 'upsert' ? toAttributes(entity, change.row) : {}
  const mask = `${change.op} ${fields.map((name) => (item[name] === undefined ? '0' : '1')).join('')}`
  const shape = shapes.get(mask) ?? shapeOf(entity, change.op, fields, item)
  shapes.set(mask, shape)
  const { type } = entity.item
  const values: Item = {
    ':version': { N: String(change.version) },
    ':at': { S: change.at },
    ':aurora': { S: 'aurora' },
    ':epoch': { N: String(change.epoch ?? 0n) },
    ...(type && { ':type': { S: type.value } }),
  }
  for (const [at, name] of fields.entries()) {
    const value = item[name]
    if (value !== undefined) values[`:f${at}`] = value
  }
  return { Key: itemKey(entity, change.key), ...shape, ExpressionAttributeValues: values }
}

/**
 * The item that `mirroredWrite` makes where there is none; undefined for a delete.
 *
 * @throws as `mirroredWrite`
 */
export const mirroredItem = (entity: Entity, change: Change): Item | undefined =>
  change.op === 'delete'
    ? undefined
    : {
        ...toItem(entity, change, change.row),
        ...itemKey(entity, change.key),
        [RECORD.owner]: { S: 'aurora' },
        [RECORD.epoch]: { N: String(change.epoch ?? 0n) },
        [RECORD.mirrored]: { N: String(change.version) },
      }

/** Nothing is there; or an item of Aurora's, by no later move, of an earlier version, and as the mirror has left it. */
const UNTOUCHED = [
  '#owner = :aurora',
  '(attribute_not_exists(#epoch) OR #epoch <= :epoch)',
  '(attribute_not_exists(#version) OR #version < :version)',
  '(attribute_not_exists(#mirrored) OR #mirrored = #version)',
]

const shapeOf = (entity: Entity, op: Change['op'], fields: readonly string[], item: Item): Shape => {
  const { keyAttribute, type } = entity.item
  const present = fields.flatMap((name, at) => (item[name] === undefined ? [] : [at]))
  const gone = fields.flatMap((name, at) => (item[name] === undefined ? [at] : []))
  const sets = [
    ...['#version = :version', '#mirrored = :version', '#updatedAt = :at'],
    ...['#owner = if_not_exists(#owner, :aurora)', '#epoch = if_not_exists(#epoch, :epoch)'],
    ...(type === undefined ? [] : ['#type = :type']),
    ...(op === 'delete' ? ['#deleted = :at'] : []),
    ...present.map((at) => `#f${at} = :f${at}`),
  ]
  const removes = ['#expires', ...(op === 'delete' ? [] : ['#deleted']), ...gone.map((at) => `#f${at}`)]
  const own = [...UNTOUCHED, ...(type === undefined ? [] : ['#type = :type'])]
  return {
    UpdateExpression: `SET ${sets.join(', ')} REMOVE ${removes.join(', ')}`,
    ConditionExpression: `attribute_not_exists(#key) OR (${own.join(' AND ')})`,
    ExpressionAttributeNames: {
      '#key': keyAttribute,
      '#version': entity.names.version,
      '#updatedAt': entity.names.updatedAt,
      '#owner': RECORD.owner,
      '#epoch': RECORD.epoch,
      '#mirrored': RECORD.mirrored,
      '#deleted': RECORD.deleted,
      '#expires': RECORD.expires,
      ...(type && { '#type': type.attribute }),
      ...Object.fromEntries(fields.map((name, at) => [`#f${at}`, name])),
    },
  }
}
