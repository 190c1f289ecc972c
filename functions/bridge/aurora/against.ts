import type { Kysely } from 'kysely'
import type { Change } from '../model/change.ts'
import { hasOwnLayout } from '../model/hooks.ts'
import type { Batch } from './batch.ts'
import { type Judged, judge, judgeDelete } from './judge.ts'
import { withKnownIds } from './known-ids.ts'
import {
  type Standing,
  type StandingAuthority,
  selectOtherMembers,
  selectStanding,
  selectUndeleted,
} from './standing.ts'

/** What the store holds where it isn't what the batch says, by key. */
export const standingOf = async (
  db: Kysely<unknown>,
  unknown: Batch,
): Promise<ReadonlyMap<string, Standing>> => {
  const { entity, document, lookup } = await withKnownIds(db, unknown)
  const queries = [
    ...(hasOwnLayout(entity) ? [] : Object.values(entity.children)).map((child, at) =>
      selectOtherMembers(entity, [child, at], document, lookup),
    ),
    // The last: what it says of a key counts.
    selectStanding(entity, document, lookup),
  ]
  const standing = new Map<string, Standing>()
  for (const query of queries) for (const row of (await query.execute(db)).rows) standing.set(row.k, row)
  return standing
}

/** The rows that are there of keys that are to be deleted. */
export const undeletedOf = async (
  db: Kysely<unknown>,
  unknown: Batch,
): Promise<ReadonlyMap<string, Pick<Standing, 'held'> & StandingAuthority>> => {
  const { entity, keys, lookup } = await withKnownIds(db, unknown)
  const { rows } = await selectUndeleted(entity, keys, lookup).execute(db)
  return new Map(rows.map((row) => [row.k, row]))
}

/** What stands against the only change of a batch; undefined where the store holds it. */
export const judgedOf = async (
  db: Kysely<unknown>,
  batch: Batch,
  change: Change,
): Promise<Judged | undefined> => {
  const { entity, by } = batch
  if (change.op === 'delete') {
    const row = (await undeletedOf(db, batch)).get(change.key)
    return row === undefined ? { is: 'open' } : judgeDelete(entity, change, row, by)
  }
  const row = (await standingOf(db, batch)).get(change.key)
  return row && judge(entity, change, row, by)
}
