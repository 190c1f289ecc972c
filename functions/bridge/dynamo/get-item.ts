import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import type { Stored } from '../ports/stored.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { isTombstone } from './authority.ts'
import { findItemKey } from './item-key.ts'
import { belongsTo, toStored } from './items.ts'

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/**
 * What an entity's table has under a primary key, whosever it is, strongly consistent.
 *
 * @param Key undefined for one that no item can have
 * @throws DynamoError, DeadlineError
 */
export const readItem = async (
  { client, tables, deadline }: Parts,
  { item: { table } }: Pick<Entity, 'item'>,
  Key: Item | undefined,
): Promise<Item | undefined> => {
  if (Key === undefined) return undefined
  const command = new GetItemCommand({ TableName: tables.of(table), Key, ConsistentRead: true })
  const { Item } = await call('GetItem', deadline, (options) => client.send(command, options))
  return Item
}

/**
 * An entity's item, strongly consistent; undefined when none of this entity is under the key, or its tombstone.
 *
 * @throws ForeignItemError, DynamoError, DeadlineError
 */
export const getItem = async (parts: Parts, entity: Entity, key: string): Promise<Stored | undefined> => {
  const item = await readItem(parts, entity, findItemKey(entity, key))
  return item && !isTombstone(item) && belongsTo(entity, item) ? toStored(entity, item) : undefined
}
