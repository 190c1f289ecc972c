import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Intent } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { RECORD } from './authority.ts'
import { present } from './conditions.ts'
import { expiryOf } from './tombstone.ts'

/**
 * The update that makes of an item its tombstone, one version above it, if a client may delete it: no version has to be known
 * for that. What others have put into the item stays, under names that the entity doesn't know: see `emptied`.
 */
export const burial = (
  entity: Entity,
  { ifMatch, at }: Intent,
): Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> => {
  const { expression, names, values } = present(entity, ifMatch)
  const key = new Set(entity.keyPlaces.map(({ attribute }) => attribute))
  const fields = Object.entries(entity.fields).map(([name, { as = name }]) => as)
  const removed = [...fields.filter((name) => !key.has(name)), RECORD.mirrored]
  return {
    UpdateExpression: `SET #updatedAt = :at, #deleted = :at, #expires = :expires REMOVE ${removed.map((_, n) => `#a${n}`).join(', ')} ADD #version :one`,
    ConditionExpression: expression,
    ExpressionAttributeNames: {
      ...names,
      ...{ '#version': entity.names.version, '#updatedAt': entity.names.updatedAt },
      '#expires': RECORD.expires,
      ...Object.fromEntries(removed.map((name, n) => [`#a${n}`, name])),
    },
    ExpressionAttributeValues: {
      ...values,
      ...{ ':at': { S: at }, ':one': { N: '1' }, ':expires': expiryOf(entity, new Date(at)) },
    },
  }
}

/** What is left of an item that was deleted where it stands: nothing that its entity's clients, or others, have put into it. */
export const emptied = ({ keyPlaces, item: { type }, names }: Entity, item: Item): Item => {
  const own = new Set<string>([
    ...keyPlaces.map(({ attribute }) => attribute),
    ...(type === undefined ? [] : [type.attribute]),
    ...[names.version, names.updatedAt],
    ...[RECORD.owner, RECORD.epoch, RECORD.deleted, RECORD.expires, RECORD.mirrored],
  ])
  return Object.fromEntries(Object.entries(item).filter(([name]) => own.has(name)))
}
