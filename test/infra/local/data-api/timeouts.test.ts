import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { FakeClock } from './fake-clock.ts'
import { failure, Harness, until } from './harness.ts'

let h: Harness
let clock: FakeClock

beforeEach(async () => {
  clock = new FakeClock()
  h = await Harness.start({ clock })
  await h.direct.query('CREATE TABLE slow (id INT PRIMARY KEY)')
})
afterEach(() => h.stop())

const LIMIT = 45_000
/** Runs long enough to be met, and writes a row at its end. */
const write = 'INSERT INTO slow SELECT 1 + SLEEP(:s)'
const seconds = (doubleValue: number) => ({ parameters: [{ name: 's', value: { doubleValue } }] })
const isRunning = async () =>
  (await h.rows('SHOW PROCESSLIST')).some(
    (row) => row.db === h.database && String(row.Info).includes('SLEEP'),
  )
const rows = async () => Number((await h.rows('SELECT COUNT(*) AS n FROM slow'))[0]?.n)

describe('a call of more than 45 s', () => {
  it('fails with the number of its connection, and its statement is stopped', async () => {
    // Waits for a lock: a killed SLEEP on MySQL just ends early, and the statement goes on.
    await h.direct.query('BEGIN')
    await h.direct.query('INSERT INTO slow VALUES (1)')
    const call = failure(h.execute('INSERT INTO slow VALUES (1) /* SLEEP */'))
    await until(isRunning)
    clock.advance(LIMIT)
    const { name, status, error } = await call
    expect({ name, status }).toEqual({ name: 'StatementTimeoutException', status: 400 })
    expect(Reflect.get(error, 'dbConnectionId')).toEqual(expect.any(Number))
    await until(async () => !(await isRunning()))
    await h.direct.query('ROLLBACK')
    expect(await rows()).toBe(0)
    expect(await h.value('SELECT 1')).toEqual({ longValue: 1 })
  })

  it('is not cut short', async () => {
    const call = h.execute(write, seconds(0.5))
    await until(isRunning)
    clock.advance(LIMIT - 1)
    expect((await call).numberOfRecordsUpdated).toBe(1)
  })

  it('fails with continueAfterTimeout too, but its statement runs on', async () => {
    const call = failure(h.execute(write, { ...seconds(1), continueAfterTimeout: true }))
    await until(isRunning)
    clock.advance(LIMIT)
    expect((await call).name).toBe('StatementTimeoutException')
    expect(await rows()).toBe(0)
    await until(async () => (await rows()) === 1)
  })

  it('takes its transaction with it', async () => {
    const transactionId = await h.begin()
    await h.execute('INSERT INTO slow VALUES (5)', { transactionId })
    const call = failure(h.execute(write, { ...seconds(600), transactionId }))
    await until(isRunning)
    clock.advance(LIMIT)
    expect((await call).name).toBe('StatementTimeoutException')
    const after = await failure(h.execute('SELECT 1', { transactionId }))
    expect(after.name).toBe('TransactionNotFoundException')
    expect(after.message).toContain('One previous call resulted in a termination of your transaction')
    await until(async () => !(await isRunning()))
    await h.direct.query('INSERT INTO slow VALUES (5)')
  })

  it('leaves no timer behind when it is over', async () => {
    await h.execute('SELECT 1')
    expect(clock.waiting(LIMIT)).toBe(0)
  })
})
