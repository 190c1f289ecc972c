import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { FakeClock } from './fake-clock.ts'
import { failure, Harness, resourceArn, secretArn, until } from './harness.ts'

let h: Harness
let clock: FakeClock

beforeAll(async () => {
  clock = new FakeClock()
  h = await Harness.start({ clock })
  await h.direct.query('CREATE TABLE stock (id INT PRIMARY KEY, n INT)')
})
afterAll(() => h.stop())
beforeEach(async () => {
  await h.direct.query('DELETE FROM stock')
  await h.direct.query('INSERT INTO stock VALUES (1, 10), (2, 20)')
})

const MINUTE = 60_000
const stock = async (id: number) => (await h.rows(`SELECT n FROM stock WHERE id = ${id}`))[0]?.n
/** True when nobody holds the row's lock. */
const isFree = async (id: number) =>
  h.direct.query(`SELECT n FROM stock WHERE id = ${id} FOR UPDATE NOWAIT`).then(
    () => true,
    () => false,
  )

describe('a transaction', () => {
  it('shows its writes to itself only, until it is committed', async () => {
    const transactionId = await h.begin()
    expect(await h.execute('UPDATE stock SET n = 11 WHERE id = 1', { transactionId })).toEqual({
      generatedFields: [],
      numberOfRecordsUpdated: 1,
    })
    expect(await h.value('SELECT n FROM stock WHERE id = 1', { transactionId })).toEqual({ longValue: 11 })
    expect(await h.value('SELECT n FROM stock WHERE id = 1')).toEqual({ longValue: 10 })
    expect(await h.commit(transactionId)).toBe('Transaction Committed')
    expect(await stock(1)).toBe(11)
  })

  it('leaves nothing when it is rolled back', async () => {
    const transactionId = await h.begin()
    await h.execute('DELETE FROM stock', { transactionId })
    expect(await h.rollback(transactionId)).toBe('Rollback Complete')
    expect(await stock(1)).toBe(10)
    await until(() => isFree(1))
  })

  it("has an id of AWS's form, and a new one each time", async () => {
    const ids = [await h.begin(), await h.begin()]
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9+/=]{184}$/)
      await h.rollback(id)
    }
  })

  it('keeps its session: variables and temporary tables', async () => {
    const transactionId = await h.begin()
    await h.execute('SET @kept = 5', { transactionId })
    await h.execute('CREATE TEMPORARY TABLE scratch (a INT)', { transactionId })
    expect(await h.value('SELECT @kept + COUNT(*) FROM scratch', { transactionId })).toMatchObject({
      longValue: 5,
    })
    await h.rollback(transactionId)
  })

  it('stays open after a statement that failed', async () => {
    const transactionId = await h.begin()
    await h.execute('UPDATE stock SET n = 0 WHERE id = 1', { transactionId })
    expect(await failure(h.execute('SELECT nonsense', { transactionId }))).toMatchObject({
      name: 'DatabaseErrorException',
    })
    await h.commit(transactionId)
    expect(await stock(1)).toBe(0)
  })

  it.each(['commit', 'rollback'] as const)('is gone after %s', async (end) => {
    const transactionId = await h.begin()
    await h[end](transactionId)
    for (const call of [
      h.execute('SELECT 1', { transactionId }),
      h.commit(transactionId),
      h.rollback(transactionId),
    ]) {
      const { name, status, message } = await failure(call)
      expect({ name, status }).toEqual({ name: 'TransactionNotFoundException', status: 404 })
      expect(message).toContain(`Transaction ${transactionId} is not found`)
    }
  })

  it('is not found under an unknown id', async () => {
    const { name, status } = await failure(h.execute('SELECT 1', { transactionId: 'unknown' }))
    expect({ name, status }).toEqual({ name: 'TransactionNotFoundException', status: 404 })
  })

  it('is not found with another secret than it was begun with', async () => {
    const transactionId = await h.begin()
    const other = 'arn:aws:secretsmanager:x:second'
    h.secrets.put({ arn: other, name: 'second', value: h.secrets.get(secretArn)?.value ?? '' })
    expect(await failure(h.execute('SELECT 1', { transactionId, secretArn: other }))).toMatchObject({
      name: 'TransactionNotFoundException',
    })
    await h.rollback(transactionId)
  })

  it('does not change its database', async () => {
    const transactionId = await h.begin()
    expect(await failure(h.execute('SELECT 1', { transactionId, database: 'mysql' }))).toMatchObject({
      status: 400,
    })
    expect(await h.value('SELECT 1', { transactionId, database: h.database })).toEqual({ longValue: 1 })
    await h.rollback(transactionId)
  })

  it('takes one call at a time and refuses a second one at once', async () => {
    const transactionId = await h.begin()
    const running = h.execute('SELECT SLEEP(1)', { transactionId })
    await until(async () =>
      (await h.rows('SHOW PROCESSLIST')).some((row) => String(row.Info).startsWith('SELECT SLEEP(1)')),
    )
    const refused = await failure(h.execute('SELECT 1', { transactionId }))
    expect(refused).toMatchObject({
      name: 'DatabaseErrorException',
      message: 'Transaction is still running a query',
      status: 400,
    })
    expect(await failure(h.commit(transactionId))).toMatchObject({
      message: 'Transaction is still running a query',
    })
    expect((await running).records).toHaveLength(1)
    expect(await h.value('SELECT 2', { transactionId })).toEqual({ longValue: 2 })
    await h.commit(transactionId)
  })

  it('is aborted by a deadlock, which has rolled it back', async () => {
    const ids = [await h.begin(), await h.begin()] as const
    const add = (transactionId: string, id: number) =>
      h.execute(`UPDATE stock SET n = n + 1 WHERE id = ${id}`, { transactionId })
    await add(ids[0], 1)
    await add(ids[1], 2)
    const outcomes = await Promise.allSettled([add(ids[0], 2), add(ids[1], 1)])
    const loser = outcomes.findIndex(({ status }) => status === 'rejected')
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(outcomes[loser]).toMatchObject({
      reason: { message: expect.stringContaining('Error code: 1213') },
    })
    expect((await failure(h.execute('SELECT 1', { transactionId: ids[loser] }))).message).toContain(
      'Transaction has been aborted due to an error from a previous call',
    )
    await h.commit(ids[1 - loser] ?? '')
    expect([await stock(1), await stock(2)]).toEqual([11, 21])
  })
})

