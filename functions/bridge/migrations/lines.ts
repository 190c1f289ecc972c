import type { Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import { stateOf } from './state.ts'

/** Backsync's own migrations, or the team's: two lines of numbers. */
export type LineName = 'bridge' | 'team'

/** A migration, and what is recorded of it. */
export type Recorded = {
  readonly line: LineName
  readonly migration: Migration
  readonly known: AppliedMigration | undefined
}

type Both<T> = Readonly<Record<LineName, readonly T[]>>

/** The migrations of both lines, in the order in which they are applied. */
export const recordedOf = (files: Both<Migration>, applied: Both<AppliedMigration>): readonly Recorded[] =>
  (['bridge', 'team'] as const).flatMap((line) =>
    files[line].map((migration) => ({
      line,
      migration,
      known: applied[line].find(({ id }) => id === migration.id),
    })),
  )

/**
 * Those that are not applied, or not to their end.
 *
 * @param to of the team's none with a higher number. @default all
 */
export const openOf = (
  files: Both<Migration>,
  applied: Both<AppliedMigration>,
  to = Number.POSITIVE_INFINITY,
): readonly Recorded[] =>
  recordedOf(files, applied).filter(
    ({ line, migration }) =>
      stateOf(migration, applied[line]).state !== 'applied' && (line === 'bridge' || migration.id <= to),
  )
