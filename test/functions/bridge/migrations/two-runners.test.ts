import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Kysely } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { DataApiClient } from '../../../../functions/bridge/drivers/data-api/client.ts'
import { DataApiDialect } from '../../../../functions/bridge/drivers/data-api/dialect.ts'
import { MigrationLockedError } from '../../../../functions/bridge/drivers/data-api/lease-lock.ts'
import type { Migration } from '../../../../functions/bridge/migrations/files.ts'
import { MigrationLedgers } from '../../../../functions/bridge/migrations/ledgers.ts'
import { MigrationLock } from '../../../../functions/bridge/migrations/lock.ts'
import { Migrator } from '../../../../functions/bridge/migrations/migrator.ts'
import { FakeClock } from '../../../infra/local/data-api/fake-clock.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { until } from '../../../support/until.ts'
import { endAbandoned } from './abandoned.ts'

const FILE: Migration = {
  id: 1,
  name: '0001_test',
  statements: [
    'CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL)',
    'INSERT INTO dish VALUES (1, 0)',
    'UPDATE dish SET n = n + 1',
    'ALTER TABLE dish ADD COLUMN m INT NOT NULL DEFAULT 7',
    'UPDATE dish SET n = n + 10',
    'RENAME TABLE dish TO served',
    'UPDATE served SET n = n + 100',
  ],
  downStatements: [],
  checksum: 'a'.repeat(64),
}

/** What a statement of the file looks like on its way. */
const isOfFile = (text: string): boolean => FILE.statements.some((statement) => text.includes(statement))

describe('two runs of the same migrations', () => {
  let aurora: TestAurora
  let clock: FakeClock
  beforeEach(async () => {
    clock = new FakeClock()
    aurora = await openTestAurora({ migrate: false, clock })
  })
  afterEach(() => aurora.close())

  /** A run of whose calls one is held, before it is sent, until it is let go: as a process that is frozen there. */
  const openRun = (owner: string, freezeAt = Number.POSITIVE_INFINITY) => {
    const sent: string[] = []
    let [isFrozen, thaw] = [false, (): void => undefined]
    const sdk = new RDSDataClient({
      endpoint: aurora.api.endpoint,
      maxAttempts: 1,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    let calls = 0
    sdk.middlewareStack.add(
      (next) => async (args) => {
        calls += 1
        if (calls === freezeAt) {
          isFrozen = true
          await new Promise<void>((resolve) => {
            thaw = resolve
          })
        }
        sent.push(String(Reflect.get(args.input, 'sql') ?? ''))
        return next(args)
      },
      { step: 'initialize' },
    )
    const config = { ...aurora.config, client: sdk }
    const db = new Kysely<unknown>({ dialect: new DataApiDialect(config) })
    const client = new DataApiClient(config)
    const waited: string[] = []
    const migrator = new Migrator({
      bridge: [],
      team: [FILE],
      ledgers: new MigrationLedgers(db),
      lock: new MigrationLock(db, owner),
      requireSettings: async () => undefined,
      run: async (text) => {
        await client.execute({ sql: text, continueAfterTimeout: true })
      },
      deadline: aurora.config.deadline,
      log: silent,
      by: owner,
      patience: 20_000,
      // As one that was frozen for longer than a lease is fresh.
      fresh: 0,
      onWait: (holder) => waited.push(holder),
    })
    const outcome = migrator.apply().then(
      () => 'applied' as const,
      (error: unknown) => error,
    )
    return {
      outcome,
      waited,
      sent,
      isFrozen: () => isFrozen,
      thaw: () => thaw(),
      frozenAt: () => calls,
    }
  }
  const served = async (): Promise<RowDataPacket[]> =>
    (await aurora.legacy.query<RowDataPacket[]>('SELECT id, n, m FROM served'))[0]
  const endLease = (): Promise<unknown> =>
    aurora.legacy.query(
      'UPDATE backsync_migration_lock SET leased_until = NOW(3) - INTERVAL 1 SECOND WHERE leased_until IS NOT NULL',
    )

  it('one waits for the other, and says for whom, and all is done once', async () => {
    const first = openRun('first', 14)
    await until('the first to be at work', 10_000, first.isFrozen)
    const second = openRun('second')
    await until('the second to wait', 10_000, () => second.waited.length > 0)
    first.thaw()

    expect(await Promise.all([first.outcome, second.outcome])).toEqual(['applied', 'applied'])
    expect(second.waited).toEqual(['first'])
    // What no transaction guards is sent right behind a proof that the lock is still ours.
    const guarded = first.sent.flatMap((text, at) =>
      text.startsWith('/* backsync') ? [first.sent[at - 1]] : [],
    )
    expect(guarded).toHaveLength(3)
    for (const text of guarded)
      expect(text).toMatch(/UPDATE `backsync_migration_lock` SET leased_until = NOW/)
    expect(second.sent.filter(isOfFile)).toEqual([])
    expect(await served()).toEqual([{ id: 1, n: 111, m: 7 }])
  })

  it('the second takes over once the lease is over; the first, which was frozen before whichever call, wakes and does nothing more', async () => {
    let [frozen, asked, refused] = [0, 0, 0]
    for (let call = 1; ; call += 1) {
      const first = openRun('first', call)
      await until('it to be frozen or through', 20_000, async () => first.isFrozen() || (await isOver(first)))
      if (!first.isFrozen()) break
      frozen += 1
      const before = first.sent.length
      const sentBefore = first.sent.filter(isOfFile).length
      await endAbandoned(aurora, clock)
      if (await hasLock()) await endLease()
      const second = openRun('second')
      const end = await second.outcome
      // The record says that RENAME is begun, and nothing tells what became of it.
      if (end !== 'applied') {
        asked += 1
        expect(String(end)).toContain('statement 6 of 7')
      }
      first.thaw()
      const woken = await first.outcome
      const isLate = isOfFile(first.sent[before] ?? '')
      // The call that was held is sent; of the file's statements behind it none is.
      expect(first.sent.filter(isOfFile).length - sentBefore).toBe(isLate ? 1 : 0)
      if (woken instanceof MigrationLockedError) refused += 1
      // Also where it is refused as the transaction's, which the service has ended; before the last it finds all of it done.
      else if (sentBefore > 0 && sentBefore < FILE.statements.length - 1) expect(woken).toBeInstanceOf(Error)
      if (end === 'applied') expect(await served()).toEqual([{ id: 1, n: 111, m: 7 }])
      await aurora.legacy.query('DROP TABLE IF EXISTS dish, served')
      for (const table of ['backsync_migrations', 'backsync_bridge_migrations', 'backsync_migration_lock'])
        await aurora.legacy.query(`DROP TABLE IF EXISTS ${table}`)
    }
    expect(frozen).toBeGreaterThan(3 * FILE.statements.length)
    expect(asked).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(FILE.statements.length)
  }, 300_000)

  const isOver = async ({ outcome }: { outcome: Promise<unknown> }): Promise<boolean> =>
    (await Promise.race([outcome, Promise.resolve('running')])) !== 'running'
  const hasLock = async (): Promise<boolean> =>
    (await aurora.legacy.query<RowDataPacket[]>("SHOW TABLES LIKE 'backsync_migration_lock'"))[0].length > 0
})
