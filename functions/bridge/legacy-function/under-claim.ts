import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type Batch, toBatches } from '../aurora/batch.ts'
import {
  buryCalled,
  type CallState,
  claimCalls,
  deleteCalledRecords,
  endCalls,
  endDone,
  leaveCalls,
  retarget,
  selectCalls,
  stampCalled,
} from '../aurora/call-statements.ts'
import { renamed, tellCalled } from '../aurora/called-rows.ts'
import { ChangeLog } from '../aurora/change-log.ts'
import type { Sql } from '../aurora/statements.ts'
import type { Change } from '../model/change.ts'
import { bodiesOf } from './made-call.ts'

/** Calls that one caller has claimed together: each statement asks for its token. */
export class CallClaim {
  readonly #db: Kysely<unknown>
  readonly #token = randomUUID()

  /** @param db its statements may be sent again: each is harmless then */
  constructor(db: Kysely<unknown>) {
    this.#db = db
  }

  /** @param seconds for how long nobody else may call */
  async take(batch: Batch, seconds: number): Promise<void> {
    const bodies = bodiesOf(batch.entity, batch.changes)
    await this.#run(claimCalls(batch.entity, batch, bodies, { token: this.#token, seconds }))
  }

  /** What stands against changes, by key. */
  async read(batch: Batch): Promise<ReadonlyMap<string, CallState>> {
    const { rows } = await selectCalls(batch.entity, batch, this.#token).execute(this.#db)
    return new Map(rows.map((row) => [row.k, row]))
  }

  /** Records that a call is done which somebody else has made, and keeps its key claimed. */
  async record({ entity, by }: Batch, change: Change, legacyId: string | undefined): Promise<void> {
    for (const one of toBatches(entity, [change], by)) await this.#stampAll(one, () => legacyId)
  }

  /** Has calls that were somebody else's be for these changes. */
  async retarget(batch: Batch): Promise<void> {
    if (batch.changes.length === 0) return
    await this.#run(retarget(batch.entity, batch.keys, bodiesOf(batch.entity, batch.changes), this.#token))
  }

  /**
   * Records that changes are done, and gives their calls free.
   *
   * @param idOf the ids of the counted rows that hold them
   * @returns of how many that was so
   */
  async stamp(batch: Batch, idOf: (change: Change) => string | undefined): Promise<number> {
    await this.#stampAll(batch, idOf)
    return this.#run(endDone(batch.entity, batch.keys, this.#token))
  }

  async #stampAll(batch: Batch, idOf: (change: Change) => string | undefined): Promise<void> {
    const { entity, by } = batch
    const isTold = by === 'aurora' && entity.mirror !== undefined
    const upserts = batch.only(({ op }) => op === 'upsert')
    const deletes = batch.only(({ op }) => op === 'delete')
    if (upserts.changes.length > 0) {
      const ids = new Map(upserts.changes.map((change) => [change.key, idOf(change)]))
      const known = upserts.knowing((name, key) => (name === entity.name ? ids.get(key) : undefined))
      const document = known.keys
      if (isTold) await this.#run(tellCalled(entity, document, this.#token))
      await renamed(this.#db, { entity, document, token: this.#token }, async () => {
        await this.#run(stampCalled(entity, document, by, this.#token))
      })
    }
    if (deletes.changes.length > 0) {
      if (isTold)
        await new ChangeLog(this.#db).append(
          entity.name,
          deletes.changes.map(({ key }) => key),
        )
      await this.#run(buryCalled(entity, deletes.keys, deletes.lookup, by, this.#token))
      await this.#run(deleteCalledRecords(entity, deletes.keys, this.#token))
    }
  }

  /** Gives calls free that have had no effect. */
  async end({ entity, keys, changes }: Batch): Promise<void> {
    if (changes.length > 0) await this.#run(endCalls(entity, keys, this.#token))
  }

  /** Leaves calls whose effect nobody knows, and that have ended, to whoever comes next. */
  async leave({ entity, keys, changes }: Batch): Promise<void> {
    if (changes.length > 0) await this.#run(leaveCalls(entity, keys, this.#token))
  }

  async #run(statement: Sql): Promise<number> {
    return Number((await statement.execute(this.#db)).numAffectedRows ?? 0n)
  }
}
