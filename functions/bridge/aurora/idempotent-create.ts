import type { Kysely } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { asBirth, type Change, holdsAll } from '../model/change.ts'
import { generationOf } from '../model/derived-key.ts'
import type { Entity } from '../model/entity.ts'
import { kindOf } from '../model/errors.ts'
import { type ApplyOutcome, UnsettledError } from '../model/outcome.ts'
import {
  FormerKeyError,
  isFormer,
  isOfOver,
  keyReused,
  type Met,
  meet,
  nextKey,
  type OnceAnswer,
  type OnceRequest,
  type Recalled,
  recallFrom,
  replay,
  stillInProgress,
} from '../ports/once.ts'
import { KeyExistsError, LostAnswerError, NotTheOwnerError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import { type Again, type ClaimedRecord, claimRecord } from './claim-record.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import * as records from './idempotency-records.ts'
import { isMade, madeBy } from './made-by.ts'
import { recallRecord } from './recall.ts'

/** How often a natural key is made that others make and delete in between. */
const ATTEMPTS = 5

/** What is asked of the store. */
type Reads = {
  readonly get: (entity: Entity, key: string) => Promise<Stored | undefined>
  readonly tombstone: (
    entity: Entity,
    key: string,
  ) => Promise<{ readonly version: bigint; readonly at: string | null } | undefined>
  /** Whether something has a key, or had it. */
  readonly isTraced: (entity: Entity, key: string) => Promise<boolean>
  /** The create at a version above what was deleted. @throws NotTheOwnerError */
  readonly above: (entity: Entity, change: Change) => Promise<Change>
}

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
 * A request that the store refuses gives its record free, so that another body may take it. One that meets something of which
 * its record doesn't tell asks the others: then it was done elsewhere.
 */
export class IdempotentCreate {
  readonly #db: Kysely<unknown>
  readonly #writer: GuardedWriter
  readonly #of: Reads

  constructor(db: Kysely<unknown>, writer: GuardedWriter, of: Reads) {
    this.#db = idempotently(db)
    this.#writer = writer
    this.#of = of
  }

  /** @throws KeyReusedError, InProgressError; what the writer throws */
  async create(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    const claimed = await claimRecord(
      this.#db,
      { entity, change, once },
      {
        isTraced: async (key) => once.elsewhere !== undefined && this.#of.isTraced(entity, key),
        again: (key) => this.#again(entity, change, once, key),
      },
    )
    if ('answer' in claimed) return { answer: claimed.answer, replayed: true }
    if (claimed.record.first !== undefined) return replay(claimed.record.first, once)
    const done = await this.#goOn(entity, change, once, claimed)
    if (done.is === 'done') return { answer: done.answer, replayed: done.replayed }
    if (done.next === undefined) throw keyReused()
    if (once.only) throw new FormerKeyError(done.next)
    return this.create(entity, { ...change, key: done.next }, once)
  }

  /** Does what a record was claimed for. */
  async #goOn(
    entity: Entity,
    change: Change,
    once: OnceRequest,
    claimed: ClaimedRecord,
  ): Promise<Done | Former> {
    const { record, isOwn } = claimed
    const at = new Date(record.createdMs).toISOString()
    const made = await this.#write(entity, { ...change, key: record.entityKey, at }, once, claimed)
    if (made.is === 'done') return { ...made, replayed: true }
    if (made.is === 'former') {
      await records.removeOne(this.#db, record)
      return made
    }
    const answer = once.answer(made.stored)
    const { id, entityKey } = record
    if (await records.finish(this.#db, { id, entityKey, fingerprint: once.fingerprint, answer }))
      return { is: 'done', answer, replayed: !isOwn || made.isFound }
    const kept = await records.find(this.#db, id)
    if (kept?.first === undefined) throw stillInProgress()
    return { is: 'done', ...replay(kept.first, once, isOwn && !made.isFound && kept.first.answer === answer) }
  }

  /** As of `FirstAnswers`. */
  recall(entity: Entity, change: Change, once: OnceRequest): Promise<Recalled | undefined> {
    return this.#recall(entity, change, once, [once.id, ...formerIds(once)])
  }

  #recall(
    entity: Entity,
    change: Change,
    { former: _, elsewhere: __, ...once }: OnceRequest,
    ids: readonly string[],
  ): Promise<Recalled | undefined> {
    return recallRecord(this.#db, ids, change, once, {
      get: (key) => this.#of.get(entity, key),
      goOn: async (record) => {
        try {
          const taken = { record, reclaimed: false, isFresh: false, isOwn: false }
          const done = await this.#goOn(entity, change, once, taken)
          return done.is === 'done' ? done : { is: 'over', key: record.entityKey }
        } catch (error) {
          // It was not done, and what is there is another's.
          if (error instanceof NotTheOwnerError || error instanceof KeyExistsError) return undefined
          throw error
        }
      },
    })
  }

  /** Asks who else may know of a request that has met something under its key. */
  #ask(entity: Entity, change: Change, once: OnceRequest): Promise<Recalled | undefined> {
    const { elsewhere } = once
    return recallFrom([
      () => this.#recall(entity, change, once, formerIds(once)),
      ...(elsewhere ? [() => elsewhere(change)] : []),
    ])
  }

  /**
   * What a request makes whose record has expired, or is gone: the key that it asks for, where nothing is there, else the next one.
   *
   * @param former the key that the record was of
   * @throws FormerKeyError
   */
  async #again(entity: Entity, change: Change, once: OnceRequest, former: string): Promise<Again> {
    // What is there is of a request that is over as well: of a later one the others would tell.
    const over: Recalled = { is: 'over', key: former, ...(once.elsewhere && { all: true as const }) }
    const isFree = !isOfOver(once.id, change.key, over) || !(await this.#of.isTraced(entity, change.key))
    if (entity.identity.kind === 'natural' || isFree) return { key: change.key }
    const said = await this.#ask(entity, change, once)
    if (said?.is === 'done') return said
    const next = nextKey(once.id, change.key, over) ?? change.key
    if (once.only && next !== change.key) throw new FormerKeyError(next)
    return { key: next }
  }

  /**
   * @returns what the create made, whatever became of it since; `former` where its key was another life's
   * @throws UnsettledError where others make and delete the key again and again
   */
  async #write(
    entity: Entity,
    change: Change,
    once: OnceRequest,
    claimed: ClaimedRecord,
    attempt = 1,
  ): Promise<Made> {
    const { reclaimed, isFresh, record } = claimed
    const { id } = record
    const isDerived = generationOf(once.id, change.key) !== undefined
    const isNatural = entity.identity.kind === 'natural'
    let making = change
    let outcome: ApplyOutcome | undefined
    try {
      if (isNatural) making = await this.#of.above(entity, change)
      // What was deleted is what this request has made elsewhere, perhaps.
      const said = making.version === change.version ? undefined : await this.#asked(entity, change, once, id)
      if (said?.is === 'done') return said
      outcome = await this.#writer.apply(entity, [asBirth(making)])
    } catch (error) {
      outcome = await this.#refused(entity, making, { once, id }, error)
    }
    const made = madeBy(making)
    const stored = await this.#of.get(entity, change.key)
    // A twin that goes on with the record of this one writes its time.
    const isOfRecord = stored !== undefined && isMade(stored, made)
    if (!isOfRecord && (outcome === undefined || outcome.applied === 0)) {
      const said = await this.#asked(entity, change, once, id)
      if (said?.is === 'done') return said
      // As a row of the record's own looks when it was written over: else it has the record's time.
      const isAnother = isFresh || (stored?.version === making.version && stored.updatedAt !== made.updatedAt)
      const isStranger = outcome === undefined || (isAnother && !outcome.repeated)
      const written = isDerived ? await this.#written(entity, change.key, stored) : undefined
      if (isDerived && (isStranger || isOfOver(once.id, change.key, said) || isFormer(written, change.at)))
        return this.#meet(change, once, { stored, written, said, id })
      if (isNatural && stored !== undefined) {
        // Others may have made that of what this one has made: it stays its record's.
        if (outcome?.repeated === true && stored.version > making.version)
          throw new LostAnswerError(entity, 'written')
        await records.release(this.#db, id, change.key)
        throw new KeyExistsError(entity)
      }
      // Others have deleted it since its tombstone was read: nothing was made under it.
      if (isNatural && outcome?.repeated === false) {
        if (attempt < ATTEMPTS) return this.#write(entity, change, once, claimed, attempt + 1)
        throw new UnsettledError(`A create of ${entity.name} lost every race`)
      }
    }
    if (stored?.version !== making.version) return { is: 'made', stored: made, isFound: false }
    // The record was free, but its row is there: of the request that was refused, a twin has got through meanwhile.
    if (reclaimed && outcome?.applied === 0 && !holdsAll(stored.row, made.row)) throw keyReused()
    return { is: 'made', stored, isFound: false }
  }

  /** When what has a key was written, or what had it deleted. */
  async #written(entity: Entity, key: string, stored: Stored | undefined): Promise<Met['written']> {
    return stored === undefined ? (await this.#of.tombstone(entity, key))?.at : stored.updatedAt
  }

  /** As `#ask`; what is known, or that nothing can be told, gives the record of this request free. */
  async #asked(entity: Entity, change: Change, once: OnceRequest, id: string): Promise<Recalled | undefined> {
    const release = () => records.release(this.#db, id, change.key)
    try {
      const said = await this.#ask(entity, change, once)
      if (said?.is === 'done') await release()
      return said
    } catch (error) {
      await release()
      throw error
    }
  }

  /**
   * What a write that failed has done.
   *
   * @returns undefined where the key, which only this request can have made, is the other side's with something under it
   * @throws the error; LostAnswerError where nobody can tell
   */
  async #refused(
    entity: Entity,
    making: Change,
    { once, id }: { readonly once: OnceRequest; readonly id: string },
    error: unknown,
  ): Promise<ApplyOutcome | undefined> {
    if (error instanceof NotTheOwnerError && error.beside === undefined) {
      if (generationOf(once.id, making.key) !== undefined) {
        if (await this.#of.isTraced(entity, making.key)) return undefined
      } else {
        const stored = await this.#of.get(entity, making.key)
        // It was this one, and its answer was lost before the key was moved.
        if (stored !== undefined && isMade(stored, madeBy(making)))
          return { applied: 0, skipped: 1, repeated: true }
        if (error.mayHaveRun) throw new LostAnswerError(entity, 'moved', { cause: error })
      }
    }
    const kind = kindOf(error)
    if (kind === 'data' || kind === 'dependency' || kind === 'client')
      await records.release(this.#db, id, making.key)
    throw error
  }

  /** A row, or the tombstone of one, is there under a key that only this request can have made: at the other side. */
  async #meet(
    change: Change,
    once: OnceRequest,
    {
      stored,
      written,
      said,
      id,
    }: Omit<Met, 'isOther'> & { readonly said: Recalled | undefined; readonly id: string },
  ): Promise<Made> {
    const isOther = isOfOver(once.id, change.key, said)
    try {
      const met = meet({ stored, written, isOther }, madeBy(change), change.at)
      return met === 'former'
        ? { is: 'former', next: nextKey(once.id, change.key, said) }
        : { is: 'made', stored: met, isFound: true }
    } catch (error) {
      await records.release(this.#db, id, change.key)
      throw error
    }
  }
}

/** The key was another life's, and `next` comes behind it. */
type Former = { readonly is: 'former'; readonly next: string | undefined }
type Done = OnceAnswer & { readonly is: 'done' }

/** `isFound`: at the other side. */
type Made =
  | { readonly is: 'made'; readonly stored: Stored; readonly isFound: boolean }
  | (Recalled & { readonly is: 'done' })
  | Former

/** Where this store has kept records of a request before ids were the same everywhere. */
const formerIds = ({ former }: OnceRequest): readonly string[] =>
  former === undefined ? [] : [former.aurora, former.facade]
