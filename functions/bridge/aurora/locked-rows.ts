import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Change } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import type { Batch } from './batch.ts'
import { withKnownIds } from './known-ids.ts'
import { parents, parentsFound } from './parents.ts'
import { found, type Lookup } from './record-place.ts'
import { keys, lockable, raw, referenceRows, type Sql } from './statements.ts'

/** What is known of a batch's rows without waiting for anybody. */
export type LockedRows = {
  /** The changes whose own row, or a row that they refer to, others hold. */
  readonly locked: ReadonlySet<Change>
  /** The changes that have a row. */
  readonly standing: ReadonlySet<Change>
}

/**
 * Looks which rows of a batch others hold, by passing over what is locked. It finds no lock but on these rows: none of a gap
 * that a new row falls into, of a unique value that another row has, of rows that cascade.
 */
export const lockedRows = async (db: Kysely<unknown>, unknown: Batch): Promise<LockedRows> => {
  const known = await withKnownIds(db, unknown)
  const { entity, document, lookup, changes } = known
  const { rows } = await selectThere(entity, document, lookup).execute(db)
  const there = new Map(rows.map((row) => [row.k, row]))
  const own = await freeRows(db, known)
  // An entity that refers to none has nothing else that could be locked.
  const others = Object.values(entity.attributes).some(({ references }) => references !== undefined)
    ? namesOf((await selectReferredFree(entity, document, lookup).execute(db)).rows)
    : undefined
  const is = (change: Change, what: 'standing' | 'complete') =>
    Number(there.get(change.key)?.[what] ?? 0) === 1
  return {
    standing: new Set(changes.filter((change) => is(change, 'standing'))),
    locked: new Set(
      changes.filter(
        (change) =>
          (is(change, 'standing') && !own.has(change.key)) ||
          (others !== undefined && is(change, 'complete') && !others.has(change.key)),
      ),
    ),
  }
}

/** Of a batch's keys those that have a row which may be written now. @param batch with known ids */
export const freeRows = async (
  db: Kysely<unknown>,
  { entity, keys: names, lookup }: Batch,
): Promise<ReadonlySet<string>> => namesOf((await selectOwnFree(entity, names, lookup).execute(db)).rows)

type Named = { readonly k: string }

const namesOf = (rows: readonly Named[]): ReadonlySet<string> => new Set(rows.map(({ k }) => k))

type Flag = number | bigint

/** Lists the keys with whether they have a row, and whether all that they refer to is there. */
const selectThere = (
  entity: Entity,
  document: string,
  lookup: Lookup,
): RawBuilder<Named & { readonly standing: Flag; readonly complete: Flag }> => sql`
  SELECT j.k AS k, IF(t.${sql.ref(entity.idColumn)} IS NULL, 0, 1) AS standing, IF(TRUE${parentsFound(entity)}, 1, 0) AS complete
  FROM ${referenceRows(entity, document)} ${found(entity, lookup, 'LEFT JOIN')} ${parents(entity)}`

/** Lists the keys whose row may be written now. */
const selectOwnFree = (entity: Entity, document: string, lookup: Lookup): RawBuilder<Named> => sql`
  SELECT j.k AS k FROM ${lockable(keys(entity, document))} ${found(entity, lookup)} FOR UPDATE SKIP LOCKED`

/**
 * For a lock that others may share: MySQL knows SKIP LOCKED behind the newer form only, MariaDB the older form only. Either
 * reads its own comment and no other's.
 */
const SHARED: Sql = raw('/*!80001 FOR SHARE SKIP LOCKED */ /*M! LOCK IN SHARE MODE SKIP LOCKED */')

/** Lists the keys whose rows that they refer to may be referred to now. */
const selectReferredFree = (entity: Entity, document: string, lookup: Lookup): RawBuilder<Named> => sql`
  SELECT j.k AS k
  FROM ${lockable(referenceRows(entity, document))} ${found(entity, lookup, 'LEFT JOIN')} ${parents(entity)}
  WHERE TRUE${parentsFound(entity)} ${SHARED}`
