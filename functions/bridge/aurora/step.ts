import type { Kysely, RawBuilder } from 'kysely'
import type { Deadline } from '../runtime/deadline.ts'

/** Where statements run, and how. */
export type Step = {
  readonly db: Kysely<unknown>
  /** The same database, outside of the transaction that they may run in. */
  readonly outside: Kysely<unknown>
  readonly deadline: Deadline
  /** @returns how many rows it affected */
  run(statement: RawBuilder<unknown>): Promise<number>
}
