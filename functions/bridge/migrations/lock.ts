import { type Kysely, sql } from 'kysely'
import { LeaseLock } from '../drivers/data-api/lease-lock.ts'

export const lockTable = 'backsync_migration_lock'

/** The lock of a run of Backsync's migrations, its own and the team's. */
export class MigrationLock extends LeaseLock {
  /** @param owner unique to this run */
  constructor(db: Kysely<unknown>, owner: string) {
    super(db, owner, sql.table(lockTable))
  }
}
