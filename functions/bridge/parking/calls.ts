import { randomUUID } from 'node:crypto'
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { cancellationOf } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import { retry } from '../runtime/retry.ts'
import { type PrimaryKey, parkingTable, primaryKeyText } from './keys.ts'

/** BatchGetItem takes so many keys; so many of them at once. */
const MOST_KEYS = 100
const LANES = 10

const ofPartition = `${parkingTable.partition} = :pk`

export type ParkingParts = {
  readonly client: DynamoDBClient
  readonly table: string
  readonly deadline: Deadline
}

/** The calls of DynamoDB that parking makes: bounded in time and in repeats, reads strongly consistent and complete. */
export class ParkingCalls {
  readonly table: string
  readonly #client: DynamoDBClient
  readonly #deadline: Deadline

  constructor({ client, table, deadline }: ParkingParts) {
    this.table = table
    this.#client = client
    this.#deadline = deadline
  }

  /** All items of a partition, of those whose sort key starts so. @throws DynamoError, DeadlineError */
  async query(partition: string, start = ''): Promise<Item[]> {
    const found: Item[] = []
    let next: Item | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await this.#query({
        KeyConditionExpression:
          start === '' ? ofPartition : `${ofPartition} AND begins_with(${parkingTable.sort}, :start)`,
        ExpressionAttributeValues: {
          ':pk': { S: partition },
          ...(start !== '' && { ':start': { S: start } }),
        },
        ...(next && { ExclusiveStartKey: next }),
      })
      found.push(...Items)
      next = LastEvaluatedKey
    } while (next !== undefined)
    return found
  }

  /**
   * The first items of a partition by their sort keys.
   *
   * @param between the sort keys, both left out
   * @throws DynamoError, DeadlineError
   */
  async first(
    partition: string,
    limit: number,
    { after, before = '\u{10ffff}' }: { readonly after: string; readonly before?: string },
  ): Promise<Item[]> {
    // BETWEEN takes its ends in: so one more is asked for, and the end left out.
    const { Items = [] } = await this.#query({
      KeyConditionExpression: `${ofPartition} AND ${parkingTable.sort} BETWEEN :after AND :before`,
      ExpressionAttributeValues: {
        ':pk': { S: partition },
        ':after': { S: after },
        ':before': { S: before },
      },
      Limit: limit + 1,
    })
    return Items.filter(({ sk }) => sk?.S !== after && sk?.S !== before).slice(0, limit)
  }

  #query(input: Omit<QueryCommandInput, 'TableName'>) {
    return this.#call('Query', (options) =>
      this.#client.send(new QueryCommand({ TableName: this.table, ConsistentRead: true, ...input }), options),
    )
  }

  /** The items that are there, by their keys' text (`primaryKeyText`); repeats allowed. @throws DynamoError, DeadlineError */
  async get(keys: readonly PrimaryKey[]): Promise<ReadonlyMap<string, Item>> {
    const found = new Map<string, Item>()
    const wanted = [...new Map(keys.map((key) => [primaryKeyText(key), key])).values()]
    const groups = Array.from({ length: Math.ceil(wanted.length / MOST_KEYS) }, (_, at) =>
      wanted.slice(at * MOST_KEYS, (at + 1) * MOST_KEYS),
    )
    await inLanes(groups, LANES, (group) => this.#getGroup(group, found))
    return found
  }

  async #getGroup(keys: readonly PrimaryKey[], found: Map<string, Item>): Promise<void> {
    let batch: Item[] = [...keys]
    while (batch.length > 0) {
      const asked = batch
      batch = await this.#call('BatchGetItem', async (options) => {
        const command = new BatchGetItemCommand({
          RequestItems: { [this.table]: { Keys: asked, ConsistentRead: true } },
        })
        const { Responses, UnprocessedKeys } = await this.#client.send(command, options)
        for (const item of Responses?.[this.table] ?? []) found.set(primaryKeyText(item), item)
        const unread = UnprocessedKeys?.[this.table]?.Keys ?? []
        // A page of nothing is throttling; one that is cut short by its size goes on at once.
        if (unread.length === asked.length) throw throttled()
        return unread
      })
    }
  }

  /**
   * Writes all or nothing.
   *
   * @returns false when a condition failed: what was read is no longer so
   * @throws DynamoError, DeadlineError
   */
  async write(items: TransactWriteItem[]): Promise<boolean> {
    // By it a repeat of this very call counts once, for ten minutes.
    const token = randomUUID()
    try {
      await this.#call('TransactWriteItems', async (options) => {
        await this.#client.send(
          new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }),
          options,
        )
      })
      return true
    } catch (error) {
      if (isConditionFailed(error)) return false
      throw error
    }
  }

  /** Writes one item, whatever is there. @throws DynamoError, DeadlineError */
  async put(item: Item): Promise<void> {
    await this.#call('PutItem', (options) =>
      this.#client.send(new PutItemCommand({ TableName: this.table, Item: item }), options),
    )
  }

  /**
   * Writes one item where that is as it was read; without a revision, where there is none.
   *
   * @returns false when it is no longer so
   * @throws DynamoError, DeadlineError
   */
  putIfSame(item: Item, revision: string | undefined): Promise<boolean> {
    const input = { TableName: this.table, Item: item, ...sameOrNone(revision) }
    return this.#call('PutItem', (options) => this.#client.send(new PutItemCommand(input), options)).then(
      () => true,
      isChanged,
    )
  }

  /** Takes one item away where that is as it was read. @returns as `putIfSame`. @throws DynamoError, DeadlineError */
  removeIfSame(key: PrimaryKey, revision: string | undefined): Promise<boolean> {
    const input = { TableName: this.table, Key: key, ...sameOrNone(revision) }
    return this.#call('DeleteItem', (options) =>
      this.#client.send(new DeleteItemCommand(input), options),
    ).then(() => true, isChanged)
  }

  /** Takes a sign away, unless it has been renewed. @throws DynamoError, DeadlineError */
  async removeSign(sign: PrimaryKey, revision: string): Promise<void> {
    await this.removeIfSame(sign, revision)
  }

  /** Notes at a sign how far a look came, unless it has been renewed. @throws DynamoError, DeadlineError */
  async setCursors(sign: PrimaryKey, revision: string, cursors: readonly string[]): Promise<void> {
    const { ConditionExpression, ExpressionAttributeValues } = sameRevision(revision)
    const input = {
      TableName: this.table,
      Key: sign,
      ConditionExpression,
      UpdateExpression: 'SET cursors = :cursors',
      ExpressionAttributeValues: {
        ...ExpressionAttributeValues,
        ':cursors': { L: cursors.map((S) => ({ S })) },
      },
    }
    await this.#call('UpdateItem', (options) =>
      this.#client.send(new UpdateItemCommand(input), options),
    ).catch(isChanged)
  }

  /** Repeats what fails for a passing reason, beyond the SDK's own repeats. */
  #call<T>(operation: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    const policy = {
      attempts: 5,
      firstPause: 50,
      longestPause: 1_000,
      retryable: (error: unknown) => kindOf(error) === 'transient' && !isConditionFailed(error),
      deadline: this.#deadline,
    }
    return retry(policy, () => call(operation, this.#deadline, send))
  }
}

const sameRevision = (revision: string) => ({
  ConditionExpression: 'revision = :read',
  ExpressionAttributeValues: { ':read': { S: revision } },
})

const sameOrNone = (revision: string | undefined) =>
  revision === undefined
    ? { ConditionExpression: `attribute_not_exists(${parkingTable.partition})` }
    : sameRevision(revision)

/** A failed condition is an answer: somebody was faster. */
const isChanged = (error: unknown): false => {
  if (!(error instanceof ConditionalCheckFailedException)) throw error
  return false
}

/** As one of several reasons of a cancelled transaction, a failed condition is the answer. */
const isConditionFailed = (error: unknown): boolean =>
  (cancellationOf(error)?.CancellationReasons ?? []).some(({ Code }) => Code === 'ConditionalCheckFailed')

/** Throttling that comes as half an answer. */
const throttled = (): Error =>
  Object.assign(new Error('Nothing of the batch was read'), { name: 'ThrottlingException' })
