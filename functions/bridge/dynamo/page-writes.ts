import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { BridgeError } from '../model/errors.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Tables } from '../runtime/tables.ts'
import { makeTogether } from './made-together.ts'
import { readItems } from './many-items.ts'
import { verdictOf } from './mirror-verdict.ts'
import { mirroredItem } from './mirrored-write.ts'

/** An item that is near DynamoDB's bound, in bytes, is made alone: what is said of it is said there. */
const LARGEST = 300_000
/** The version of a row that was never another. */
const FIRST = 1n

type Parts = {
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly deadline: Deadline
}

/** What is written together. */
export type Together = {
  /**
   * `pages`: most of what comes is to be made, or is there already, as in a fill. `births`: what comes is what was written just now,
   * of which only a row's first version is made with others; the rest has changed, and looking first would be a call for nothing.
   */
  readonly of: 'pages' | 'births'
  readonly log: Pick<Log, 'warn'>
}

/** What is done of a page: which changes, and whether a call for them was sent more than once. */
type Settled = {
  readonly fates: ReadonlyMap<Change, 'applied' | 'repeat'>
  readonly repeated: boolean
}

type Fates = Map<Change, 'applied' | 'repeat'>

/**
 * Does with few calls what is plain in a page of upserts: makes the items that aren't there, each only where there is none, and
 * leaves alone those that are what the change makes. All else is left to the one conditional call that each change has.
 *
 * Either way suffices alone, so that what the last page was like only says with which one to begin: with making, in a fill that is
 * new, or with looking, in one that is repeated.
 */
export class PageWrites {
  readonly #parts: Parts
  readonly #together: Together
  #isNew = true
  #isAble = true

  constructor(parts: Parts, together: Together) {
    this.#parts = parts
    this.#together = together
  }

  /**
   * @param changes of different keys
   * @throws DynamoError, DeadlineError
   */
  async settle(entity: Entity, changes: readonly Change[]): Promise<Settled> {
    const upserts = changes.filter(({ op }) => op === 'upsert')
    const fates: Fates = new Map()
    if (upserts.length < 2) return { fates, repeated: false }
    if (this.#together.of === 'births') {
      const births = upserts.filter(({ version }) => version === FIRST)
      const { repeated } = await this.#make(entity, births, fates)
      return { fates, repeated }
    }
    if (this.#isNew && this.#isAble) {
      const { held, repeated } = await this.#make(entity, upserts, fates)
      this.#isNew = held.length * 2 < upserts.length
      await this.#look(entity, held, fates)
      return { fates, repeated }
    }
    const there = new Set(await this.#look(entity, upserts, fates))
    const absent = upserts.filter((one) => !there.has(one))
    this.#isNew = absent.length * 2 > upserts.length
    const { repeated } = await this.#make(entity, absent, fates)
    return { fates, repeated }
  }

  /** Finds the items that are as they should be. @returns those under whose keys there is something */
  async #look(entity: Entity, changes: readonly Change[], fates: Fates): Promise<readonly Change[]> {
    if (changes.length < 2) return changes
    const items = await readItems(
      this.#parts,
      entity,
      changes.map(({ key }) => key),
    )
    for (const change of changes) {
      const item = items.get(change.key)
      if (verdictOf(entity, change, item).is === 'repeat') fates.set(change, 'repeat')
    }
    return changes.filter(({ key }) => items.has(key))
  }

  /** @returns those of whose keys there is an item already */
  async #make(
    entity: Entity,
    changes: readonly Change[],
    fates: Fates,
  ): Promise<{ readonly held: readonly Change[]; readonly repeated: boolean }> {
    const items = this.#isAble ? changes.flatMap((change) => makeable(entity, change)) : []
    if (items.length < 2) return { held: [], repeated: false }
    const { tables } = this.#parts
    const { makings, repeated, unable } = await makeTogether(
      this.#parts,
      tables.of(entity.item.table),
      items.map(({ item }) => item),
    )
    if (unable && this.#isAble) {
      this.#isAble = false
      this.#together.log.warn('items are made one by one: many at once need dynamodb:PartiQLInsert', {
        entity: entity.name,
      })
    }
    const held: Change[] = []
    for (const [at, { change }] of items.entries()) {
      if (makings[at] === 'made') fates.set(change, 'applied')
      if (makings[at] === 'there') held.push(change)
    }
    return { held, repeated }
  }
}

/** A change with the item that it makes; none where something is to be said against that. */
const makeable = (
  entity: Entity,
  change: Change,
): readonly { readonly change: Change; readonly item: Item }[] => {
  try {
    const item = mirroredItem(entity, change)
    return item === undefined || itemSize(item) > LARGEST ? [] : [{ change, item }]
  } catch (error) {
    if (error instanceof BridgeError) return []
    throw error
  }
}
