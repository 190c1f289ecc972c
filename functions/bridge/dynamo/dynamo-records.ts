import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Version } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { UnsettledError } from '../model/outcome.ts'
import type { Authority, Epoch } from '../model/owner.ts'
import { ClaimConflictError, UndecidedError } from '../ports/claim-errors.ts'
import { type AsRead, type DecidedRecords, isBeyond, type KeyRecord } from '../ports/key-records.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Tables } from '../runtime/tables.ts'
import { authorityOf, isTombstone, RECORD } from './authority.ts'
import { AS_READ, assign, EARLIER, OWN, put, toNext, unwritten } from './claim-calls.ts'
import { absent } from './conditions.ts'
import { readItem } from './get-item.ts'
import { itemKey } from './item-key.ts'
import { belongsTo, ForeignItemError, toStored } from './items.ts'
import { authorityAttributes, toTombstone } from './tombstone.ts'

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/** How often a key is tried that others write in between. */
const ROUNDS = 5

/** Items as one side of a claim. Each step is one conditional call. */
export class DynamoRecords implements DecidedRecords {
  readonly side = 'dynamo'
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws ForeignItemError, DynamoError, DeadlineError */
  async read(entity: Entity, key: string): Promise<KeyRecord> {
    return toRecord(entity, key, await this.#item(entity, key))
  }

  /** Whose the key is as its item says it, whatever else that holds; undefined where there is none. */
  async authority(entity: Entity, key: string): Promise<AuthorityHead | undefined> {
    const item = await this.#item(entity, key)
    if (item === undefined) return undefined
    const deleted = isTombstone(item) && {
      version: BigInt(item[entity.names.version]?.N ?? '0'),
      at: item[RECORD.deleted]?.S ?? null,
    }
    return { ...authorityOf(item), ...(deleted && { deleted }) }
  }

  async release(entity: Entity, key: string, to: Authority, { above, was }: AsRead): Promise<KeyRecord> {
    for (let round = 1; round <= ROUNDS; round++) {
      const item = await this.#item(entity, key)
      if (item === undefined) {
        if (above === undefined) throw new UndecidedError(entity)
        const tombstone = toTombstone(entity, { key, version: above, at: null }, to)
        const mirrored = { ...tombstone, [RECORD.mirrored]: { N: String(above) } }
        if (await put(this.#parts, entity, mirrored, absent(entity))) return toRecord(entity, key, mirrored)
      } else {
        const { epoch, owner } = authorityOf(item)
        if (epoch >= to.epoch || epoch > was) return toRecord(entity, key, item)
        const isGivenAway = owner === this.side && to.owner !== this.side
        const values = { ':was': { N: String(was) }, ...(isGivenAway && { ':none': { N: '0' } }) }
        const now = await assign(this.#parts, entity, key, to, AS_READ, values)
        if (now !== undefined) return toRecord(entity, key, now)
      }
    }
    throw new UnsettledError(`A ${entity.name} was written in between, again and again`)
  }

  async take(entity: Entity, last: KeyRecord, to: Authority): Promise<KeyRecord> {
    const { key } = last
    for (let round = 1; round <= ROUNDS; round++) {
      const item = await this.#item(entity, key)
      const record = toRecord(entity, key, item)
      if (item !== undefined && record.epoch >= to.epoch) return record
      // It has the key: there is nothing later than what it has accepted.
      if (item !== undefined && record.owner === this.side) {
        const now = await assign(this.#parts, entity, key, to, `(${EARLIER}) AND ${OWN}`)
        if (now !== undefined) return toRecord(entity, key, now)
        continue
      }
      if (isBeyond(record, last)) throw new ClaimConflictError(entity)
      // Whoever has completed this move has deleted it since.
      if (item === undefined && last.state === 'held') throw new UndecidedError(entity)
      // What is nowhere is DynamoDB's to make, unless something here says otherwise.
      if (item === undefined && last.version === 0n) return { ...record, ...to }
      const next = toNext(entity, item ?? {}, last, to)
      if (await put(this.#parts, entity, next, item === undefined ? absent(entity) : unwritten(entity, item)))
        return toRecord(entity, key, next)
    }
    throw new UnsettledError(`A ${entity.name} was written in between, again and again`)
  }

  async insist(entity: Entity, key: string, to: Authority, above: Version): Promise<KeyRecord> {
    for (let round = 1; round <= ROUNDS; round++) {
      const item = await this.#item(entity, key)
      const record = toRecord(entity, key, item)
      if (item === undefined) return this.release(entity, key, to, { above, was: 0n })
      if (record.epoch >= to.epoch) return record
      const version = (record.version > above ? record.version : above) + 1n
      const next = { ...item, [entity.names.version]: { N: String(version) }, ...authorityAttributes(to) }
      if (await put(this.#parts, entity, next, unwritten(entity, item))) return toRecord(entity, key, next)
    }
    throw new UnsettledError(`A ${entity.name} was written in between, again and again`)
  }

  async restore(entity: Entity, key: string, epoch: Epoch): Promise<void> {
    await assign(this.#parts, entity, key, { owner: this.side, epoch }, '#epoch = :epoch')
  }

  async #item(entity: Entity, key: string): Promise<Item | undefined> {
    const item = await readItem(this.#parts, entity, itemKey(entity, key))
    if (item !== undefined && !belongsTo(entity, item))
      throw new ForeignItemError(`The key of a ${entity.name} is another entity's item`)
    return item
  }
}

/** Whose an item is, and where it stands when it is a tombstone. */
export type AuthorityHead = Authority & {
  readonly deleted?: { readonly version: Version; readonly at: string | null }
}

/**
 * What an item is as the record of its key.
 *
 * @throws ForeignItemError, InvalidRecordError for one that can't be told as it is
 */
export const toRecord = (entity: Entity, key: string, item: Item | undefined): KeyRecord => {
  if (item === undefined) return { key, state: 'absent', version: 0n, at: null, owner: 'dynamo', epoch: 0n }
  const authority = authorityOf(item)
  if (isTombstone(item)) {
    const version = BigInt(item[entity.names.version]?.N ?? '0')
    const at = item[RECORD.deleted]?.S ?? null
    return version === 0n
      ? { key, state: 'absent', version: 0n, at, ...authority }
      : { key, state: 'deleted', version, at, ...authority }
  }
  const { row, version, updatedAt: at } = toStored(entity, item)
  return { key, state: 'held', row, version, at, ...authority }
}
