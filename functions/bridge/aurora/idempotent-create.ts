import type { Kysely } from 'kysely'
import { idempotently } from '../drivers/data-api/idempotent.ts'
import { type Change, holdsAll } from '../model/change.ts'
import type { Entity } from '../model/entity.ts'
import { InvalidRecordError, kindOf } from '../model/errors.ts'
import { keyReused, type OnceAnswer, type OnceRequest, replay, stillInProgress } from '../ports/once.ts'
import { KeyExistsError } from '../ports/store.ts'
import type { Stored } from '../ports/stored.ts'
import type { GuardedWriter } from './guarded-writer.ts'
import type { IdempotencyRecord } from './idempotency-records.ts'
import * as records from './idempotency-records.ts'

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

  /** @param get reads a row by its key */
  constructor(
    db: Kysely<unknown>,
    writer: GuardedWriter,
    get: (entity: Entity, key: string) => Promise<Stored | undefined>,
  ) {
    this.#db = idempotently(db)
    this.#writer = writer
    this.#get = get
  }

  /** @throws KeyReusedError, InProgressError; what the writer throws */
  async create(entity: Entity, change: Change, once: OnceRequest): Promise<OnceAnswer> {
    const { record, reclaimed } = await this.#claim(change, once)
    if (record.first !== undefined) return replay(record.first, once)
    const own = reclaimed || record.entityKey === change.key
    const at = new Date(record.createdMs).toISOString()
    const claimed: Change = { ...change, key: record.entityKey, at }
    const answer = once.answer(await this.#write(entity, claimed, once, reclaimed))
    if (await records.finish(this.#db, { ...once, entityKey: record.entityKey, answer }))
      return { answer, replayed: !own }
    const kept = await records.find(this.#db, once.id)
    if (kept?.first === undefined) throw stillInProgress()
    return replay(kept.first, once, own ? answer : undefined)
  }

  /**
   * The record of the key: this request's own, or an earlier one's, done or not.
   *
   * @returns also whether a refused request had left it free
   * @throws KeyReusedError when it is another request's, InProgressError when others come between again and again
   */
  async #claim(
    change: Change,
    once: OnceRequest,
  ): Promise<{ record: IdempotencyRecord; reclaimed: boolean }> {
    const now = Date.parse(change.at)
    const claim = { id: once.id, fingerprint: once.fingerprint, entityKey: change.key, createdMs: now }
    // One in sixteen: each of these removes more records than sixteen requests make.
    if (once.id.startsWith('0')) await records.removeExpired(this.#db, now)
    let reclaimed = false
    for (let round = 1; round <= ROUNDS; round++) {
      const record = await records.find(this.#db, once.id)
      if (record === undefined) {
        if (await records.insert(this.#db, claim))
          return { record: { ...claim, first: undefined }, reclaimed }
      } else if (records.isExpired(record, now)) await records.removeOne(this.#db, record)
      else if (record.fingerprint === null) reclaimed = await records.reclaim(this.#db, claim)
      else if (record.fingerprint !== once.fingerprint) throw keyReused()
      else return { record, reclaimed }
    }
    throw stillInProgress()
  }

  /** @returns what the create made, whatever became of it since */
  async #write(entity: Entity, change: Change, once: OnceRequest, reclaimed: boolean): Promise<Stored> {
    const made = madeBy(change)
    let applied: number
    try {
      applied = (await this.#writer.apply(entity, [change])).applied
    } catch (error) {
      const kind = kindOf(error)
      if (kind === 'data' || kind === 'dependency' || kind === 'client')
        await records.release(this.#db, once.id, change.key)
      throw error
    }
    const stored = await this.#get(entity, change.key)
    if (
      entity.identity.kind === 'natural' &&
      applied === 0 &&
      stored !== undefined &&
      !isMade(stored, made)
    ) {
      await records.release(this.#db, once.id, change.key)
      throw new KeyExistsError(entity)
    }
    if (stored?.version !== change.version) return made
    // The record was free, but its row is there: of the request that was refused, a twin has got through meanwhile.
    if (reclaimed && applied === 0 && !holdsAll(stored.row, made.row)) throw keyReused()
    return stored
  }
}

/** Whether a row is still what the create made of it: then it was this one, at an earlier attempt. */
const isMade = (stored: Stored, made: Stored): boolean =>
  stored.version === made.version && stored.updatedAt === made.updatedAt && holdsAll(stored.row, made.row)

const madeBy = (change: Change): Stored => {
  if (change.op !== 'upsert') throw new InvalidRecordError('A create carries a row')
  return { key: change.key, row: change.row, version: change.version, updatedAt: change.at }
}
