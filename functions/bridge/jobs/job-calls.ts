import {
  type DynamoDBClient,
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
import { callPatiently } from '../drivers/dynamo/patient-call.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { HEAD, type Head, headKey, readHead, readSegment, segmentsStart } from './job-items.ts'
import { jobsTable } from './job-settings.ts'
import type { SegmentProgress } from './jobs.ts'

/** A condition on the item that is written, with the names and values that it uses. */
export type Condition = {
  readonly expression: string
  readonly names: Readonly<Record<string, string>>
  readonly values: Item
}

/** Each attribute is equal to this, or absent for undefined. */
export const asExpected = (expected: Readonly<Record<string, Item[string] | undefined>>): Condition => {
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
export const fencedUpTo = (fence: number): Condition => ({
  expression: 'attribute_not_exists(#fence) OR #fence <= :upTo',
  names: { '#fence': 'fence' },
  values: { ':upTo': { N: String(fence) } },
})

/** The calls of DynamoDB that the jobs' store makes; reads are strongly consistent and complete. */
export class JobCalls {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #deadline: Deadline

  constructor(parts: {
    readonly client: DynamoDBClient
    readonly table: string
    readonly deadline: Deadline
  }) {
    this.#client = parts.client
    this.#table = parts.table
    this.#deadline = parts.deadline
  }

  /** @throws DynamoError, DeadlineError, ForeignJobItemError, as all of these methods */
  async head(job: string): Promise<Head | undefined> {
    const { Item } = await this.#call('GetItem', (options) =>
      this.#client.send(
        new GetItemCommand({ TableName: this.#table, Key: headKey(job), ConsistentRead: true }),
        options,
      ),
    )
    return Item === undefined ? undefined : readHead(Item)
  }

  /** Of a step, by number. */
  async segments(job: string, run: string, step: string): Promise<SegmentProgress[]> {
    const found: SegmentProgress[] = []
    let next: Item | undefined
    do {
      const input: QueryCommandInput = {
        TableName: this.#table,
        KeyConditionExpression: '#job = :job AND begins_with(#part, :start)',
        ExpressionAttributeNames: { '#job': jobsTable.partition, '#part': jobsTable.sort },
        ExpressionAttributeValues: { ':job': { S: job }, ':start': { S: segmentsStart(run, step) } },
        ConsistentRead: true,
        ...(next && { ExclusiveStartKey: next }),
      }
      const { Items = [], LastEvaluatedKey } = await this.#call('Query', (options) =>
        this.#client.send(new QueryCommand(input), options),
      )
      found.push(...Items.map(readSegment))
      next = LastEvaluatedKey
    } while (next !== undefined)
    return found
  }

  async heads(kind: string | undefined): Promise<Head[]> {
    const found: Head[] = []
    let next: Item | undefined
    do {
      const input: ScanCommandInput = {
        TableName: this.#table,
        FilterExpression: kind === undefined ? '#part = :head' : '#part = :head AND #kind = :kind',
        ExpressionAttributeNames: { '#part': jobsTable.sort, ...(kind !== undefined && { '#kind': 'kind' }) },
        ExpressionAttributeValues: {
          ':head': { S: HEAD },
          ...(kind !== undefined && { ':kind': { S: kind } }),
        },
        ConsistentRead: true,
        ...(next && { ExclusiveStartKey: next }),
      }
      const { Items = [], LastEvaluatedKey } = await this.#call('Scan', (options) =>
        this.#client.send(new ScanCommand(input), options),
      )
      found.push(...Items.map(readHead))
      next = LastEvaluatedKey
    } while (next !== undefined)
    return found
  }

  /** @returns false when the condition isn't met */
  async put(item: Item, condition: Condition): Promise<boolean> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ConditionExpression: condition.expression,
      ExpressionAttributeNames: { ...condition.names },
      ...(Object.keys(condition.values).length > 0 && { ExpressionAttributeValues: condition.values }),
    })
    return (
      (await this.#conditional('PutItem', (options) => this.#client.send(command, options))) !== undefined
    )
  }

  /** @returns the item as it is now; undefined when the condition isn't met */
  async update(
    key: Item,
    change: { readonly set: Item; readonly remove?: readonly string[]; readonly add?: Item },
    condition: Condition,
  ): Promise<Item | undefined> {
    const { set, remove = [], add = {} } = change
    const names = [...Object.keys(set), ...remove, ...Object.keys(add)].map(
      (name) => [`#${name}`, name] as const,
    )
    const values = Object.entries({ ...set, ...add }).map(([name, value]) => [`:${name}`, value] as const)
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: key,
      UpdateExpression: [
        `SET ${Object.keys(set)
          .map((name) => `#${name} = :${name}`)
          .join(', ')}`,
        ...(remove.length === 0 ? [] : [`REMOVE ${remove.map((name) => `#${name}`).join(', ')}`]),
        ...Object.keys(add).map((name) => `ADD #${name} :${name}`),
      ].join(' '),
      ConditionExpression: condition.expression,
      ExpressionAttributeNames: { ...Object.fromEntries(names), ...condition.names },
      ExpressionAttributeValues: { ...Object.fromEntries(values), ...condition.values },
      ReturnValues: 'ALL_NEW',
    })
    const answer = await this.#conditional('UpdateItem', (options) => this.#client.send(command, options))
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
    return callPatiently(operation, { deadline: this.#deadline }, send)
  }
}
