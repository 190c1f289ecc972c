import { BridgeError, type ErrorKind, kindOf } from '../model/errors.ts'
import type { Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import { formerOf } from './takeover.ts'

/** Where one migration stands. `interrupted`: some of its statements are done, or the outcome of one is unknown. */
export type MigrationState = {
  readonly name: string
  readonly state: 'applied' | 'pending' | 'interrupted'
  readonly appliedAt: string | null
}

/** The files and the database's record contradict one another, or a statement failed: which, where, and what is done. */
export class MigrationError extends BridgeError {
  override readonly name = 'MigrationError'
  readonly code = 'migrations.failed'
  readonly kind: ErrorKind

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind =
      options?.cause !== undefined && kindOf(options.cause) === 'transient' ? 'transient' : 'configuration'
  }
}

export const stateOf = ({ id, name }: Migration, applied: readonly AppliedMigration[]): MigrationState => {
  const known = applied.find((candidate) => candidate.id === id)
  const state = known === undefined ? 'pending' : known.finishedAt === null ? 'interrupted' : 'applied'
  return { name, state, appliedAt: known?.finishedAt ?? null }
}

/** Those that are not applied, or not to their end. */
export const pendingOf = (
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] => migrations.filter((migration) => stateOf(migration, applied).state !== 'applied')

/**
 * Compares the files of one line with its ledger.
 *
 * @throws MigrationError for a changed file, a number that another one had, or a pending one numbered before an applied one
 */
export const checkLine = (migrations: readonly Migration[], applied: readonly AppliedMigration[]): void => {
  const newest = Math.max(0, ...applied.map(({ id }) => id))
  for (const migration of migrations) {
    const known = applied.find(({ id }) => id === migration.id)
    if (known === undefined && migration.id < newest)
      throw new MigrationError(
        `${migration.name} is pending, but a later one is applied: give it a number above ${newest}`,
      )
    if (known === undefined || known.checksum === migration.checksum || known.begun === 0) continue
    throw new MigrationError(
      known.name === migration.name
        ? `${migration.name}.up.sql was changed after it was applied: restore it and add a new migration instead`
        : `${migration.name} has the number of ${known.name}, which is applied: give it a number above ${newest}`,
    )
  }
}

/**
 * A merge may have left one of the bridge's own migrations where it was in 0.1.0.
 *
 * @throws MigrationError
 */
export const checkPlaces = (team: readonly Migration[]): void => {
  for (const migration of team) {
    const former = formerOf(migration)
    if (former === undefined) continue
    throw new MigrationError(
      `${former.name} is one of Backsync's own, which is bridge/${former.now.name} now: delete its two files beside bridge/`,
    )
  }
}
