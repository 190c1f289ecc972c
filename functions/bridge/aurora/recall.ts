import type { Kysely } from 'kysely'
import type { Change } from '../model/change.ts'
import { generationOf } from '../model/derived-key.ts'
import { FormerKeyError, keyReused, type OnceRequest, type Recalled, stillInProgress } from '../ports/once.ts'
import type { Stored } from '../ports/stored.ts'
import * as records from './idempotency-records.ts'
import { isOfTime, madeBy } from './made-by.ts'

/** No invocation is at work for so long, in milliseconds. */
const AT_WORK = 60_000

/**
 * What records say of a request that has met something of which its own doesn't tell.
 *
 * @param ids of the records
 * @param of.get reads what has a key here
 * @param of.goOn does what a claim without an answer was for, as any repeat of it would: nobody is at work on it any more, or
 *   what it makes is there
 * @throws KeyReusedError; InProgressError where somebody may be at work on it; FormerKeyError where it makes a later key
 */
export const recallRecord = async (
  db: Kysely<unknown>,
  ids: readonly string[],
  change: Change,
  once: OnceRequest,
  of: {
    readonly get: (key: string) => Promise<Stored | undefined>
    readonly goOn: (record: records.IdempotencyRecord) => Promise<Recalled | undefined>
  },
): Promise<Recalled | undefined> => {
  const now = Date.parse(change.at)
  const record = ids.length === 0 ? undefined : await records.findLatest(db, ids)
  if (record === undefined) return undefined
  const { entityKey, createdMs, first } = record
  if (records.isExpired(record, now)) return { is: 'over', key: entityKey }
  if (record.fingerprint !== once.fingerprint) throw keyReused()
  if (first !== undefined) return { is: 'done', answer: first.answer }
  if (now - createdMs < AT_WORK) {
    const stored = await of.get(entityKey)
    const at = new Date(createdMs).toISOString()
    if (stored === undefined || !isOfTime(stored, madeBy({ ...change, key: entityKey, at })))
      throw stillInProgress()
  }
  if (entityKey === change.key) return of.goOn(record)
  const [its = 0, asked = 0] = [entityKey, change.key].map((key) => generationOf(once.id, key))
  if (its > asked) throw new FormerKeyError(entityKey)
  return undefined
}