describe('an abandoned transaction', () => {
  it('is rolled back after three minutes without a call, and its locks with it', async () => {
    const transactionId = await h.begin()
    await h.execute('UPDATE stock SET n = 99 WHERE id = 1', { transactionId })
    clock.advance(2 * MINUTE)
    await h.execute('SELECT 1', { transactionId })
    clock.advance(3 * MINUTE - 1)
    expect(await isFree(1)).toBe(false)
    clock.advance(1)
    await until(() => isFree(1))
    expect(await stock(1)).toBe(10)
    const { name, message } = await failure(h.commit(transactionId))
    expect(name).toBe('TransactionNotFoundException')
    expect(message).toContain('Transaction may be expired')
  })

  it('is rolled back after a day, however busy', async () => {
    const transactionId = await h.begin()
    await h.execute('UPDATE stock SET n = 99 WHERE id = 1', { transactionId })
    for (let passed = 0; passed < 24 * 60; passed += 2) {
      clock.advance(2 * MINUTE)
      if (passed < 24 * 60 - 2) await h.execute('DO 0', { transactionId })
    }
    await until(() => isFree(1))
    expect((await failure(h.execute('SELECT 1', { transactionId }))).name).toBe(
      'TransactionNotFoundException',
    )
    expect(await stock(1)).toBe(10)
  })
})

it('answers with the older form on request', async () => {
  const v1 = await Harness.start({ errorForm: 'v1' })
  try {
    const body = JSON.stringify({ resourceArn, secretArn, transactionId: 'gone' })
    const answer = await v1.post('/CommitTransaction', body)
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([400, 'BadRequestException'])
    expect(await answer.json()).toEqual({ message: 'Transaction gone is not found' })
  } finally {
    await v1.stop()
  }
})
