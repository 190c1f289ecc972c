import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { KeyRecord } from '../ports/key-records.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { RECORD } from './authority.ts'
import { type Condition, conditionInput, unchanged } from './conditions.ts'
import { itemKey } from './item-key.ts'
import { toItem, writtenFields } from './items.ts'
import { authorityAttributes, toTombstone } from './tombstone.ts'

/* The conditional calls of claims: one changes whose an item is, the other one what it holds as well. */

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/**
 * Conditions of an assignment: the item is of an earlier move, of none that is later than the one that was read, and of the
 * owner that it is given to.
 */
export const EARLIER = 'attribute_not_exists(#epoch) OR #epoch < :epoch'
export const AS_READ = 'attribute_not_exists(#epoch) OR (#epoch < :epoch AND #epoch <= :was)'
export const OWN = '(attribute_not_exists(#owner) OR #owner = :owner)'

/**
 * What is given to Aurora is stamped as the mirror stamps what it has written, unless it was Aurora's already: then the stamp
 * that it has tells whether somebody else has written it since.
 *
 * @returns the item as it is then; undefined where the condition failed
 */
export const assign = async (
  { client, tables, deadline }: Parts,
  entity: Entity,
  key: string,
  to: Authority,
  earlier: string,
  values: Item = {},
): Promise<Item | undefined> => {
  const { keyAttribute, type, table } = entity.item
  const isStamped = values[':none'] !== undefined
  const stamp = isStamped ? ', #mirrored = if_not_exists(#version, :none)' : ''
  const command = new UpdateItemCommand({
    TableName: tables.of(table),
    Key: itemKey(entity, key),
    // Without a record that it is Aurora's, a write of the key would be taken here.
    UpdateExpression: `SET #owner = :owner, #epoch = :epoch${stamp}${to.owner === 'aurora' ? ' REMOVE #expires' : ''}`,
    ConditionExpression: [
      `attribute_exists(#key) AND (${earlier})`,
      ...(type === undefined ? [] : ['#type = :type']),
    ].join(' AND '),
    ExpressionAttributeNames: {
      '#key': keyAttribute,
      '#owner': RECORD.owner,
      '#epoch': RECORD.epoch,
      ...(isStamped && { '#mirrored': RECORD.mirrored, '#version': entity.names.version }),
      ...(to.owner === 'aurora' && { '#expires': RECORD.expires }),
      ...(type && { '#type': type.attribute }),
    },
    ExpressionAttributeValues: {
      ':owner': { S: to.owner },
      ':epoch': { N: String(to.epoch) },
      ...values,
      ...(type && { ':type': { S: type.value } }),
    },
    ReturnValues: 'ALL_NEW',
  })
  try {
    const { Attributes } = await call('UpdateItem', deadline, (options) => client.send(command, options))
    return Attributes
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined
    throw error
  }
}

/** @returns false where the condition failed */
export const put = async (
  { client, tables, deadline }: Parts,
  entity: Entity,
  Item: Item,
  condition: Condition,
): Promise<boolean> => {
  const command = new PutItemCommand({
    TableName: tables.of(entity.item.table),
    Item,
    ...conditionInput(condition),
  })
  try {
    await call('PutItem', deadline, (options) => client.send(command, options))
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}

/** What was read is still what counts of it: its version, and whose it is. */
export const unwritten = ({ names }: Entity, item: Item): Condition =>
  unchanged(item, [names.version, RECORD.owner, RECORD.epoch, RECORD.deleted])

/** The item that a claim makes of what is there: attributes that the entity doesn't know stay. */
export const toNext = (entity: Entity, item: Item, last: KeyRecord, to: Authority): Item => {
  if (last.state !== 'held') return toTombstone(entity, last, to)
  const { key, version, row } = last
  const at = last.at ?? new Date().toISOString()
  const change: Change = { entity: entity.name, key, op: 'upsert', version, row, source: 'claim', at }
  const own = new Set(Object.entries(writtenFields(entity)).map(([name, { as = name }]) => as))
  const dropped = new Set<string>([RECORD.deleted, RECORD.expires, RECORD.mirrored])
  const others = Object.entries(item).filter(([name]) => !own.has(name) && !dropped.has(name))
  return { ...Object.fromEntries(others), ...toItem(entity, change, row), ...authorityAttributes(to) }
}
