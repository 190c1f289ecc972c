import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Entity } from '../model/entity.ts'
import type { Stored } from '../ports/stored.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { isTombstone } from './authority.ts'
import { findItemKey } from './item-key.ts'
import { belongsTo, toStored } from './items.ts'

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/**
 * An entity's item, strongly consistent; undefined when none of this entity is under the key, or its tombstone.
 *
 * @throws ForeignItemError, DynamoError, DeadlineError
 */
export const getItem = async (
  { client, tables, deadline }: Parts,
  entity: Entity,
  key: string,
): Promise<Stored | undefined> => {
  const Key = findItemKey(entity, key)
  if (Key === undefined) return undefined
  const command = new GetItemCommand({ TableName: tables.of(entity.item.table), Key, ConsistentRead: true })
  const { Item } = await call('GetItem', deadline, (options) => client.send(command, options))
  return Item && !isTombstone(Item) && belongsTo(entity, Item) ? toStored(entity, Item) : undefined
}
