import { randomUUID } from 'node:crypto'
import {
  BatchGetItemCommand,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { cancellationOf } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { kindOf } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { retry } from '../runtime/retry.ts'
import { type PrimaryKey, parkingTable, primaryKeyText } from './keys.ts'

/** BatchGetItem takes so many keys. */
const MOST_KEYS = 100

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
      const input: QueryCommandInput = {
        TableName: this.table,
        KeyConditionExpression:
          start === '' ? ofPartition : `${ofPartition} AND begins_with(${parkingTable.sort}, :start)`,
        ExpressionAttributeValues: {
          ':pk': { S: partition },
          ...(start !== '' && { ':start': { S: start } }),
        },
        ConsistentRead: true,
        ...(next && { ExclusiveStartKey: next }),
      }
      const { Items = [], LastEvaluatedKey } = await this.#call('Query', (options) =>
        this.#client.send(new QueryCommand(input), options),
      )
      found.push(...Items)
      next = LastEvaluatedKey
    } while (next !== undefined)
    return found
  }

  /** The items that are there, by their keys' text (`primaryKeyText`); repeats allowed. @throws DynamoError, DeadlineError */
  async get(keys: readonly PrimaryKey[]): Promise<ReadonlyMap<string, Item>> {
    const found = new Map<string, Item>()
    let wanted: Item[] = [...new Map(keys.map((key) => [primaryKeyText(key), key])).values()]
    while (wanted.length > 0) {
      const batch = wanted.slice(0, MOST_KEYS)
      const left = await this.#call('BatchGetItem', async (options) => {
        const command = new BatchGetItemCommand({
          RequestItems: { [this.table]: { Keys: batch, ConsistentRead: true } },
        })
        const { Responses, UnprocessedKeys } = await this.#client.send(command, options)
        for (const item of Responses?.[this.table] ?? []) found.set(primaryKeyText(item), item)
        const unread = UnprocessedKeys?.[this.table]?.Keys ?? []
        // A page of nothing is throttling; one that is cut short by its size goes on at once.
        if (unread.length === batch.length) throw throttled()
        return unread
      })
      wanted = [...left, ...wanted.slice(MOST_KEYS)]
    }
    return found
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

/** As one of several reasons of a cancelled transaction, a failed condition is the answer. */
const isConditionFailed = (error: unknown): boolean =>
  (cancellationOf(error)?.CancellationReasons ?? []).some(({ Code }) => Code === 'ConditionalCheckFailed')

/** Throttling that comes as half an answer. */
const throttled = (): Error =>
  Object.assign(new Error('Nothing of the batch was read'), { name: 'ThrottlingException' })
