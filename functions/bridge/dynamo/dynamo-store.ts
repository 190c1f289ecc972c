import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Change, Intent, Row } from '../change.ts'
import type { Entity } from '../entity.ts'
import { ConfigurationError, InvalidRecordError } from '../errors.ts'
import { decodeCursor, encodeCursor, type PageRequest } from '../http/paging.ts'
import { Problem, staleVersion } from '../http/problem.ts'
import { unknownKey } from '../normalise/api.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import { type EntityStore, matches, type Page, type Stored } from '../store.ts'
import { DynamoError } from './errors.ts'
import { ForeignItemError, type Item, toAttributes, toStored } from './items.ts'

/** The longest a call may take, in milliseconds; the SDK's repeats count as one call. */
const CALL_LIMIT = 10_000
/** The longest partition key, in bytes of UTF-8: DynamoDB refuses a page that begins behind a longer one. */
const LONGEST_KEY = 2048

/**
 * DynamoDB as the API's store. Each write is one conditional call that makes the version one larger, so no write is
 * ever lost to another. The SDK repeats a call whose answer was lost; a repeat that fails its own condition is
 * recognised by what the item holds.
 */
export class DynamoStore implements EntityStore {
  readonly #client: DynamoDBClient
  /** Table names by entity name. */
  readonly #tables: Readonly<Record<string, string>>
  readonly #deadline: Deadline
  readonly #log: Log

  constructor(parts: {
    readonly client: DynamoDBClient
    readonly tables: Readonly<Record<string, string>>
    readonly deadline: Deadline
    readonly log: Log
  }) {
    this.#client = parts.client
    this.#tables = parts.tables
    this.#deadline = parts.deadline
    this.#log = parts.log
  }

  async get(entity: Entity, key: string): Promise<Stored | undefined> {
    const command = new GetItemCommand({ ...this.#at(entity, key), ConsistentRead: true })
    const { Item } = await this.#call('GetItem', (options) => this.#client.send(command, options))
    return Item && toStored(entity, Item)
  }

  async list(entity: Entity, { limit, cursor }: PageRequest): Promise<Page> {
    const isKey = (key: string) => key !== '' && Buffer.byteLength(key) <= LONGEST_KEY
    const start = cursor === undefined ? undefined : this.#keyOf(entity, decodeCursor(cursor, isKey))
    const command = new ScanCommand({
      TableName: this.#table(entity),
      Limit: limit,
      ExclusiveStartKey: start,
      ConsistentRead: true,
    })
    const { Items = [], LastEvaluatedKey } = await this.#call('Scan', (options) =>
      this.#client.send(command, options),
    )
    const last = LastEvaluatedKey?.[entity.keyName]?.S
    return {
      items: Items.flatMap((item) => this.#own(entity, item)),
      cursor: last === undefined ? undefined : encodeCursor(last),
    }
  }

  async write(entity: Entity, change: Change | Intent): Promise<Stored | undefined> {
    if (change.version !== 'next') return this.#create(entity, change)
    if (change.op === 'upsert') return this.#replace(entity, change, change.row)
    await this.#remove(entity, change)
    return undefined
  }

  async #create(entity: Entity, change: Change): Promise<Stored> {
    if (change.op !== 'upsert') throw new InvalidRecordError('A create carries a row')
    const item: Item = {
      ...this.#keyOf(entity, change.key),
      ...toAttributes(entity, change.row),
      version: { N: String(change.version) },
      updatedAt: { S: change.at },
    }
    try {
      await this.#call('PutItem', (options) =>
        this.#client.send(
          new PutItemCommand({
            TableName: this.#table(entity),
            Item: item,
            ConditionExpression: 'attribute_not_exists(#key)',
            ExpressionAttributeNames: { '#key': entity.keyName },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
          options,
        ),
      )
    } catch (error) {
      const found = wasRepeated(error) ? conflicting(error) : undefined
      if (found === undefined || !isOwn(toStored(entity, found), change, change.row)) throw error
    }
    return toStored(entity, item)
  }

  async #replace(entity: Entity, change: Intent, row: Row): Promise<Stored> {
    const names = Object.keys(entity.attributes)
    const attributes = toAttributes(entity, row)
    const { condition, values } = precondition(change.ifMatch)
    try {
      const { Attributes } = await this.#call('UpdateItem', (options) =>
        this.#client.send(
          new UpdateItemCommand({
            ...this.#at(entity, change.key),
            UpdateExpression: `SET ${names.map((_, at) => `#a${at} = :a${at}`).join(', ')}, #updatedAt = :at ADD #version :one`,
            ConditionExpression: condition,
            ExpressionAttributeNames: {
              '#key': entity.keyName,
              '#version': 'version',
              '#updatedAt': 'updatedAt',
              ...Object.fromEntries(names.map((name, at) => [`#a${at}`, name])),
            },
            ExpressionAttributeValues: {
              ':at': { S: change.at },
              ':one': { N: '1' },
              ...values,
              ...Object.fromEntries(
                names.flatMap((name, at) => {
                  const value = attributes[name]
                  return value === undefined ? [] : [[`:a${at}`, value]]
                }),
              ),
            },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
          options,
        ),
      )
      return toStored(entity, Attributes ?? {})
    } catch (error) {
      const found = refusal(error, entity)
      const stored = toStored(entity, found)
      if (wasRepeated(error) && isOwn(stored, change, row)) return stored
      throw staleVersion()
    }
  }

