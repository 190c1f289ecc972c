import type { Kysely } from 'kysely'
import type { Change } from '../model/change.ts'
import { generationOf } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import { keyReused, type OnceRequest, stillInProgress } from '../ports/once.ts'
import * as records from './idempotency-records.ts'

/** Steps after which somebody else's steps have come between each time. */
const ROUNDS = 4

/** A record that a request goes on with. */
export type ClaimedRecord = {
  readonly record: records.IdempotencyRecord
  /** A refused request had left it free. */
  readonly reclaimed: boolean
  /** It was made by this very call. */
  readonly isFresh: boolean
  /** It is of this request, and no earlier one's. */
  readonly isOwn: boolean
}

/** What a request makes anew whose record is over; or its answer, where it was done elsewhere since. */
export type Again = { readonly key: string } | { readonly answer: string }

/**
 * Claims the record of an Idempotency-Key, so that from here on that can make one row only.
 *
 * A record that is made anew is of a key that nothing has or had, where the others are asked as well: so whatever is found under the
 * key of an unfinished one was made for it, by whoever, and not by a former request whose record is gone.
 *
 * @param of.isTraced whether something has a key, or had it
 * @param of.again is asked for a key whose record has expired, or is gone
 * @returns the record: this request's own, or an earlier one's, done or not; or an answer that `again` had
 * @throws KeyReusedError when it is another request's, InProgressError when others come between again and again
 */
export const claimRecord = async (
  db: Kysely<unknown>,
  { entity, change, once }: { readonly entity: Entity; readonly change: Change; readonly once: OnceRequest },
  of: {
    readonly isTraced: (key: string) => Promise<boolean>
    readonly again: (former: string) => Promise<Again>
  },
): Promise<ClaimedRecord | { readonly answer: string }> => {
  const now = Date.parse(change.at)
  let claim = { id: once.id, fingerprint: once.fingerprint, entityKey: change.key, createdMs: now }
  // One in sixteen: each of these removes more records than sixteen requests make.
  if (once.id.startsWith('0')) await records.removeExpired(db, now)
  const isDerived = generationOf(once.id, change.key) !== undefined
  let reclaimed = false
  let inserted: boolean | 'perhaps' = false
  for (let round = 1; round <= ROUNDS; round++) {
    let record = await records.find(db, once.id)
    // A twin's record is there before its row.
    const isGone = record === undefined && round === 1 && isDerived && (await of.isTraced(change.key))
    if (isGone) record = await records.find(db, once.id)
    if (record === undefined) {
      if (isGone) {
        const next = await of.again(change.key)
        if ('answer' in next) return next
        claim = { ...claim, entityKey: next.key }
      }
      inserted = await records.insert(db, claim)
    } else if (records.isExpired(record, now)) {
      const next = await of.again(record.entityKey)
      if ('answer' in next) return next
      claim = { ...claim, entityKey: next.key }
      inserted = await records.renew(db, record, claim)
    } else if (record.fingerprint === null) {
      // What a twin of the refused one makes has the record's key, unless this one has a key that is no other's.
      const isItsOwn =
        entity.identity.kind === 'natural' || generationOf(once.id, claim.entityKey) !== undefined
      const entityKey = isItsOwn ? claim.entityKey : record.entityKey
      reclaimed = await records.reclaim(db, { ...claim, entityKey })
    } else if (record.fingerprint !== once.fingerprint) throw keyReused()
    else {
      const isMine = record.entityKey === claim.entityKey && record.createdMs === claim.createdMs
      const isOwn =
        reclaimed ||
        (generationOf(once.id, record.entityKey) !== undefined
          ? isMine && inserted === 'perhaps'
          : record.entityKey === change.key)
      return { record, reclaimed, isFresh: false, isOwn }
    }
    if (inserted === true)
      return { record: { ...claim, first: undefined }, reclaimed, isFresh: true, isOwn: true }
  }
  throw stillInProgress()
}
