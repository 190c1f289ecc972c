import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../bridge/drivers/dynamo/errors.ts'
import type { Deadline } from '../bridge/runtime/deadline.ts'
import type { User } from './user.ts'

/** The longest a call may take, in milliseconds; the SDK's repeats count as one. */
const CALL_LIMIT = 10_000

/** The users in DynamoDB, each an item under its e-mail address. Every method throws DynamoError or DeadlineError. */
export class UsersTable {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #deadline: Deadline

  constructor(client: DynamoDBClient, table: string, deadline: Deadline) {
    this.#client = client
    this.#table = table
    this.#deadline = deadline
  }

  /** @returns undefined when there is no such user; else whatever texts its item has, whoever wrote it */
  async get(email: string): Promise<Readonly<Record<string, string>> | undefined> {
    const command = new GetItemCommand({ ...this.#at(email), ConsistentRead: true })
    const { Item } = await this.#call('GetItem', (options) => this.#client.send(command, options))
    if (Item === undefined) return undefined
    const texts = Object.entries(Item).flatMap(([name, { S }]) => (S === undefined ? [] : [[name, S]]))
    return Object.fromEntries(texts)
  }

  /** Creates the user, or replaces the one of this e-mail address. */
  async put(user: User): Promise<void> {
    const Item = Object.fromEntries(Object.entries(user).map(([name, text]) => [name, { S: text }]))
    const command = new PutItemCommand({ TableName: this.#table, Item })
    await this.#call('PutItem', (options) => this.#client.send(command, options))
  }

  /** @returns whether there was such a user; true as well when a repeat can't tell what the first attempt did */
  async remove(email: string): Promise<boolean> {
    const command = new DeleteItemCommand({ ...this.#at(email), ReturnValues: 'ALL_OLD' })
    const answer = await this.#call('DeleteItem', (options) => this.#client.send(command, options))
    return answer.Attributes !== undefined || (answer.$metadata.attempts ?? 1) > 1
  }

  #at(email: string) {
    return { TableName: this.#table, Key: { email: { S: email } } }
  }

  async #call<T>(operation: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    this.#deadline.require(50, operation)
    try {
      return await send({ abortSignal: this.#deadline.signal(CALL_LIMIT) })
    } catch (cause) {
      throw new DynamoError(operation, cause)
    }
  }
}
