import { randomUUID } from 'node:crypto'
import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { cancellationOf } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Change, Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { type FirstAnswer, IdempotencyRecordError, KEPT_FOR, type Once } from '../ports/once.ts'
import { absent } from './conditions.ts'
import { recordTable } from './idempotency-table.ts'
import { toItem } from './items.ts'

/**
 * The transaction that puts an item together with the record of its answer, each only where there is none; so there is
 * no state in between that a crash could leave behind. A record that has expired counts as none: DynamoDB removes it up
 * to days later.
 *
 * The request token makes a repeat by the SDK, whose first answer was lost, a success and not a refusal.
 */
export const createWithRecord = (
  tables: { readonly items: string; readonly records: string },
  entity: Entity,
  {
    change,
    row,
    once,
    answer,
  }: {
    readonly change: Change
    readonly row: Row
    readonly once: Once
    readonly answer: string
  },
): TransactWriteItemsCommand => {
  const now = Date.parse(change.at)
  const free = absent(entity)
  return new TransactWriteItemsCommand({
    ClientRequestToken: randomUUID(),
    TransactItems: [
      {
        Put: {
          TableName: tables.records,
          Item: {
            [recordTable.partition]: { S: once.id },
            fingerprint: { S: once.fingerprint },
            answer: { S: answer },
            [recordTable.expiry]: { N: String(Math.ceil((now + KEPT_FOR) / 1000)) },
          },
          ConditionExpression: 'attribute_not_exists(#id) OR #expires <= :now',
          ExpressionAttributeNames: { '#id': recordTable.partition, '#expires': recordTable.expiry },
          ExpressionAttributeValues: { ':now': { N: String(Math.floor(now / 1000)) } },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        Put: {
          TableName: tables.items,
          Item: toItem(entity, change, row),
          ConditionExpression: free.expression,
          ExpressionAttributeNames: { ...free.names },
        },
      },
    ],
  })
}

/** The record that stood against a transaction of `createWithRecord`; undefined when that was not what failed. */
export const firstAnswerOf = (error: unknown): FirstAnswer | undefined => {
  const item: Item | undefined = cancellationOf(error)?.CancellationReasons?.[0]?.Item
  if (item === undefined || Object.keys(item).length === 0) return undefined
  const { fingerprint, answer } = item
  if (fingerprint?.S === undefined || answer?.S === undefined)
    throw new IdempotencyRecordError('The record of an idempotency key lacks its attributes')
  return { fingerprint: fingerprint.S, answer: answer.S }
}

/** Whether an item with the key stood against a transaction of `createWithRecord`. */
export const isKeyTaken = (error: unknown): boolean =>
  cancellationOf(error)?.CancellationReasons?.[1]?.Code === 'ConditionalCheckFailed'
