import { randomUUID } from 'node:crypto'
import { GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { cancellationOf } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import {
  type FirstAnswer,
  IdempotencyRecordError,
  KEPT_FOR,
  type Once,
  type Recalled,
  recallFrom,
  replay,
  stillInProgress,
} from '../ports/once.ts'
import { type Condition, conditionInput } from './conditions.ts'
import { recordTable } from './idempotency-table.ts'

/**
 * The transaction that puts an item together with the record of its answer, each only where there is none; so there is
 * no state in between that a crash could leave behind. A record that has expired counts as none: DynamoDB removes it up
 * to days later.
 *
 * The request token makes a repeat by the SDK, whose first answer was lost, a success and not a refusal.
 */
export const createWithRecord = (
  tables: { readonly items: string; readonly records: string },
  {
    item,
    key,
    free,
    once,
    answer,
    at,
  }: {
    readonly item: Item
    readonly key: string
    /** That the item takes no other's place. */
    readonly free: Condition
    readonly once: Once
    readonly answer: string
    /** ISO 8601, UTC. */
    readonly at: string
  },
): TransactWriteItemsCommand => {
  const now = Date.parse(at)
  const token = randomUUID()
  return new TransactWriteItemsCommand({
    ClientRequestToken: token,
    TransactItems: [
      {
        Put: {
          TableName: tables.records,
          Item: {
            [recordTable.partition]: { S: once.id },
            fingerprint: { S: once.fingerprint },
            answer: { S: answer },
            doneBy: { S: token },
            // What is made with the same key after a week is told from it.
            key: { S: key },
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
          Item: item,
          ...conditionInput(free),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
    ],
  })
}

/**
 * Reads what records say of a request that has met something.
 *
 * @param get reads the record with an id, also one that has expired
 * @param at of the request: ISO 8601, UTC
 * @throws KeyReusedError, IdempotencyRecordError
 */
export const recallRecords = async (
  once: Once,
  at: string,
  get: (id: string) => Promise<Item | undefined>,
): Promise<Recalled | undefined> => {
  const { id, former } = once
  const ids = former === undefined ? [id] : [id, former.dynamo, former.facade]
  const found = await Promise.all(ids.map(get))
  return recallFrom(found.map((item) => async () => item && recalledOf(item, once, at)))
}

const recalledOf = (item: Item, once: Once, at: string): Recalled => {
  const isOver = Number(item[recordTable.expiry]?.N) * 1000 <= Date.parse(at)
  if (isOver) return { is: 'over', key: item.key?.S }
  return { is: 'done', answer: replay(toFirst(item), once).answer }
}

/** The call that reads the record with an id, also one that has expired. */
export const recordOf = (table: string, id: string): GetItemCommand =>
  new GetItemCommand({ TableName: table, Key: { [recordTable.partition]: { S: id } }, ConsistentRead: true })

/** The record that stood against a transaction of `createWithRecord`; undefined when that was not what failed. */
export const firstAnswerOf = (error: unknown): FirstAnswer | undefined => {
  const item: Item | undefined = cancellationOf(error)?.CancellationReasons?.[0]?.Item
  return item === undefined || Object.keys(item).length === 0 ? undefined : toFirst(item)
}

/** @throws IdempotencyRecordError, InProgressError */
const toFirst = ({ fingerprint, answer, doneBy, pending }: Item): FirstAnswer => {
  // A function that serves a side is at work on it, or nobody knows what became of that.
  if (pending !== undefined && answer === undefined) throw stillInProgress()
  if (fingerprint?.S === undefined || answer?.S === undefined)
    throw new IdempotencyRecordError('The record of an idempotency key lacks its attributes')
  return {
    fingerprint: fingerprint.S,
    answer: answer.S,
    ...(doneBy?.S !== undefined && { doneBy: doneBy.S }),
  }
}

/** Whether an item with the key stood against a transaction of `createWithRecord`. */
export const isKeyTaken = (error: unknown): boolean =>
  cancellationOf(error)?.CancellationReasons?.[1]?.Code === 'ConditionalCheckFailed'

/** What has the key, where that stood against a transaction of `createWithRecord`. */
export const takenBy = (error: unknown): Item | undefined => {
  const item = cancellationOf(error)?.CancellationReasons?.[1]?.Item
  return item === undefined || Object.keys(item).length === 0 ? undefined : item
}
