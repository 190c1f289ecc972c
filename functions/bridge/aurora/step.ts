import type { Kysely, RawBuilder } from 'kysely'

/** Where statements run, and how. */
export type Step = {
  readonly db: Kysely<unknown>
  /** @returns how many rows it affected */
  run(statement: RawBuilder<unknown>): Promise<number>
}
