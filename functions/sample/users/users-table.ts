import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../../bridge/drivers/dynamo/call.ts'
import type { Deadline } from '../../bridge/runtime/deadline.ts'
import { type Texts, textsOf } from './texts.ts'
import type { User } from './user.ts'

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
  async get(email: string): Promise<Texts | undefined> {
    const command = new GetItemCommand({ ...this.#at(email), ConsistentRead: true })
    const { Item } = await call('GetItem', this.#deadline, (options) => this.#client.send(command, options))
    return Item && textsOf(Item)
  }

  /** Creates the user, or replaces the one of this e-mail address. */
  async put(user: User): Promise<void> {
    const Item = Object.fromEntries(Object.entries(user).map(([name, text]) => [name, { S: text }]))
    const command = new PutItemCommand({ TableName: this.#table, Item })
    await call('PutItem', this.#deadline, (options) => this.#client.send(command, options))
  }

  /** @returns whether there was such a user; true as well when a repeat can't tell what the first attempt did */
  async remove(email: string): Promise<boolean> {
    const command = new DeleteItemCommand({ ...this.#at(email), ReturnValues: 'ALL_OLD' })
    const answer = await call('DeleteItem', this.#deadline, (options) => this.#client.send(command, options))
    return answer.Attributes !== undefined || (answer.$metadata.attempts ?? 1) > 1
  }

  #at(email: string) {
    return { TableName: this.#table, Key: { email: { S: email } } }
  }
}
