import { createHash } from 'node:crypto'
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { StateTableKeys } from '../drivers/dynamo/state-table.ts'
import { type Change, subjectOf, versionText } from '../model/change.ts'

/**
 * How long a delete is remembered, in seconds: longer than the longest scan, and then the stream's 24 hours. What is
 * older can't come any more.
 */
export const TOMBSTONE_KEPT = 90 * 24 * 3600

/** The table of tombstones. */
export const tombstoneTable = { partition: 'pk', expiry: 'expires' } as const satisfies StateTableKeys

/**
 * One for each target key and source key: versions of different items of the source have no order. Hashed, since two
 * keys may have more bytes than one has room for.
 */
const tombstoneKey = (change: Change): Item => {
  const digest = createHash('sha256').update(JSON.stringify([change.key, subjectOf(change)]))
  return { [tombstoneTable.partition]: { S: `${change.entity}#${digest.digest('base64url')}` } }
}

const isOlder = (change: Change) => ({
  ConditionExpression: 'attribute_not_exists(#pk) OR #version < :version',
  ExpressionAttributeNames: { '#pk': tombstoneTable.partition, '#version': 'version' },
  ExpressionAttributeValues: { ':version': { S: versionText(change.version) } },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
})

/** Holds when nothing as late as the change has been deleted. */
export const unlessDeleted = (table: string, change: Change): TransactWriteItem => ({
  ConditionCheck: { TableName: table, Key: tombstoneKey(change), ...isOlder(change) },
})

/** Remembers a delete, unless a later one is. */
export const tombstoneWrite = (table: string, change: Change, now: Date): TransactWriteItem => ({
  Put: {
    TableName: table,
    Item: {
      ...tombstoneKey(change),
      version: { S: versionText(change.version) },
      key: { S: change.key },
      sourceKey: { S: subjectOf(change) },
      [tombstoneTable.expiry]: { N: String(Math.ceil(now.getTime() / 1000) + TOMBSTONE_KEPT) },
    },
    ...isOlder(change),
  },
})

/** The call that reads what is remembered of a change's key. */
export const tombstoneOf = (table: string, change: Change) => ({
  TableName: table,
  Key: tombstoneKey(change),
  ConsistentRead: true,
})
