import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { call } from '../drivers/dynamo/call.ts'
import { type Change, LARGEST_VERSION, type Row, type Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { ConfigurationError, InvalidRecordError } from '../model/errors.ts'
import { outwardRow } from '../model/outward.ts'
import type { Authority, Epoch } from '../model/owner.ts'
import { decodeItem, type Value } from '../model/values.ts'
import type { Lifting, Source, Subject } from '../ports/source.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { authorityOf, isNever, isTombstone } from './authority.ts'
import { liftable } from './conditions.ts'
import { itemToChange } from './entity-reader.ts'
import { readItem } from './get-item.ts'
import { findItemKey, itemKey } from './item-key.ts'

type Parts = {
  readonly client: DynamoDBClient
  readonly entities: readonly Entity[]
  readonly tables: Tables
  readonly deadline: Deadline
  /** Whether the other side has something under a key. */
  readonly holds: (entity: Entity, key: string) => Promise<boolean>
  /** Hears of entities that something was lifted of: now and then, of many lifts once. */
  readonly lifted?: (entity: Entity) => Promise<void>
}

/** Of an entity's lifts within this time the first one is told, in milliseconds. */
const TOLD_EVERY = 60_000

/** An item's attributes, and whose its key is. */
type OwnedItem = Authority & { readonly values: Readonly<Record<string, Value>> }

/** The entities' tables as where changes come from. */
export class EntitySource implements Source {
  readonly #parts: Parts
  /** When each was told last, in milliseconds. */
  readonly #told = new Map<string, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * A key whose item is gone is deleted, one version above the last one that is known. One that Aurora owns has nothing to
   * bring.
   *
   * @throws DynamoError, DeadlineError; InvalidRecordError for an item with values of no known type
   */
  async current({ entity: name, key, version, op }: Subject, at: Date): Promise<readonly Change[]> {
    const entity = this.#entity(name)
    const item = await this.#read(entity, key)
    if (item !== undefined) {
      const { owner, values } = item
      // Whoever took it over has what it was. What Aurora owns is not this source's to bring.
      if (owner !== 'dynamo' || (isTombstone(values) && isNever(values, entity.names.version))) return []
      return [itemToChange(entity, key, values, version)]
    }
    if (version !== undefined) {
      const deleted = op === 'delete' ? version : version + 1n
      return [{ entity: name, key, op: 'delete', version: deleted, source: 'stream', at: at.toISOString() }]
    }
    // Neither an item nor a version: done when the other side has none either.
    if (!(await this.#parts.holds(entity, key))) return []
    throw new InvalidRecordError(
      'The item is gone and its version unknown: delete the row on the legacy side',
    )
  }

  /**
   * One conditional call: whoever writes the item in between is not overtaken, and whoever comes too late changes nothing.
   *
   * @throws DynamoError, DeadlineError
   */
  async lift(change: Change, above: Version, under?: Epoch): Promise<Lifting> {
    const entity = this.#entity(change.entity)
    const lifting = await this.#lift(entity, change, above, under)
    // What only has to be told of a move is no writer's fault.
    if (lifting === 'lifted' && above >= change.version) await this.#tell(entity)
    return lifting
  }

  async #tell(entity: Entity): Promise<void> {
    const now = Date.now()
    if (now - (this.#told.get(entity.name) ?? 0) < TOLD_EVERY) return
    await this.#parts.lifted?.(entity)
    this.#told.set(entity.name, now)
  }

  async #lift(entity: Entity, change: Change, above: Version, under?: Epoch): Promise<Lifting> {
    // The next version must be one that a record may have, and have a next one itself.
    if (entity.overruled === 'park' || above + 1n >= LARGEST_VERSION) return 'kept'
    if (change.op === 'delete') {
      const item = await this.#read(entity, change.key)
      if (item === undefined) return 'lifted'
      if (item.owner !== 'dynamo') return 'kept'
      return isTombstone(item.values) ? 'lifted' : 'late'
    }
    const { client, tables, deadline } = this.#parts
    const { expression, names, values } = liftable(entity, change.version, under)
    const next = under === undefined || above >= change.version ? above + 1n : change.version
    const lifted = { N: String(next) }
    const command = new UpdateItemCommand({
      TableName: tables.of(entity.item.table),
      Key: itemKey(entity, change.key),
      UpdateExpression: `SET #version = :lifted${under === undefined ? '' : ', #owner = :dynamo, #epoch = :under'}`,
      ConditionExpression: expression,
      ExpressionAttributeNames: { ...names, '#version': entity.names.version },
      ExpressionAttributeValues: { ...values, ':lifted': lifted },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    try {
      await call('UpdateItem', deadline, (options) => client.send(command, options))
      return 'lifted'
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error
      const found = error.Item ?? {}
      const { [entity.names.version]: version } = found
      // At a repeat the first attempt may have done it, and its answer been lost.
      if ((error.$metadata.attempts ?? 1) > 1 && version?.N === lifted.N) return 'lifted'
      // What another store owns may well be what is there.
      return authorityOf(found).owner === 'dynamo' ? 'late' : 'kept'
    }
  }

  outward(name: string, row: Row): Row {
    return outwardRow(this.#entity(name), row)
  }

  #entity(name: string): Entity {
    const entity = this.#parts.entities.find((one) => one.name === name)
    if (entity === undefined) throw new ConfigurationError([`there is no entity ${name}`])
    return entity
  }

  /** @returns the item's attributes, strongly consistent; undefined when none of this entity is under the key */
  async #read(entity: Entity, key: string): Promise<OwnedItem | undefined> {
    const { type } = entity.item
    const item = await readItem(this.#parts, entity, findItemKey(entity, key))
    if (item === undefined) return undefined
    const values = decodeItem(item, entity.name)
    if (type !== undefined && values[type.attribute] !== type.value) return undefined
    return { values, ...authorityOf(item) }
  }
}
