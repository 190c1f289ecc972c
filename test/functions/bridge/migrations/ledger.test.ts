import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MigrationLockedError } from '../../../../functions/bridge/drivers/data-api/lease-lock.ts'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedger } from '../../../../functions/bridge/migrations/ledger.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const migration: Migration = {
  id: 1,
  name: '0001_test',
  statements: ['CREATE TABLE a (id INT)', 'TRUNCATE a', 'DROP TABLE a'],
  downStatements: [],
  checksum: 'a'.repeat(64),
}

describe('the record of a statement', () => {
  let aurora: TestAurora
  let ledger: MigrationLedger
  let lost: MigrationLock
  let holder: MigrationLock

  beforeEach(async () => {
    aurora = await openTestAurora({ migrate: false })
    ledger = new MigrationLedger(aurora.db, 'backsync_migrations')
    await ledger.create()
    lost = new MigrationLock(aurora.db, 'lost')
    await lost.acquire(0)
    await aurora.legacy.query('UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND')
    holder = new MigrationLock(aurora.db, 'holder')
    await holder.acquire(0)
  })
  afterEach(() => aurora.close())

  it('is begun by who has the lock, as often as it is sent', async () => {
    await ledger.begin(migration, 0, { by: 'holder', lock: holder })
    await ledger.begin(migration, 0, { by: 'holder', lock: holder })
    expect(await ledger.read()).toMatchObject([{ begun: 1, done: 0, by: 'holder' }])
  })

  it('is not begun by who has lost it, be there a record or none', async () => {
    const begin = () => ledger.begin(migration, 1, { by: 'lost', lock: lost })
    await expect(begin()).rejects.toThrow(MigrationLockedError)
    expect(await ledger.read()).toEqual([])

    await ledger.begin(migration, 0, { by: 'holder', lock: holder })
    await expect(begin()).rejects.toThrow('The migration lock was taken over by holder')
    expect(await ledger.read()).toMatchObject([{ begun: 1, done: 0, by: 'holder' }])
  })

  it('is withdrawn by who has the lock alone: another may have begun what a lost run was refused', async () => {
    await ledger.begin(migration, 0, { by: 'holder', lock: holder })
    await ledger.withdraw(migration, lost)
    expect(await ledger.read()).toMatchObject([{ begun: 1, done: 0 }])

    await ledger.withdraw(migration, holder)
    expect(await ledger.read()).toMatchObject([{ begun: 0, done: 0 }])
  })
})
