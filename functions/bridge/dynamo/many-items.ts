import { BatchGetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import { retry } from '../runtime/retry.ts'
import type { Tables } from '../runtime/tables.ts'
import { findItemKey, keysOf, readItemKey } from './item-key.ts'

/** BatchGetItem takes so many keys; so many calls at once. */
const MOST_KEYS = 100
const LANES = 4
const PATIENCE = { attempts: 8, firstPause: 50, longestPause: 2_000 }

/** DynamoDB has read nothing of what it was asked for. */
class NothingReadError extends BridgeError {
  override readonly name = 'NothingReadError'
  readonly code = 'dynamodb.nothing-read'
  readonly kind = 'transient'
}

/**
 * What an entity's table has under the primary keys of some keys, whosever it is, strongly consistent.
 *
 * @param keys different ones
 * @returns the items that are there, by the entity's keys
 * @throws DynamoError, DeadlineError; NothingReadError where DynamoDB holds back all of it
 */
export const readItems = async (
  {
    client,
    tables,
    deadline,
  }: { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline },
  entity: Entity,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Item>> => {
  const table = tables.of(entity.item.table)
  const wanted = keys.map((key) => findItemKey(entity, key)).filter((key) => key !== undefined)
  const found = new Map<string, Item>()
  const groups = Array.from({ length: Math.ceil(wanted.length / MOST_KEYS) }, (_, at) =>
    wanted.slice(at * MOST_KEYS, (at + 1) * MOST_KEYS),
  )
  const retryable = (error: unknown): boolean => kindOf(error) === 'transient'
  await inLanes(groups, LANES, async (group) => {
    let rest: Item[] = group
    while (rest.length > 0) {
      const asked = rest
      rest = await retry({ ...PATIENCE, retryable, deadline }, async () => {
        const command = new BatchGetItemCommand({
          RequestItems: { [table]: { Keys: asked, ConsistentRead: true } },
        })
        const { Responses, UnprocessedKeys } = await call('BatchGetItem', deadline, (options) =>
          client.send(command, options),
        )
        for (const item of Responses?.[table] ?? []) {
          const read = readItemKey(entity, keysOf(entity, item))
          if (read !== undefined && 'key' in read) found.set(read.key, item)
        }
        const unread = UnprocessedKeys?.[table]?.Keys ?? []
        // An answer that is cut short by its size goes on at once.
        if (unread.length === asked.length) throw new NothingReadError('BatchGetItem has read nothing')
        return unread
      })
    }
  })
  return found
}
