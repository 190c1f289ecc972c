import type { Kysely, QueryResult, RawBuilder } from 'kysely'
import { type Change, coalesce } from '../change.ts'
import { wasRepeated } from '../data-api/driver.ts'
import { idempotently } from '../data-api/idempotent.ts'
import type { Entity } from '../entity.ts'
import { BridgeError, kindOf } from '../errors.ts'
import { legacyIdOf } from '../key.ts'
import * as statements from './statements.ts'

/** How many of a batch's keys changed a row, and how many didn't because the store holds the same or a newer version. */
export type ApplyOutcome = {
  readonly applied: number
  readonly skipped: number
  /** A statement was sent more than once: what it did at first was counted as skipped, if that answer was lost. */
  readonly repeated: boolean
}

/** What one run of `apply` learns on its way. */
type Run = { repeated: boolean }

/** A change that can't be applied, with the reason. */
export type Refused = { readonly change: Change; readonly error: Error }

/** The key is the id of a row that has a key of its own. */
export class KeyTakenError extends BridgeError {
  override readonly name = 'KeyTakenError'
  readonly code = 'key.taken'
  readonly kind = 'data'
}

/** Others wrote the same keys again and again between our statements. */
export class UnsettledError extends BridgeError {
  override readonly name = 'UnsettledError'
  readonly code = 'writer.unsettled'
  readonly kind = 'transient'
}

/**
 * Bytes of JSON in one statement. The service takes 4 MiB a request; the document stands in it as a JSON string, so
 * its quotes are escaped once more.
 */
const LARGEST_DOCUMENT = 3_500_000
const ROUNDS = 4

/**
 * Applies changes to Aurora as sets: a constant number of calls for a batch, whatever its size and mix. The statements
 * guard themselves and commit one by one; there is no transaction whose locks an invocation that dies could leave
 * behind for minutes. What a concurrent writer pushed between two of them is seen by the count, asked for by key, and
 * done again.
 */
export class GuardedWriter {
  readonly #db: Kysely<unknown>

  /** @param db its statements are repeated after deadlocks, lock waits and lost answers: the guard makes that harmless */
  constructor(db: Kysely<unknown>) {
    this.#db = idempotently(db)
  }

  /**
   * Applies changes of one entity; of several for one key the newest counts.
   *
   * @throws BridgeError; a part of the changes may have been applied then, and repeating all of them is harmless
   */
  async apply(entity: Entity, changes: readonly Change[]): Promise<ApplyOutcome> {
    const run: Run = { repeated: false }
    let applied = 0
    const newest = coalesce(changes)
    for (const part of split(entity, newest)) applied += await this.#applyPart(run, entity, part)
    return { applied, skipped: newest.length - applied, ...run }
  }

  /**
   * Applies what can be applied and names the rest: a batch that fails on bad data is halved until the bad changes are
   * alone.
   *
   * @throws BridgeError for anything but bad data
   */
  async applyIsolating(
    entity: Entity,
    changes: readonly Change[],
  ): Promise<ApplyOutcome & { readonly refused: readonly Refused[] }> {
    const newest = coalesce(changes)
    try {
      return { ...(await this.apply(entity, newest)), refused: [] }
    } catch (error) {
      if (kindOf(error) !== 'data' || !(error instanceof Error)) throw error
      const [only] = newest
      if (only !== undefined && newest.length === 1)
        return { applied: 0, skipped: 0, repeated: false, refused: [{ change: only, error }] }
      const middle = Math.ceil(newest.length / 2)
      const first = await this.applyIsolating(entity, newest.slice(0, middle))
      const second = await this.applyIsolating(entity, newest.slice(middle))
      return {
        applied: first.applied + second.applied,
        skipped: first.skipped + second.skipped,
        repeated: first.repeated || second.repeated,
        refused: [...first.refused, ...second.refused],
      }
    }
  }

  async #applyPart(run: Run, entity: Entity, changes: readonly Change[]): Promise<number> {
    const upserts = changes.filter(({ op }) => op === 'upsert')
    const deletes = changes.filter(({ op }) => op === 'delete')
    const deleted = deletes.length === 0 ? 0 : await this.#delete(run, entity, deletes)
    return deleted + (upserts.length === 0 ? 0 : await this.#upsert(run, entity, upserts))
  }

  async #upsert(run: Run, entity: Entity, upserts: readonly Change[]): Promise<number> {
    const document = statements.toDocument(entity, upserts)
    let applied = 0
    for (let round = 1; round <= ROUNDS; round++) {
      applied += await this.#run(run, statements.updateByKey(entity, document))
      if (hasLegacyIds(upserts)) applied += await this.#run(run, statements.updateById(entity, document))
      applied += await this.#run(run, statements.insertMissing(entity, document))
      if (applied >= upserts.length) return applied
      const unapplied = await this.#query(run, statements.selectUnapplied(entity, document))
      if (unapplied.length === 0) return applied
      if (unapplied.some(({ taken }) => Number(taken) === 1))
        throw new KeyTakenError(`The key is the id of a ${entity.name} that has a key of its own`)
    }
    throw new UnsettledError(`Changes of ${entity.name} did not settle in ${ROUNDS} rounds`)
  }

  async #delete(run: Run, entity: Entity, deletes: readonly Change[]): Promise<number> {
    const document = statements.toDocument(entity, deletes)
    await this.#run(run, statements.bury(entity, document))
    const byKey = await this.#run(run, statements.deleteByKey(entity, document))
    return byKey + (hasLegacyIds(deletes) ? await this.#run(run, statements.deleteById(entity, document)) : 0)
  }

  async #run(run: Run, statement: RawBuilder<unknown>): Promise<number> {
    const { numAffectedRows } = await this.#execute(run, statement)
    return Number(numAffectedRows ?? 0n)
  }

  async #query<R>(run: Run, statement: RawBuilder<R>): Promise<R[]> {
    return (await this.#execute(run, statement)).rows
  }

  async #execute<R>(run: Run, statement: RawBuilder<R>): Promise<QueryResult<R>> {
    const result = await statement.execute(this.#db)
    run.repeated ||= wasRepeated(result)
    return result
  }
}

const hasLegacyIds = (changes: readonly Change[]): boolean =>
  changes.some(({ key }) => legacyIdOf(key) !== undefined)

/** Splits a batch so that each part's document fits into a request. One change always fits: an item has 400 KB at most. */
const split = (entity: Entity, changes: readonly Change[]): Change[][] => {
  const parts: Change[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const change of changes) {
    const bytes = Buffer.byteLength(JSON.stringify(statements.toDocument(entity, [change])))
    if (size + bytes > LARGEST_DOCUMENT) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(change)
    size += bytes
  }
  return parts
}
