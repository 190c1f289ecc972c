import type { Item } from '../drivers/dynamo/items.ts'
import type { Intent, Row } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { LostAnswerError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { isTombstone, RECORD } from './authority.ts'
import { belongsTo } from './items.ts'
import { ownOf } from './refused-write.ts'

/*
 * What became of a write that named no version, and whose answer was lost. Its condition lets it through a second time, over what
 * others have written upon it: so it is not repeated before what stands there has been read.
 */

/** Clocks of two functions differ by less, in milliseconds. What is older than a write by more, that write has not come before. */
const CLOCKS = 60_000

/** What is known of it: that it was done, and what it made; or that it was not, so that it may be done `again`. */
export type Fate = { readonly is: 'done'; readonly stored: Stored | undefined } | { readonly is: 'again' }

/**
 * @param found what the key has by now
 * @param row what it was to hold; undefined: it was to be deleted
 * @throws LostAnswerError where nobody can tell
 */
export const fateOf = (
  entity: Entity,
  change: Intent,
  row: Row | undefined,
  found: Item | undefined,
  cause: unknown,
): Fate => {
  if (row === undefined && isDeletedBy(entity, change, found)) return { is: 'done', stored: undefined }
  // Its delete would have left something.
  if (row === undefined && found === undefined) return { is: 'again' }
  if (found !== undefined && belongsTo(entity, found)) {
    const own = row && ownOf(entity, found, change, row)
    if (own !== undefined) return { is: 'done', stored: own }
    // Also where it was moved since: then the next attempt is told so.
    if (isBefore(entity, found, change)) return { is: 'again' }
  }
  throw new LostAnswerError(entity, 'written', { cause })
}

/** Nothing is left where a delete leaves nothing, or its tombstone. */
const isDeletedBy = (entity: Entity, change: Intent, found: Item | undefined): boolean => {
  if (found === undefined) return entity.tombstones !== 'item'
  if (!isTombstone(found)) return false
  return entity.tombstones === 'item'
    ? found[RECORD.deleted]?.S === change.at
    : !isBefore(entity, found, change)
}

/** What stands there was written before, so that the write has not been. */
const isBefore = (entity: Entity, found: Item, { at }: Intent): boolean => {
  const written = (found[RECORD.deleted] ?? found[entity.names.updatedAt])?.S
  return written !== undefined && Date.parse(written) < Date.parse(at) - CLOCKS
}