  async #remove(entity: Entity, change: Intent): Promise<void> {
    const { condition, names, values } = precondition(change.ifMatch)
    try {
      await this.#call('DeleteItem', (options) =>
        this.#client.send(
          new DeleteItemCommand({
            ...this.#at(entity, change.key),
            ConditionExpression: condition,
            ExpressionAttributeNames: { '#key': entity.keyName, ...names },
            ExpressionAttributeValues: Object.keys(values).length === 0 ? undefined : values,
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
          options,
        ),
      )
    } catch (error) {
      // Nothing there at a repeated attempt: the first one's answer was lost, its delete was not.
      if (
        conflicting(error) === undefined &&
        error instanceof ConditionalCheckFailedException &&
        wasRepeated(error)
      )
        return
      const stored = toStored(entity, refusal(error, entity))
      throw matches(change.ifMatch, stored.version) ? error : staleVersion()
    }
  }

  #table(entity: Entity): string {
    const table = this.#tables[entity.name]
    if (table === undefined) throw new ConfigurationError([`TABLES names no table for ${entity.name}`])
    return table
  }

  #keyOf(entity: Entity, key: string): Item {
    return { [entity.keyName]: { S: key } }
  }

  #at(entity: Entity, key: string): { TableName: string; Key: Item } {
    return { TableName: this.#table(entity), Key: this.#keyOf(entity, key) }
  }

  /** One item that isn't the entity's must not hide the others of its page: it is logged, with its key, and left out. */
  #own(entity: Entity, item: Item): Stored[] {
    try {
      return [toStored(entity, item)]
    } catch (error) {
      if (!(error instanceof ForeignItemError)) throw error
      this.#log.warn('foreign item', { entity: entity.name, key: item[entity.keyName]?.S, error })
      return []
    }
  }

  /** @throws DynamoError, DeadlineError; a failed condition as the SDK has it */
  async #call<T>(operation: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    this.#deadline.require(50, operation)
    try {
      return await send({ abortSignal: this.#deadline.signal(CALL_LIMIT) })
    } catch (cause) {
      throw cause instanceof ConditionalCheckFailedException ? cause : new DynamoError(operation, cause)
    }
  }
}

/** The item exists, at one of the versions that the client accepts. */
const precondition = (
  ifMatch: readonly bigint[] | undefined,
): { condition: string; names: Record<string, string>; values: Item } => {
  if (ifMatch === undefined) return { condition: 'attribute_exists(#key)', names: {}, values: {} }
  // A list without any version can match nothing: 0 is nobody's version.
  const versions = ifMatch.length === 0 ? [0n] : ifMatch
  return {
    condition: `attribute_exists(#key) AND #version IN (${versions.map((_, at) => `:v${at}`).join(', ')})`,
    names: { '#version': 'version' },
    values: Object.fromEntries(versions.map((version, at) => [`:v${at}`, { N: String(version) }])),
  }
}

/** The item that made a condition fail; undefined when there was none, or when the error is another. */
const conflicting = (error: unknown): Item | undefined =>
  error instanceof ConditionalCheckFailedException && Object.keys(error.Item ?? {}).length > 0
    ? error.Item
    : undefined

/**
 * The item that stands against a write.
 *
 * @throws Problem 404 when there is none; any other error as it is
 */
const refusal = (error: unknown, entity: Entity): Item => {
  if (!(error instanceof ConditionalCheckFailedException) || error instanceof Problem) throw error
  const found = conflicting(error)
  if (found === undefined) throw unknownKey(entity)
  return found
}

/** Whether a condition failed at a repeat: then the first attempt may have passed it, and its answer was lost. */
const wasRepeated = (error: unknown): boolean =>
  error instanceof ConditionalCheckFailedException && (error.$metadata.attempts ?? 1) > 1

/** Whether an item is what this very write made: its time, in milliseconds, and each of its values. */
const isOwn = (stored: Stored, change: Change | Intent, row: Row): boolean => {
  const made =
    change.version === 'next' ? (change.ifMatch ?? []).map((version) => version + 1n) : [change.version]
  return (
    made.includes(stored.version) &&
    stored.updatedAt === change.at &&
    Object.entries(row).every(([name, value]) => stored.row[name] === value)
  )
}
