import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { DynamoError } from '../drivers/dynamo/errors.ts'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import { type Change, coalesce } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError, ConfigurationError, InvalidRecordError, kindOf } from '../model/errors.ts'
import { nothingApplied, type Overruled, type PartialOutcome, UnsettledError } from '../model/outcome.ts'
import { inOrderOfReference } from '../model/references.ts'
import type { Sink } from '../ports/sink.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Tables } from '../runtime/tables.ts'
import { emptied } from './burial.ts'
import { conditionInput, stillBuried } from './conditions.ts'
import { readItem } from './get-item.ts'
import { findItemKey } from './item-key.ts'
import { verdictOf } from './mirror-verdict.ts'
import { mirroredWrite } from './mirrored-write.ts'
import { PageWrites, type Together } from './page-writes.ts'

/** Items that are written at once. */
const LANES = 32
/** How often a key is tried that others write in between. */
const ROUNDS = 5
/** The largest item, in bytes. */
const LARGEST_ITEM = 400 * 1024

export type EntitySinkParts = {
  readonly client: DynamoDBClient
  readonly entities: readonly Entity[]
  readonly tables: Tables
  readonly deadline: Deadline
  /** Items that are written at once. @default 32 */
  readonly lanes?: number
  /** What of the changes that come together is done with few calls. Absent: each has a call of its own. */
  readonly together?: Together | undefined
}

/** A row is larger than an item may be. */
export class ItemTooLargeError extends BridgeError {
  override readonly name = 'ItemTooLargeError'
  readonly code = 'item.too-large'
  readonly kind = 'data'
}

/** What became of one change. */
type Fate =
  | { readonly is: 'applied' | 'repeat'; readonly repeated: boolean }
  | { readonly is: 'overruled'; readonly overruled: Overruled; readonly repeated: boolean }
  | { readonly is: 'refused'; readonly error: Error; readonly repeated: boolean }

/**
 * DynamoDB as what takes the records of keys that Aurora owns: one conditional call each, which does nothing to an item that is
 * DynamoDB's, of a later move, at a later version, or not as the mirror has left it. Why it did nothing is told by the item that
 * comes back.
 */
export class EntitySink implements Sink {
  readonly names: readonly string[]
  readonly #parts: EntitySinkParts
  readonly #entities: readonly Entity[]
  readonly #pages: PageWrites | undefined

  constructor(parts: EntitySinkParts) {
    this.#parts = parts
    this.#entities = inOrderOfReference(parts.entities)
    this.names = this.#entities.map(({ name }) => name)
    this.#pages = parts.together && new PageWrites(parts, parts.together)
  }

