import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Kysely, sql, type Transaction } from 'kysely'
import { repeatableTransaction } from '../../../../../functions/bridge/drivers/data-api/repeatable-transaction.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

describe('a repeatable transaction', () => {
  let aurora: TestAurora
  let db: Kysely<unknown>

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    db = aurora.db
    await aurora.legacy.query('CREATE TABLE accounts (id INT PRIMARY KEY, amount INT NOT NULL)')
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query('DELETE FROM accounts')
    await aurora.legacy.query('INSERT INTO accounts VALUES (1, 100), (2, 100)')
  })
  afterEach(() => aurora.api.faults.clear())

  const amounts = async (): Promise<unknown> =>
    (await aurora.legacy.query('SELECT amount FROM accounts ORDER BY id'))[0]

  /** Locks one row, then the other: two of these in opposite order deadlock. */
  const transfer =
    (from: number, to: number, begun: () => Promise<void>) =>
    async (trx: Transaction<unknown>): Promise<void> => {
      await sql`UPDATE accounts SET amount = amount - 1 WHERE id = ${from}`.execute(trx)
      await begun()
      await sql`UPDATE accounts SET amount = amount + 1 WHERE id = ${to}`.execute(trx)
    }

  /** Lets nobody on before both have come, the first time; a repeat passes. */
  const meeting = (): (() => Promise<void>) => {
    let come = 0
    const { promise, resolve } = Promise.withResolvers<void>()
    return async () => {
      come += 1
      if (come >= 2) resolve()
      await promise
    }
  }

  it('is run again after a deadlock, and applied once', async () => {
    const both = meeting()
    let runs = 0
    const counted = (work: (trx: Transaction<unknown>) => Promise<void>) => (trx: Transaction<unknown>) => {
      runs += 1
      return work(trx)
    }

    await Promise.all([
      repeatableTransaction(db, new Deadline(), counted(transfer(1, 2, both))),
      repeatableTransaction(db, new Deadline(), counted(transfer(2, 1, both))),
    ])

    expect(runs).toBe(3)
    expect(await amounts()).toEqual([{ amount: 100 }, { amount: 100 }])
  })

  it('without the mark, the deadlock is the caller’s to handle', async () => {
    const both = meeting()
    const outcomes = await Promise.allSettled([
      db.transaction().execute(transfer(1, 2, both)),
      db.transaction().execute(transfer(2, 1, both)),
    ])

    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes).toContainEqual({
      status: 'rejected',
      reason: expect.objectContaining({ errno: 1213, outcome: 'refused' }),
    })
  })

  it('is not repeated when the answer to its commit was lost, and the error says so', async () => {
    aurora.api.faults.add({ kind: 'drop-after', operation: 'CommitTransaction', times: 1 })

    await expect(
      repeatableTransaction(db, new Deadline(), async (trx) => {
        await sql`UPDATE accounts SET amount = amount + 1 WHERE id = 1`.execute(trx)
      }),
    ).rejects.toMatchObject({ outcome: 'unknown', message: expect.stringContaining('CommitTransaction') })
    expect(await amounts()).toEqual([{ amount: 101 }, { amount: 100 }])
  })

  it('is not repeated for an error of its own', async () => {
    let runs = 0
    const failing = repeatableTransaction(db, new Deadline(), async () => {
      runs += 1
      throw new Error('mine')
    })

    await expect(failing).rejects.toThrow('mine')
    expect(runs).toBe(1)
  })
})
