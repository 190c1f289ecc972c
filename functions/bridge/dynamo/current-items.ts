import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import type { Entity } from '../model/entity.ts'
import { decodeItem, type Value } from '../model/values.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import type { CurrentItems } from './entity-source.ts'

/** The longest a read may take, in milliseconds; the SDK's repeats count as one. */
const CALL_LIMIT = 10_000

/** Reads items one by one, strongly consistent. */
export class DynamoCurrentItems implements CurrentItems {
  readonly #client: DynamoDBClient
  readonly #tables: Tables
  readonly #deadline: Deadline

  /** @param tables table names in DynamoDB by their names in this project */
  constructor(client: DynamoDBClient, tables: Tables, deadline: Deadline) {
    this.#client = client
    this.#tables = tables
    this.#deadline = deadline
  }

  /** @throws DynamoError, DeadlineError; InvalidRecordError for an item with values of no known type */
  async get({ name, item }: Entity, key: string): Promise<Readonly<Record<string, Value>> | undefined> {
    const { keyAttribute, prefix = '', type } = item
    const table = this.#tables.of(item.table)
    this.#deadline.require(50, 'GetItem')
    const command = new GetItemCommand({
      TableName: table,
      Key: { [keyAttribute]: { S: `${prefix}${key}` } },
      ConsistentRead: true,
    })
    const abortSignal = this.#deadline.signal(CALL_LIMIT)
    const { Item } = await this.#client.send(command, { abortSignal }).catch((cause: unknown) => {
      throw new DynamoError('GetItem', cause)
    })
    if (Item === undefined) return undefined
    const values = decodeItem(Item, name)
    return type === undefined || values[type.attribute] === type.value ? values : undefined
  }
}
