import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Kysely } from 'kysely'
import { keysWithRecords } from '../aurora/many-records.ts'
import { readRowHeads } from '../aurora/row-heads.ts'
import { readTombstoneHeads } from '../aurora/tombstone-heads.ts'
import type { Item } from '../drivers/dynamo/items.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { type ScanPage, scanSegment } from '../drivers/dynamo/scan.ts'
import { authorityOf } from '../dynamo/authority.ts'
import { belongsTo, nameOfItem } from '../dynamo/items.ts'
import type { Entity } from '../model/entity.ts'
import type { Authority } from '../model/owner.ts'
import type { Deadline } from '../runtime/deadline.ts'

/*
 * All records that an entity has, as pages of a job: Aurora's rows, Aurora's tombstones, DynamoDB's items, tombstones included.
 * Each page has keys with whose they are.
 */

export type Shelf = 'rows' | 'gone' | 'items'

/** The shelf that a step of a job goes over, by the end of its name. */
export const shelfOf = (step: Shelf | `${string}-${Shelf}`): Shelf => {
  if (step.endsWith('rows')) return 'rows'
  return step.endsWith('gone') ? 'gone' : 'items'
}

export type ShelfParts = {
  readonly db: Kysely<unknown>
  readonly client: DynamoDBClient
  readonly table: string
  readonly deadline: Deadline
  readonly limiter?: RateLimiter | undefined
  readonly signal?: AbortSignal | undefined
}

/** A key with what one store's record says of it. */
export type SweptHead = Authority & { readonly key: string }

const PAGE = 500

/**
 * Reads a shelf page by page; readShelfPage has what is in one.
 *
 * @param start where an earlier run has stopped
 */
export const scanShelf = (
  shelf: Shelf,
  entity: Entity,
  of: { readonly segment: number; readonly segments: number },
  start: Item | undefined,
  parts: ShelfParts,
): AsyncIterable<ScanPage> => {
  if (shelf === 'items') return scanSegment({ ...parts, ...of, start, consistent: true, pageItems: PAGE })
  return scanAurora(entity, shelf, start?.behind?.S, parts)
}

async function* scanAurora(
  entity: Entity,
  shelf: 'rows' | 'gone',
  from: string | undefined,
  { db, limiter, signal }: ShelfParts,
): AsyncGenerator<ScanPage> {
  let behind = from
  for (;;) {
    signal?.throwIfAborted()
    const limit = Math.min(PAGE, limiter?.pageItems ?? PAGE)
    await limiter?.take(limit, signal)
    const readAt = Date.now()
    const { heads, nameless, looked, next } = await readPage(db, entity, shelf, { behind, limit })
    await limiter?.take(looked - limit, signal)
    yield {
      items: [
        ...heads.map(({ key, owner, epoch }) => ({
          key: { S: key },
          owner: { S: owner },
          epoch: { N: String(epoch) },
        })),
        ...nameless.map((place) => ({ place: { S: place } })),
      ],
      next: next === undefined ? undefined : { behind: { S: next } },
      readAt,
      looked,
    }
    if (next === undefined) return
    behind = next
  }
}

const readPage = async (
  db: Kysely<unknown>,
  entity: Entity,
  shelf: 'rows' | 'gone',
  { behind, limit }: { readonly behind: string | undefined; readonly limit: number },
): Promise<{
  readonly heads: readonly SweptHead[]
  readonly nameless: readonly string[]
  readonly looked: number
  readonly next: string | undefined
}> => {
  if (shelf === 'gone') {
    const { heads, next } = await readTombstoneHeads(db, entity, { behind, limit })
    return { heads, nameless: [], looked: heads.length, next }
  }
  const { rows, nameless, looked, next } = await readRowHeads(db, entity, { position: behind, limit })
  return { heads: rows, nameless, looked, next }
}

/** What a page has: heads; and places of what has no key, or doesn't say whose it is. */
const sweptHeads = (
  shelf: Shelf,
  entity: Entity,
  { items }: ScanPage,
): { readonly heads: readonly SweptHead[]; readonly nameless: readonly string[] } => {
  if (shelf !== 'items') {
    const named = items.filter(({ key }) => key !== undefined)
    return {
      heads: named.map(({ key, owner, epoch }) => ({
        ...{
          key: key?.S ?? '',
          owner: owner?.S === 'dynamo' ? 'dynamo' : 'aurora',
          epoch: BigInt(epoch?.N ?? '0'),
        },
      })),
      nameless: items.flatMap(({ place }) => (place?.S === undefined ? [] : [place.S])),
    }
  }
  const heads: SweptHead[] = []
  const nameless: string[] = []
  for (const item of items.filter((one) => belongsTo(entity, one))) {
    const key = nameOfItem(entity, item)
    try {
      heads.push({ key, ...authorityOf(item) })
    } catch {
      nameless.push(key)
    }
  }
  return { heads, nameless }
}

/** What a page of a shelf has. */
export type ShelfPage = {
  readonly entity: Entity
  readonly shelf: Shelf
  readonly looked: number
  readonly heads: readonly SweptHead[]
  /** Places of what has no key, or doesn't say whose it is. */
  readonly nameless: readonly string[]
  /** Of the items, those that are given to Aurora, which has no record of them: moves that have stopped half way. */
  readonly half: ReadonlySet<string>
}

/** Reads what a page of a shelf says. */
export const readShelfPage = async (
  shelf: Shelf,
  entity: Entity,
  page: ScanPage,
  { db }: Pick<ShelfParts, 'db'>,
): Promise<ShelfPage> => {
  const { heads, nameless } = sweptHeads(shelf, entity, page)
  const given = shelf === 'items' ? heads.filter(({ owner }) => owner === 'aurora').map(({ key }) => key) : []
  const there = await keysWithRecords(entity, given, { db })
  const half = new Set(given.filter((key) => !there.has(key)))
  return { entity, shelf, looked: page.looked, heads, nameless, half }
}
