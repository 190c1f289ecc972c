import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { MigrationLockedError } from '../../../../functions/bridge/drivers/data-api/lease-lock.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { until } from '../../../support/until.ts'

describe('the migration lock', () => {
  let aurora: TestAurora
  let first: MigrationLock
  let second: MigrationLock

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query('DROP TABLE IF EXISTS backsync_migration_lock')
    first = new MigrationLock(aurora.db, 'first')
    second = new MigrationLock(aurora.db, 'second')
  })
  afterEach(() => aurora.api.faults.clear())

  const row = async (): Promise<unknown> =>
    (
      await aurora.legacy.query(
        'SELECT owner, fence, CAST(leased_until > NOW(3) AS CHAR) AS leased FROM backsync_migration_lock',
      )
    )[0]
  /** As if its owner had died two minutes ago. */
  const endLease = (): Promise<unknown> =>
    aurora.legacy.query('UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND')

  it('is taken by the first who comes, under a new fencing number', async () => {
    await first.acquire(0)

    expect(await row()).toEqual([{ owner: 'first', fence: '1', leased: '1' }])
  })

  it('is held against others, who are told by whom', async () => {
    await first.acquire(0)

    await expect(second.acquire(0)).rejects.toThrow(MigrationLockedError)
    await expect(second.acquire(0)).rejects.toThrow('Migrations are being applied by first')
  })

  it('is free again when it was released', async () => {
    await first.acquire(0)
    await first.release()
    await second.acquire(0)

    expect(await row()).toEqual([{ owner: 'second', fence: '2', leased: '1' }])
  })

  it('is waited for', async () => {
    await first.acquire(0)
    let taken = false
    const waiting = second.acquire(20_000).then(() => {
      taken = true
    })
    await first.release()
    await waiting

    expect(taken).toBe(true)
    await until('the second to hold it', 1_000, async () => JSON.stringify(await row()).includes('second'))
  })

  it('is given to one of several who come at the same moment', async () => {
    const locks = ['a', 'b', 'c', 'd'].map((owner) => new MigrationLock(aurora.db, owner))

    const outcomes = await Promise.allSettled(locks.map((lock) => lock.acquire(0)))

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await row()).toEqual([{ owner: expect.any(String), fence: '1', leased: '1' }])
  })

  it('can be taken over when its lease has ended; the former owner is shut out', async () => {
    await first.acquire(0)
    await endLease()
    await second.acquire(0)

    await expect(first.renew()).rejects.toThrow('The migration lock was taken over by second')
    await first.release()
    expect(await row()).toEqual([{ owner: 'second', fence: '2', leased: '1' }])
  })

  it('is renewed by its owner, also when the lease ended and nobody came', async () => {
    await first.acquire(0)
    await endLease()
    await first.renew()

    expect(await row()).toEqual([{ owner: 'first', fence: '1', leased: '1' }])
  })

  it('is ours when the answer that gave it was lost', async () => {
    await first.acquire(0)
    await first.release()
    aurora.api.faults.add({ kind: 'drop-after', sql: 'SET owner', times: 1 })

    await second.acquire(0)
    await second.renew()

    expect(await row()).toEqual([{ owner: 'second', fence: '3', leased: '1' }])
  })
})
