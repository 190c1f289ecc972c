import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  type ScanCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { allPages, type OwnTable, updateExpression } from '../drivers/dynamo/own-table.ts'
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import { HEAD, type Head, jobKey, readHead, readSegment, segmentsStart } from './job-items.ts'
import { jobsTable } from './job-settings.ts'
import type { SegmentProgress } from './jobs.ts'

/** What the item that is written must be, with the names and values that say it. */
export type Expectation = {
  readonly expression: string
  readonly names: Readonly<Record<string, string>>
  readonly values: Item
}

/** Each attribute is equal to this, or absent for undefined. */
export const asExpected = (expected: Readonly<Record<string, Item[string] | undefined>>): Expectation => {
  const entries = Object.entries(expected)
  return {
    expression: entries
      .map(([name, value]) =>
        value === undefined ? `attribute_not_exists(#${name})` : `#${name} = :was_${name}`,
      )
      .join(' AND '),
    names: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(
      entries.flatMap(([name, value]) => (value === undefined ? [] : [[`:was_${name}`, value]])),
    ),
  }
}

/** No lease after this one has written the item. */
export const fencedUpTo = (fence: number): Expectation => ({
  expression: 'attribute_not_exists(#fence) OR #fence <= :upTo',
  names: { '#fence': 'fence' },
  values: { ':upTo': { N: String(fence) } },
})

/** The calls of DynamoDB that the jobs' store makes; reads are strongly consistent and complete. */
export class JobCalls {
  readonly #own: OwnTable

  constructor(own: OwnTable) {
    this.#own = own
  }

  /** @throws DynamoError, DeadlineError, ForeignJobItemError, as all of these methods */
  async head(job: string): Promise<Head | undefined> {
    const { Item } = await this.#call('GetItem', (options) =>
      this.#own.client.send(
        new GetItemCommand({ TableName: this.#own.table, Key: jobKey(job), ConsistentRead: true }),
        options,
      ),
    )
    return Item === undefined ? undefined : readHead(Item)
  }

  /** Of a step, by number. */
  async segments(job: string, run: string, step: string): Promise<SegmentProgress[]> {
    const input: QueryCommandInput = {
      TableName: this.#own.table,
      KeyConditionExpression: '#job = :job AND begins_with(#part, :start)',
      ExpressionAttributeNames: { '#job': jobsTable.partition, '#part': jobsTable.sort },
      ExpressionAttributeValues: { ':job': { S: job }, ':start': { S: segmentsStart(run, step) } },
      ConsistentRead: true,
    }
    const found = await allPages((from) =>
      this.#call('Query', (options) =>
        this.#own.client.send(new QueryCommand({ ...input, ...from }), options),
      ),
    )
    return found.map(readSegment)
  }

  async heads(kind: string | undefined): Promise<Head[]> {
    const input: ScanCommandInput = {
      TableName: this.#own.table,
      FilterExpression: kind === undefined ? '#part = :head' : '#part = :head AND #kind = :kind',
      ExpressionAttributeNames: { '#part': jobsTable.sort, ...(kind !== undefined && { '#kind': 'kind' }) },
      ExpressionAttributeValues: {
        ':head': { S: HEAD },
        ...(kind !== undefined && { ':kind': { S: kind } }),
      },
      ConsistentRead: true,
    }
    const found = await allPages((from) =>
      this.#call('Scan', (options) => this.#own.client.send(new ScanCommand({ ...input, ...from }), options)),
    )
    return found.map(readHead)
  }

  /** @returns false when the condition isn't met */
  async put(item: Item, expected: Expectation): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#own.table,
      Item: item,
      ConditionExpression: expected.expression,
      ExpressionAttributeNames: { ...expected.names },
      ...(Object.keys(expected.values).length > 0 && { ExpressionAttributeValues: expected.values }),
    })
    return (
      (await this.#conditional('PutItem', (options) => this.#own.client.send(command, options))) !== undefined
    )
  }

  /** @returns the item as it is now; undefined when the condition isn't met */
  async update(
    key: Item,
    change: { readonly set: Item; readonly remove?: readonly string[]; readonly add?: Item },
    expected: Expectation,
  ): Promise<Item | undefined> {
    const { set, remove = [], add = {} } = change
    const names = [...Object.keys(set), ...remove, ...Object.keys(add)].map(
      (name) => [`#${name}`, name] as const,
    )
    const values = Object.entries({ ...set, ...add }).map(([name, value]) => [`:${name}`, value] as const)
    const command = new UpdateItemCommand({
      TableName: this.#own.table,
      Key: key,
      UpdateExpression: updateExpression({
        set: Object.keys(set).map((name) => [`#${name}`, `:${name}`]),
        remove: remove.map((name) => `#${name}`),
        add: Object.keys(add).map((name) => [`#${name}`, `:${name}`]),
      }),
      ConditionExpression: expected.expression,
      ExpressionAttributeNames: { ...Object.fromEntries(names), ...expected.names },
      ExpressionAttributeValues: { ...Object.fromEntries(values), ...expected.values },
      ReturnValues: 'ALL_NEW',
    })
    const answer = await this.#conditional('UpdateItem', (options) => this.#own.client.send(command, options))
    return answer === undefined ? undefined : (answer.Attributes ?? {})
  }

  async #conditional<T>(
    operation: string,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#call(operation, send)
    } catch (error) {
      if (
        error instanceof DynamoError &&
        error.cause instanceof Error &&
        error.cause.name === 'ConditionalCheckFailedException'
      )
        return undefined
      throw error
    }
  }

  #call<T>(
    operation: string,
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    return callPatiently(operation, { deadline: this.#own.deadline }, send)
  }
}
