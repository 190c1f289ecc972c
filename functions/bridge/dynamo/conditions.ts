import type { Item } from '../drivers/dynamo/items.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { KeyPlace } from '../model/item-layout.ts'
import type { Epoch } from '../model/owner.ts'
import { OURS, RECORD } from './authority.ts'

/** An expression with the names and values that it uses; the key attribute is `#key` in each. */
export type Condition = {
  readonly expression: string
  readonly names: Readonly<Record<string, string>>
  readonly values: Item
}

/** A condition as a call takes it: DynamoDB refuses values where there are none. */
export const conditionInput = ({ expression, names, values }: Condition) => ({
  ConditionExpression: expression,
  ExpressionAttributeNames: { ...names },
  ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
})

/** Nothing has the key yet, whatever its type. */
export const absent = ({ item: { keyAttribute } }: Entity): Condition => ({
  expression: 'attribute_not_exists(#key)',
  names: { '#key': keyAttribute },
  values: {},
})

/** What stands there is this very tombstone, and DynamoDB's. */
export const buried = (
  entity: Entity,
  { [entity.names.version]: version, [RECORD.epoch]: epoch }: Item,
): Condition => ({
  expression: [
    'attribute_exists(#deleted) AND (attribute_not_exists(#owner) OR #owner = :dynamo)',
    version === undefined ? 'attribute_not_exists(#version)' : '#version = :version',
    epoch === undefined ? 'attribute_not_exists(#epoch)' : '#epoch = :epoch',
    ...(entity.item.type === undefined ? [] : ['#type = :type']),
  ].join(' AND '),
  names: {
    ...OURS.names,
    '#version': entity.names.version,
    '#epoch': RECORD.epoch,
    ...(entity.item.type && { '#type': entity.item.type.attribute }),
  },
  values: {
    ...OURS.values,
    ...(version && { ':version': version }),
    ...(epoch && { ':epoch': epoch }),
    ...(entity.item.type && { ':type': { S: entity.item.type.value } }),
  },
})

/** The item exists, is the entity's and DynamoDB's, and is at one of the versions that the client accepts. */
export const present = (
  { item: { keyAttribute, type }, names: { version } }: Entity,
  ifMatch: readonly Version[] | undefined,
): Condition => {
  const accepted = ifMatch === undefined ? undefined : atOneOf(ifMatch, version)
  return {
    expression: [
      'attribute_exists(#key)',
      OURS.expression,
      ...(type === undefined ? [] : ['#type = :type']),
      ...(accepted === undefined ? [] : [accepted.expression]),
    ].join(' AND '),
    names: {
      '#key': keyAttribute,
      ...OURS.names,
      ...(type && { '#type': type.attribute }),
      ...accepted?.names,
    },
    values: { ...OURS.values, ...(type && { ':type': { S: type.value } }), ...accepted?.values },
  }
}

/** It is present, and its key has never changed hands: nothing would be forgotten with it. */
export const removable = (entity: Entity, ifMatch: readonly Version[] | undefined): Condition => {
  const { expression, names, values } = present(entity, ifMatch)
  return {
    expression: `${expression} AND attribute_not_exists(#epoch)`,
    names: { ...names, '#epoch': RECORD.epoch },
    values,
  }
}

/** What stands there is the tombstone that was read, and nothing has been made in its place. */
export const stillBuried = (
  { names }: Entity,
  { [names.version]: version, [RECORD.deleted]: deleted }: Item,
): Condition => ({
  expression: '#version = :version AND #deleted = :deleted',
  names: { '#version': names.version, '#deleted': RECORD.deleted },
  values: { ...(version && { ':version': version }), ...(deleted && { ':deleted': deleted }) },
})

/**
 * The item is the entity's, at this version, and no other store's to write.
 *
 * @param under a move that it doesn't know of yet
 */
export const liftable = (entity: Entity, version: Version, under?: Epoch): Condition => {
  const { expression, names, values } = present(entity, [version])
  if (under === undefined) return { expression, names, values }
  return {
    expression: `${expression} AND (attribute_not_exists(#epoch) OR #epoch < :under)`,
    names: { ...names, '#epoch': RECORD.epoch },
    values: { ...values, ':under': { N: String(under) } },
  }
}

/** Attributes of an item are as they were read. */
export const unchanged = (item: Item, attributes: readonly string[]): Condition => {
  const parts = attributes.map((name, at) => ({
    name: `#n${at}`,
    attribute: name,
    as: `:v${at}`,
    value: item[name],
  }))
  return {
    expression: parts
      .map(({ name, as, value }) =>
        value === undefined ? `attribute_not_exists(${name})` : `${name} = ${as}`,
      )
      .join(' AND '),
    names: Object.fromEntries(parts.map(({ name, attribute }) => [name, attribute])),
    values: Object.fromEntries(
      parts.flatMap(({ as, value }) => (value === undefined ? [] : [[as, value] as const])),
    ),
  }
}

/** The items of the entity among others of its table; undefined when there are no others. */
export const filter = ({ keyPlaces, item: { type } }: Entity): Condition | undefined => {
  const own = [
    ...keyPlaces.flatMap(ofPlace),
    ...(type === undefined
      ? []
      : [{ name: '#type', attribute: type.attribute, text: type.value, is: '#type = :type', as: ':type' }]),
  ]
  if (own.length === 0) return undefined
  return {
    expression: own.map(({ is }) => is).join(' AND '),
    names: Object.fromEntries(own.map(({ name, attribute }) => [name, attribute])),
    values: Object.fromEntries(own.map(({ as, text }) => [as, { S: text }])),
  }
}

/** What an attribute of the primary key has in every item of the entity. */
const ofPlace = ({ attribute, prefix, value }: KeyPlace, at: number) => {
  const name = at === 0 ? '#key' : '#sort'
  const as = at === 0 ? ':prefix' : ':sort'
  if (value !== undefined) return [{ name, attribute, as, text: value, is: `${name} = ${as}` }]
  return prefix === '' ? [] : [{ name, attribute, as, text: prefix, is: `begins_with(${name}, ${as})` }]
}

/** DynamoDB's numbers have so many digits; no item has a version with more. */
const MOST_DIGITS = 38

/** Version 0 is that of an item without one. */
const atOneOf = (ifMatch: readonly Version[], attribute: string): Condition => {
  const versions = ifMatch.filter((version) => version > 0n && String(version).length <= MOST_DIGITS)
  const names = { '#version': attribute }
  const alternatives = [
    ...(versions.length === 0 ? [] : [`#version IN (${versions.map((_, at) => `:v${at}`).join(', ')})`]),
    ...(ifMatch.includes(0n) ? ['attribute_not_exists(#version)'] : []),
  ]
  // Nothing can match: an expression that is always false.
  if (alternatives.length === 0) return { expression: 'attribute_not_exists(#key)', names: {}, values: {} }
  return {
    expression: `(${alternatives.join(' OR ')})`,
    names,
    values: Object.fromEntries(versions.map((version, at) => [`:v${at}`, { N: String(version) }])),
  }
}
