import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Entity } from '../model/entity.ts'
import { isBeside } from './record-names.ts'

/**
 * Whether an entity's deletes have to be marked: that a tombstone goes before them tells nothing where plain SQL may take a row's
 * version back, or where the version is not in the row.
 */
export const marksDeletes = (entity: Pick<Entity, 'mirror' | 'record'>): boolean =>
  entity.mirror !== undefined && (entity.mirror.plainSql === 'record' || isBeside(entity))

/**
 * By what the triggers of the mirror know a transaction of the bridge's own, whose statements need not change a record: variables of
 * its session, which alone could be left behind there, and a row that nobody else ever sees, since it goes before the commit.
 * What an entity's own code writes of another one's rows is plain SQL to that.
 */
export class WriterMark {
  readonly #names: readonly string[]

  /** @param entities whose rows the transaction writes; of those that are not mirrored nobody asks */
  constructor(entities: readonly Pick<Entity, 'name' | 'mirror'>[]) {
    this.#names = entities.filter(({ mirror }) => mirror !== undefined).map(({ name }) => name)
  }

  /** What is set together with the transaction's other variables. */
  get variables(): RawBuilder<unknown> {
    if (this.#names.length === 0) return sql``
    return sql`, @backsync_writer = CONNECTION_ID(), @backsync_entities = ${sql.lit(this.#names.join(','))}`
  }

  /** Code of an entity's own may have committed the row of a transaction before. */
  async enter(transaction: Kysely<unknown>): Promise<void> {
    if (this.#names.length === 0) return
    await sql`INSERT INTO backsync_writers (connection) VALUES (CONNECTION_ID())
      ON DUPLICATE KEY UPDATE connection = CONNECTION_ID()`.execute(transaction)
  }

  async leave(transaction: Kysely<unknown>): Promise<void> {
    if (this.#names.length === 0) return
    await sql`DELETE FROM backsync_writers WHERE connection = CONNECTION_ID()`.execute(transaction)
  }
}
