import type { Kysely } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type Change, holdsAll } from '../model/change.ts'
import { nextDerived } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import { kindOf } from '../model/errors.ts'
import type { ApplyOutcome } from '../model/outcome.ts'
import {
  FormerKeyError,
  keyReused,
  meet,
  type OnceAnswer,
  type OnceRequest,
  replay,
  stillInProgress,
} from '../ports/once.ts'
import { KeyExistsError, LostInMoveError, NotTheOwnerError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import type { IdempotencyRecord } from './idempotency-records.ts'
import * as records from './idempotency-records.ts'
import { madeBy } from './made-by.ts'

/** Steps after which somebody else's steps have come between each time. */
const ROUNDS = 4

/**
 * A create that a client may repeat. No transaction holds record and row together: one whose invocation dies would keep
 * the end of the key's index locked for minutes, and every insert of the stream with it. Instead each statement can be
 * repeated by anybody at any time:
 *
 * 1. The record is claimed, with the key of the row to be. From here on this idempotency key can make that row only.
 * 2. The guarded writer inserts the row under the record's key and time. Whoever finds a claim without an answer, because
 *    its invocation died or is still at work, does the same again, which the guard makes harmless.
 * 3. The first answer that reaches the record stays, and all get it.
 *
 * A request that the store refuses gives its record free, so that another body may take it.
 */
export class IdempotentCreate {
  readonly #db: Kysely<unknown>
  readonly #writer: GuardedWriter
  readonly #get: (entity: Entity, key: string) => Promise<Stored | undefined>
  readonly #tombstone: (entity: Entity, key: string) => Promise<{ readonly at: string | null } | undefined>

  /** @param of reads a row by its key, or its tombstone */
  constructor(
    db: Kysely<unknown>,
    writer: GuardedWriter,
    of: {
      readonly get: (entity: Entity, key: string) => Promise<Stored | undefined>
      readonly tombstone: (entity: Entity, key: string) => Promise<{ readonly at: string | null } | undefined>
    },
  ) {
    this.#db = idempotently(db)
    this.#writer = writer
    this.#get = of.get
    this.#tombstone = of.tombstone
  }

  /** @throws KeyReusedError, InProgressError; what the writer throws */
  async create(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    const claim = await this.#claim(entity, change, once)
    const { record, isOwn: own } = claim
    if (record.first !== undefined) return replay(record.first, once)
    const at = new Date(record.createdMs).toISOString()
    const claimed: Change = { ...change, key: record.entityKey, at }
    const made = await this.#write(entity, claimed, once, claim)
    if (made === 'former') {
      const key = nextDerived(once.scope, record.entityKey)
      await records.removeOne(this.#db, record)
      if (key === undefined) throw keyReused()
      if (once.only) throw new FormerKeyError(key)
      return this.create(entity, { ...change, key }, once)
    }
    const answer = once.answer(made.stored)
    if (await records.finish(this.#db, { ...once, entityKey: record.entityKey, answer }))
      return { answer, replayed: !own || made.isFound }
    const kept = await records.find(this.#db, once.id)
    if (kept?.first === undefined) throw stillInProgress()
    return replay(kept.first, once, own && !made.isFound && kept.first.answer === answer)
  }

  /**
   * The record of the key: this request's own, or an earlier one's, done or not.
   *
   * @throws KeyReusedError when it is another request's, InProgressError when others come between again and again
   */
  async #claim(entity: Entity, change: Change, once: OnceRequest): Promise<Claimed> {
    const now = Date.parse(change.at)
    let claim = { id: once.id, fingerprint: once.fingerprint, entityKey: change.key, createdMs: now }
    // One in sixteen: each of these removes more records than sixteen requests make.
    if (once.id.startsWith('0')) await records.removeExpired(this.#db, now)
    let reclaimed = false
    let inserted: boolean | 'perhaps' = false
    for (let round = 1; round <= ROUNDS; round++) {
      const record = await records.find(this.#db, once.id)
      if (record === undefined) {
        inserted = await records.insert(this.#db, claim)
        if (inserted === true)
          return { record: { ...claim, first: undefined }, reclaimed, isFresh: true, isOwn: true }
      } else if (records.isExpired(record, now)) {
        // What it made is another one's than what this makes.
        const entityKey = nextDerived(once.scope, record.entityKey) ?? claim.entityKey
        await records.removeOne(this.#db, record)
        if (once.only && entityKey !== claim.entityKey) throw new FormerKeyError(entityKey)
        claim = { ...claim, entityKey }
      } else if (record.fingerprint === null) {
        // What a twin of the refused one makes has the record's key; only another body's own key is another one.
        const entityKey = entity.identity.kind === 'natural' ? claim.entityKey : record.entityKey
        reclaimed = await records.reclaim(this.#db, { ...claim, entityKey })
      } else if (record.fingerprint !== once.fingerprint) throw keyReused()
      else {
        const isMine = record.entityKey === claim.entityKey && record.createdMs === claim.createdMs
        const isDerived = nextDerived(once.scope, record.entityKey) !== undefined
        const isOwn =
          reclaimed || (isDerived ? isMine && inserted === 'perhaps' : record.entityKey === change.key)
        return { record, reclaimed, isFresh: false, isOwn }
      }
    }
    throw stillInProgress()
  }

  /** @returns what the create made, whatever became of it since; `former` where its key was another life's */
  async #write(
    entity: Entity,
    change: Change,
    once: OnceRequest,
    { reclaimed, isFresh }: Claimed,
  ): Promise<Made | 'former'> {
    const made = madeBy(change)
    let outcome: ApplyOutcome | undefined
    try {
      outcome = await this.#writer.apply(entity, [change])
    } catch (error) {
      const isMoved = error instanceof NotTheOwnerError && error.beside === undefined
      const isElsewhere = isMoved && nextDerived(once.scope, change.key) !== undefined
      const kind = kindOf(error)
      if (isMoved && !isElsewhere && (await this.#wasMade(entity, made)))
        // It was this one, and its answer was lost before the key was moved.
        outcome = { applied: 0, skipped: 1, repeated: true }
      else if (isMoved && !isElsewhere && error.mayHaveRun)
        throw new LostInMoveError(entity, { cause: error })
      else if (!isElsewhere) {
        if (kind === 'data' || kind === 'dependency' || kind === 'client')
          await records.release(this.#db, once.id, change.key)
        throw error
      }
    }
    const stored = await this.#get(entity, change.key)
    const isStranger = outcome === undefined || (isFresh && outcome.applied === 0 && !outcome.repeated)
    // A twin that goes on with the record of this one writes its time.
    const isOfRecord = stored !== undefined && isMade(stored, made)
    if (isStranger && !isOfRecord && nextDerived(once.scope, change.key) !== undefined)
      return this.#meet(entity, change, once, stored)
    const { applied } = outcome ?? { applied: 0 }
    if (
      entity.identity.kind === 'natural' &&
      applied === 0 &&
      stored !== undefined &&
      !isMade(stored, made)
    ) {
      await records.release(this.#db, once.id, change.key)
      throw new KeyExistsError(entity)
    }
    if (stored?.version !== change.version) return { stored: made, isFound: false }
    // The record was free, but its row is there: of the request that was refused, a twin has got through meanwhile.
    if (reclaimed && applied === 0 && !holdsAll(stored.row, made.row)) throw keyReused()
    return { stored, isFound: false }
  }

  async #wasMade(entity: Entity, made: Stored): Promise<boolean> {
    const stored = await this.#get(entity, made.key)
    return stored !== undefined && isMade(stored, made)
  }

  /** A row, or the tombstone of one, is there under a key that only this request can have made: at the other side. */
  async #meet(
    entity: Entity,
    change: Change,
    once: OnceRequest,
    stored: Stored | undefined,
  ): Promise<Made | 'former'> {
    const written = stored?.updatedAt ?? (await this.#tombstone(entity, change.key))?.at
    try {
      const met = meet({ stored, written }, madeBy(change), change.at)
      return met === 'former' ? met : { stored: met, isFound: true }
    } catch (error) {
      await records.release(this.#db, once.id, change.key)
      throw error
    }
  }
}

/** A record that a request goes on with. */
type Claimed = {
  readonly record: IdempotencyRecord
  /** A refused request had left it free. */
  readonly reclaimed: boolean
  /** It was made by this very call. */
  readonly isFresh: boolean
  /** It is of this request, and no earlier one's. */
  readonly isOwn: boolean
}

/** `isFound`: at the other side. */
type Made = { readonly stored: Stored; readonly isFound: boolean }

/** Whether a row is still what the create made of it: then it was this one, at an earlier attempt. */
const isMade = (stored: Stored, made: Stored): boolean =>
  stored.version === made.version && stored.updatedAt === made.updatedAt && holdsAll(stored.row, made.row)