  async applyIsolating(name: string, changes: readonly Change[]): Promise<PartialOutcome> {
    const entity = this.#entity(name)
    const last = coalesce(changes)
    const plain = await this.#pages?.settle(entity, last)
    const fates = await inLanes(last, this.#parts.lanes ?? LANES, async (change): Promise<Fate> => {
      const is = plain?.fates.get(change)
      return is === undefined ? this.#apply(entity, change) : { is, repeated: false }
    })
    return {
      ...nothingApplied,
      applied: fates.filter(({ is }) => is === 'applied').length,
      skipped: fates.filter(({ is }) => is === 'repeat' || is === 'overruled').length,
      repeated: plain?.repeated === true || fates.some(({ repeated }) => repeated),
      overruled: fates.flatMap((fate) => (fate.is === 'overruled' ? [fate.overruled] : [])),
      refused: fates.flatMap((fate, at) => {
        const change = last[at]
        return fate.is === 'refused' && change !== undefined ? [{ change, error: fate.error }] : []
      }),
    }
  }

  async isLater(change: Change): Promise<boolean> {
    const entity = this.#entity(change.entity)
    const found = await this.#read(entity, change)
    const version = found?.[entity.names.version]?.N ?? '0'
    return /^\d+$/.test(version) && BigInt(version) > change.version
  }

  async unheld(name: string, changes: readonly Change[]): Promise<ReadonlySet<Change>> {
    const entity = this.#entity(name)
    const looked = await inLanes(changes, this.#parts.lanes ?? LANES, async (change) => {
      const verdict = verdictOf(entity, change, await this.#read(entity, change))
      return verdict.is === 'repeat' ? undefined : change
    })
    return new Set(looked.filter((change) => change !== undefined))
  }

  async #apply(entity: Entity, change: Change): Promise<Fate> {
    try {
      return await this.#write(entity, change)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      return { is: 'refused', error: refusal, repeated: false }
    }
  }

  async #write(entity: Entity, change: Change): Promise<Fate> {
    const input = mirroredWrite(entity, change)
    requireFitting(entity, change, input.ExpressionAttributeValues)
    for (let round = 1; round <= ROUNDS; round++) {
      const { client, tables, deadline } = this.#parts
      const command = new UpdateItemCommand({
        TableName: tables.of(entity.item.table),
        ...input,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...(change.op === 'delete' && { ReturnValues: 'ALL_NEW' }),
      })
      try {
        const done = await call('UpdateItem', deadline, (options) => client.send(command, options))
        if (change.op === 'delete') await this.#empty(entity, done.Attributes ?? {})
        return { is: 'applied', repeated: (done.$metadata.attempts ?? 1) > 1 }
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error
        const repeated = (error.$metadata.attempts ?? 1) > 1
        const verdict = verdictOf(entity, change, error.Item)
        if (verdict.is === 'repeat' && change.op === 'delete') await this.#empty(entity, error.Item ?? {})
        if (verdict.is !== 'open') return { ...verdict, repeated }
      }
    }
    throw new UnsettledError(`An item of ${entity.name} was written in between, again and again`)
  }

  /** Takes out of a tombstone what others had put into its item. Whatever has come in between is left alone. */
  async #empty(entity: Entity, tombstone: Item): Promise<void> {
    const Item = emptied(entity, tombstone)
    if (Object.keys(Item).length === Object.keys(tombstone).length) return
    const { client, tables, deadline } = this.#parts
    const TableName = tables.of(entity.item.table)
    const command = new PutItemCommand({
      TableName,
      Item,
      ...conditionInput(stillBuried(entity, tombstone)),
    })
    try {
      await call('PutItem', deadline, (options) => client.send(command, options))
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
    }
  }

  #read(entity: Entity, { key }: Change): Promise<Item | undefined> {
    return readItem(this.#parts, entity, findItemKey(entity, key))
  }

  #entity(name: string): Entity {
    const entity = this.#entities.find((one) => one.name === name)
    if (entity === undefined) throw new ConfigurationError([`no entity ${name} is mirrored to DynamoDB`])
    return entity
  }
}

/** @throws ItemTooLargeError naming what takes most of it */
const requireFitting = ({ name, fields }: Entity, change: Change, values: Item): void => {
  const bytes = itemSize(values)
  if (bytes <= LARGEST_ITEM || change.op === 'delete') return
  const [largest = ''] = Object.keys(fields)
    .map((field) => [field, sizeOf(fields[field]?.toItem(change.row[field] ?? null))] as const)
    .toSorted(([, one], [, other]) => other - one)
    .map(([field]) => fields[field]?.as ?? field)
  throw new ItemTooLargeError(
    `A ${name} has about ${bytes} bytes, and an item may have ${LARGEST_ITEM}: most of it is ${largest}`,
  )
}

const sizeOf = (value: Item[string] | undefined): number => (value === undefined ? 0 : itemSize({ v: value }))

/** What DynamoDB says of an item that an index of the table can't take. Its other faults are the call's. */
const UNFIT_FOR_INDEX = /index key|secondary index|IndexKey/i

/** What is the one change's fault; undefined for what isn't. */
const refusalOf = (error: unknown): Error | undefined => {
  if (!(error instanceof BridgeError)) return undefined
  if (error instanceof DynamoError) {
    const isUnfit =
      error.code === 'dynamodb.ValidationException' &&
      error.cause instanceof Error &&
      UNFIT_FOR_INDEX.test(error.cause.message)
    return error.kind === 'data' || isUnfit
      ? new InvalidRecordError('DynamoDB refuses the item', { cause: error })
      : undefined
  }
  return kindOf(error) === 'data' ? error : undefined
}
