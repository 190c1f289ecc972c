import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Authority } from '../model/owner.ts'
import { isBeyond, type KeyRecord } from '../ports/key-records.ts'
import type { KeySets, ToRelease } from '../ports/key-sets.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Tables } from '../runtime/tables.ts'
import { RECORD } from './authority.ts'
import { AS_READ, assign, put, toNext, unwritten } from './claim-calls.ts'
import { absent } from './conditions.ts'
import { toRecord } from './dynamo-records.ts'
import { findItemKey } from './item-key.ts'
import { belongsTo } from './items.ts'
import { readItems } from './many-items.ts'
import { toTombstone } from './tombstone.ts'

type Parts = { readonly client: DynamoDBClient; readonly tables: Tables; readonly deadline: Deadline }

/** Items that are written at once. */
const LANES = 32

/**
 * Items as one side of the claims of many keys: read together, and written by the one conditional call that each takes. DynamoDB
 * bounds no condition to several items but in a transaction, which takes twice the units and fails as a whole.
 */
export class DynamoKeySets implements KeySets {
  readonly side = 'dynamo'
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws DynamoError, DeadlineError */
  async read(entity: Entity, keys: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>> {
    const items = await readItems(this.#parts, entity, keys)
    return new Map(
      keys.flatMap((key) => {
        const record = recordIn(entity, key, items.get(key))
        return record === undefined ? [] : [[key, record] as const]
      }),
    )
  }

  /** Nothing waits for a writer of DynamoDB's. */
  async busy(): Promise<ReadonlySet<string>> {
    return new Set()
  }

  async release(
    entity: Entity,
    asked: readonly ToRelease[],
    to: Authority,
  ): Promise<ReadonlyMap<string, KeyRecord>> {
    const released = await inLanes(asked, LANES, async ({ record, as: { above, was } }) => {
      const { key, owner } = record
      if (isNowhere(record)) {
        if (above === undefined) return []
        const tombstone = toTombstone(entity, { key, version: above, at: null }, to)
        const mirrored = { ...tombstone, [RECORD.mirrored]: { N: String(above) } }
        return (await put(this.#parts, entity, mirrored, absent(entity)))
          ? [[key, toRecord(entity, key, mirrored)] as const]
          : []
      }
      const isGivenAway = owner === this.side && to.owner !== this.side
      const values = {
        ':was': { N: String(was) },
        ':from': { S: owner },
        ...(isGivenAway && { ':none': { N: '0' } }),
      }
      // Whether it is stamped goes by whose it was when it was read.
      const asRead = `(${AS_READ}) AND ${owner === this.side ? '(attribute_not_exists(#owner) OR #owner = :from)' : '#owner = :from'}`
      const item = await assign(this.#parts, entity, key, to, asRead, values)
      const now = item && recordIn(entity, key, item)
      return now === undefined ? [] : [[key, now] as const]
    })
    return new Map(released.flat())
  }

  async take(entity: Entity, lasts: readonly KeyRecord[], to: Authority): Promise<ReadonlySet<string>> {
    const items = await readItems(
      this.#parts,
      entity,
      lasts.map(({ key }) => key),
    )
    const taken = await inLanes(lasts, LANES, async (last) =>
      (await this.#takeOne(entity, last, items.get(last.key), to)) ? [last.key] : [],
    )
    return new Set(taken.flat())
  }

  async #takeOne(entity: Entity, last: KeyRecord, item: Item | undefined, to: Authority): Promise<boolean> {
    const { key } = last
    const record = recordIn(entity, key, item)
    if (record === undefined || item === undefined || record.epoch >= to.epoch) return false
    // What has the key keeps its content, and what is later is a conflict: a claim of its own says so.
    if (record.owner === this.side || isBeyond(record, last)) return false
    try {
      return await put(this.#parts, entity, toNext(entity, item, last, to), unwritten(entity, item))
    } catch (error) {
      // What DynamoDB has against the content is said to the claim of the key.
      if (error instanceof BridgeError && ['data', 'dependency', 'client'].includes(error.kind)) return false
      throw error
    }
  }
}

/** @returns undefined for what only a look at the one key tells */
const recordIn = (entity: Entity, key: string, item: Item | undefined): KeyRecord | undefined => {
  if (findItemKey(entity, key) === undefined || (item !== undefined && !belongsTo(entity, item)))
    return undefined
  try {
    return toRecord(entity, key, item)
  } catch (error) {
    if (error instanceof BridgeError) return undefined
    throw error
  }
}

/** Whether there is no item: one that says that there is none is of a move, or Aurora's. */
const isNowhere = ({ state, owner, epoch }: KeyRecord): boolean =>
  state === 'absent' && owner === 'dynamo' && epoch === 0n
