import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { OwnTable } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import { expiry } from './job-items.ts'
import { jobsTable } from './job-settings.ts'

/** How the sort keys of notes begin: no head and no segment has such a one. */
const NOTE = 'note#'

/**
 * What work on a job has found out, beside how far it is: each note by a name of its own. They stay when the job begins anew, and
 * are no part of its lease: whoever writes one says in its name of which run it is, where that matters.
 */
export class JobNotes {
  readonly #own: OwnTable
  readonly #now: () => number

  /** @param now milliseconds since 1970 */
  constructor(own: OwnTable, now: () => number) {
    this.#own = own
    this.#now = now
  }

  /**
   * Writes a note, in the place of one of the same name. It expires as the job does, 90 days after.
   *
   * @throws DynamoError, DeadlineError, as all of these methods
   */
  async put(job: string, name: string, note: Item): Promise<void> {
    const Item = { ...note, ...keyOf(job, name), ...expiry(this.#now()) }
    const command = new PutItemCommand({ TableName: this.#own.table, Item })
    await this.#call('PutItem', (options) => this.#own.client.send(command, options))
  }

  /** @returns undefined where there is none, strongly consistent */
  async read(job: string, name: string): Promise<Item | undefined> {
    const command = new GetItemCommand({
      TableName: this.#own.table,
      Key: keyOf(job, name),
      ConsistentRead: true,
    })
    const { Item } = await this.#call('GetItem', (options) => this.#own.client.send(command, options))
    return Item
  }

  /** The notes whose names begin so, in the order of their names, page by page; strongly consistent. */
  async *list(job: string, start: string): AsyncGenerator<readonly Item[]> {
    const input: QueryCommandInput = {
      TableName: this.#own.table,
      KeyConditionExpression: '#job = :job AND begins_with(#part, :start)',
      ExpressionAttributeNames: { '#job': jobsTable.partition, '#part': jobsTable.sort },
      ExpressionAttributeValues: { ':job': { S: job }, ':start': { S: `${NOTE}${start}` } },
      ConsistentRead: true,
    }
    let next: Item | undefined
    do {
      const from = next === undefined ? {} : { ExclusiveStartKey: next }
      const command = new QueryCommand({ ...input, ...from })
      const { Items = [], LastEvaluatedKey } = await this.#call('Query', (options) =>
        this.#own.client.send(command, options),
      )
      if (Items.length > 0) yield Items
      next = LastEvaluatedKey
    } while (next !== undefined)
  }

  /** That it is gone already is as good. */
  async remove(job: string, name: string): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#own.table, Key: keyOf(job, name) })
    await this.#call('DeleteItem', (options) => this.#own.client.send(command, options))
  }

  #call<T>(
    operation: string,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return callPatiently(operation, { deadline: this.#own.deadline }, send)
  }
}

const keyOf = (job: string, name: string): Item => ({
  [jobsTable.partition]: { S: job },
  [jobsTable.sort]: { S: `${NOTE}${name}` },
})
