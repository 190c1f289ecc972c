import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type Change, LARGEST_VERSION, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { authorityIn, RECORD } from './authority.ts'
import { unchanged } from './conditions.ts'
import { readItem } from './get-item.ts'
import { findItemKey, itemKey } from './item-key.ts'
import { belongsTo } from './items.ts'
import { isForeign } from './mirror-verdict.ts'

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/**
 * `taken`: the item says again that the key is Aurora's, and the mirror may write over it what is above its version. `none`: it
 * is another entity's, or of a later move. `again`: it is no foreign write any more, or somebody has written it in between.
 */
export type TakenBack =
  | { readonly is: 'taken'; readonly version: Version }
  | { readonly is: 'none' | 'again' }

/**
 * Says of an item that somebody has written who had no right to that its key is Aurora's, as Aurora's own record has it. Its content
 * stays until the mirror writes over it: by then it is set aside.
 *
 * @param change what Aurora holds of the key
 */
export const takeBack = async (parts: Parts, entity: Entity, change: Change): Promise<TakenBack> => {
  const item = await readItem(parts, entity, findItemKey(entity, change.key))
  const { epoch = 0n } = change
  if (item === undefined) return { is: 'again' }
  if (!belongsTo(entity, item) || authorityIn(item).epoch > epoch) return { is: 'none' }
  if (!isForeign(entity, item)) return { is: 'again' }
  const { client, tables, deadline } = parts
  const version = versionOf(entity, item)
  const condition = unchanged(item, [entity.names.version, ...Object.values(RECORD)])
  const removed = [
    ...['#mirrored', '#expires'],
    ...(version === undefined ? ['#version'] : []),
    ...(isNumber(item[RECORD.epoch]) ? [] : ['#epoch']),
  ]
  const names: Readonly<Record<string, string>> = {
    '#mirrored': RECORD.mirrored,
    '#expires': RECORD.expires,
    '#version': entity.names.version,
    '#epoch': RECORD.epoch,
  }
  const command = new UpdateItemCommand({
    TableName: tables.of(entity.item.table),
    Key: itemKey(entity, change.key),
    UpdateExpression: `SET #owner = :aurora REMOVE ${removed.join(', ')}`,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: {
      '#owner': RECORD.owner,
      ...Object.fromEntries(removed.map((name) => [name, names[name] ?? ''])),
      ...condition.names,
    },
    ExpressionAttributeValues: { ':aurora': { S: 'aurora' }, ...condition.values },
  })
  try {
    await call('UpdateItem', deadline, (options) => client.send(command, options))
    return { is: 'taken', version: version ?? 0n }
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return { is: 'again' }
    throw error
  }
}

/** A version that a next one can be above; undefined for any other, which tells nothing. */
const versionOf = ({ names }: Entity, { [names.version]: version }: Item): Version | undefined => {
  if (!/^\d{1,16}$/.test(version?.N ?? '')) return undefined
  const counted = BigInt(version?.N ?? '0')
  return counted + 2n < LARGEST_VERSION ? counted : undefined
}

const isNumber = (value: Item[string] | undefined): boolean =>
  value === undefined || /^\d{1,18}$/.test(value.N ?? '')
