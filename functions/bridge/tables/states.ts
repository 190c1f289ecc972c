import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import { call } from '../drivers/dynamo/call.ts'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import { asOneOf, asText } from '../drivers/dynamo/item-schema.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { updateExpression } from '../drivers/dynamo/own-table.ts'
import type { Deadline } from '../runtime/deadline.ts'

/** Where a kept table stands. */
export type ProjectionState = {
  readonly name: string
  /** `finished`: the switch to the new table is made, and the stream's changes are no longer for it. */
  readonly state: 'following' | 'finished'
  /** When the stream's function last applied something, and when what it applied was written: ISO 8601, UTC. */
  readonly lastAppliedAt?: string
  readonly lastRecordAt?: string
  readonly finishedAt?: string
  readonly by?: string
}

const STATE = 'state'

const shape = z.object({
  state: asOneOf('following', 'finished').optional(),
  lastAppliedAt: asText.optional(),
  lastRecordAt: asText.optional(),
  finishedAt: asText.optional(),
  by: asText.optional(),
})

/** Where kept tables stand: in items `keep:<name>` of the table of jobs, beside those of jobs. */
export class DynamoStates {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #deadline: Deadline

  constructor(client: DynamoDBClient, table: string, deadline: Deadline) {
    this.#client = client
    this.#table = table
    this.#deadline = deadline
  }

  async read(name: string): Promise<ProjectionState> {
    const command = new GetItemCommand({ TableName: this.#table, Key: stateKey(name), ConsistentRead: true })
    const { Item } = await call('GetItem', this.#deadline, (options) => this.#client.send(command, options))
    return readState(name, Item)
  }

  /** Which of them are finished, as of now. */
  async finished(names: readonly string[]): Promise<ReadonlySet<string>> {
    const finished = new Set<string>()
    let keys = names.map(stateKey)
    for (let round = 1; keys.length > 0; round++) {
      const command = new BatchGetItemCommand({
        RequestItems: { [this.#table]: { Keys: keys.slice(0, 100), ConsistentRead: true } },
      })
      const { Responses, UnprocessedKeys } = await call('BatchGetItem', this.#deadline, (options) =>
        this.#client.send(command, options),
      )
      for (const item of Responses?.[this.#table] ?? []) {
        const name = item.job?.S?.replace(/^keep:/, '') ?? ''
        if (readState(name, item).state === 'finished') finished.add(name)
      }
      keys = [...(UnprocessedKeys?.[this.#table]?.Keys ?? []), ...keys.slice(100)]
      if (round > 20) throw new DynamoError('BatchGetItem', new Error('keys stayed unprocessed'))
    }
    return finished
  }

  /** Notes that the stream's function has applied something. */
  async beat(name: string, lastRecordAt: string, now: Date): Promise<void> {
    await this.#set(name, { lastAppliedAt: now.toISOString(), lastRecordAt })
  }

  async finish(name: string, by: string, now: Date): Promise<void> {
    await this.#set(name, { state: 'finished', finishedAt: now.toISOString(), by })
  }

  /** Makes a finished one follow the stream again; what was written meanwhile has to be filled in. */
  async reopen(name: string, by: string, now: Date): Promise<void> {
    await this.#set(name, { state: 'following', reopenedAt: now.toISOString(), by }, ['finishedAt'])
  }

  async #set(
    name: string,
    attributes: Readonly<Record<string, string>>,
    absent: readonly string[] = [],
  ): Promise<void> {
    const names = Object.keys(attributes)
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: stateKey(name),
      UpdateExpression: updateExpression({
        set: names.map((_, at) => [`#n${at}`, `:v${at}`]),
        remove: absent,
      }),
      ExpressionAttributeNames: Object.fromEntries(names.map((one, at) => [`#n${at}`, one])),
      ExpressionAttributeValues: Object.fromEntries(
        Object.values(attributes).map((value, at) => [`:v${at}`, { S: value }]),
      ),
    })
    await call('UpdateItem', this.#deadline, (options) => this.#client.send(command, options))
  }
}

const stateKey = (name: string): Item => ({ job: { S: `keep:${name}` }, part: { S: STATE } })

/** What nobody has written about yet is followed. */
const readState = (name: string, item: Item | undefined): ProjectionState => {
  const { state = 'following', ...more } = shape.parse(item ?? {})
  const present = Object.entries(more).filter(([, value]) => value !== undefined)
  return { name, state, ...Object.fromEntries(present) }
}
