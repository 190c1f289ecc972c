import type { Migration } from './files.ts'
import type { MigrationLedgers } from './ledgers.ts'
import { type MigrationState, stateOf } from './state.ts'

/** The same of the bridge's own migrations and of the team's. */
export type OfBoth<T> = { readonly bridge: readonly T[]; readonly team: readonly T[] }

/** Tells where each migration stands, and touches nothing. */
export const reportMigrations = async (
  { bridge, team }: OfBoth<Migration>,
  ledgers: Pick<MigrationLedgers, 'read'>,
): Promise<OfBoth<MigrationState>> => {
  const progress = await ledgers.read()
  return {
    bridge: bridge.map((migration) => stateOf(migration, progress.bridge)),
    team: team.map((migration) => stateOf(migration, progress.team)),
  }
}
