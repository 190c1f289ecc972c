import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Faults } from '../../../../infra/local/data-api/server.ts'
import { FakeClock } from './fake-clock.ts'
import { failure, Harness, until } from './harness.ts'

let h: Harness
let clock: FakeClock
const faults = new Faults()

beforeAll(async () => {
  clock = new FakeClock()
  h = await Harness.start({ clock, faults, controlPort: 0 })
  await h.direct.query('CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY)')
})
afterAll(() => h.stop())
beforeEach(() => h.direct.query('DELETE FROM log'))
afterEach(() => faults.clear())

const insert = 'INSERT INTO log VALUES ()'
const count = async () => Number((await h.rows('SELECT COUNT(*) AS n FROM log'))[0]?.n)

describe('a fault', () => {
  it('is off by default', async () => {
    expect(faults.list()).toEqual([])
    await expect(h.execute(insert)).resolves.toBeDefined()
  })

  it('delays a call', async () => {
    faults.add({ kind: 'delay', ms: 5000, times: 1 })
    const call = h.execute(insert)
    await until(() => clock.waiting(5000) === 1)
    expect(await count()).toBe(0)
    clock.advance(5000)
    await call
    expect(await count()).toBe(1)
  })

  it('throttles as many calls as it says, and none is run', async () => {
    faults.add({ kind: 'throttle', times: 2 })
    for (let call = 0; call < 2; call += 1) {
      expect(await failure(h.execute(insert))).toMatchObject({ name: 'ThrottlingException', status: 400 })
    }
    expect(await count()).toBe(0)
    await h.execute(insert)
    expect(await count()).toBe(1)
  })

  it('cuts the connection before the statement', async () => {
    faults.add({ kind: 'drop-before', times: 1 })
    expect((await failure(h.execute(insert))).message).toMatch(/socket hang up|ECONNRESET/)
    expect(await count()).toBe(0)
  })

  it('cuts the connection after the statement has committed', async () => {
    faults.add({ kind: 'drop-after', times: 1 })
    expect((await failure(h.execute(insert))).message).toMatch(/socket hang up|ECONNRESET/)
    expect(await count()).toBe(1)
  })

  it('loses the answer of a commit that happened', async () => {
    const transactionId = await h.begin()
    await h.execute(insert, { transactionId })
    faults.add({ kind: 'drop-after', operation: 'CommitTransaction', times: 1 })
    expect((await failure(h.commit(transactionId))).message).toMatch(/socket hang up|ECONNRESET/)
    expect(await count()).toBe(1)
    expect((await failure(h.commit(transactionId))).name).toBe('TransactionNotFoundException')
  })

  it('answers an exception after the statement has committed', async () => {
    faults.add({ kind: 'error', error: 'DatabaseUnavailableException', after: true, times: 1 })
    expect(await failure(h.execute(insert))).toMatchObject({
      name: 'DatabaseUnavailableException',
      status: 504,
    })
    expect(await count()).toBe(1)
  })

  it('hits only the operation and the statements that it names', async () => {
    faults.add({ kind: 'throttle', operation: 'BatchExecute' })
    faults.add({ kind: 'error', error: 'InternalServerErrorException', sql: 'poison' })
    await h.execute(insert)
    expect((await failure(h.batch(insert, [[]]))).name).toBe('ThrottlingException')
    expect((await failure(h.execute("SELECT 'poison'"))).name).toBe('InternalServerErrorException')
  })

  it('leaves a cluster resuming for a while, from the call that wakes it', async () => {
    faults.add({ kind: 'resuming', seconds: 15 })
    clock.advance(60_000)
    expect(await failure(h.execute(insert))).toMatchObject({
      name: 'DatabaseResumingException',
      message: expect.stringMatching(
        /^The Aurora DB instance .* is resuming after being auto-paused\. Please wait a few seconds and try again\.$/,
      ),
      status: 400,
    })
    clock.advance(14_999)
    expect((await failure(h.begin())).name).toBe('DatabaseResumingException')
    expect(await count()).toBe(0)
    clock.advance(1)
    await h.execute(insert)
    expect(faults.list()).toEqual([])
  })

  it('refuses connections for a while', async () => {
    faults.add({ kind: 'refuse', seconds: 10 })
    await expect(fetch(h.api.endpoint, { signal: AbortSignal.timeout(5000) })).rejects.toMatchObject({
      cause: { code: 'ECONNREFUSED' },
    })
    clock.advance(10_000)
    await until(() =>
      h.value('SELECT 1').then(
        () => true,
        () => false,
      ),
    )
  })
})

describe('the SDK', () => {
  let retrying: Harness
  beforeAll(async () => {
    retrying = await Harness.start({ maxAttempts: 3 })
    await retrying.direct.query('CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY)')
  })
  afterAll(() => retrying.stop())

  it('repeats by itself after a lost answer, and so writes twice', async () => {
    retrying.api.faults.add({ kind: 'drop-after', times: 1 })
    await retrying.execute(insert)
    expect((await retrying.rows('SELECT COUNT(*) AS n FROM log'))[0]?.n).toBe(2)
  })

  it('does not repeat a call to a resuming cluster', async () => {
    retrying.api.faults.add({ kind: 'error', error: 'DatabaseResumingException', times: 1 })
    expect((await failure(retrying.execute(insert))).name).toBe('DatabaseResumingException')
  })
})

describe('the control port', () => {
  const control = (method: string, body?: unknown) =>
    fetch(`${h.api.control}/_faults`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(5000),
    })

  it('sets, lists and clears faults', async () => {
    const list = [{ kind: 'throttle', times: 1 }]
    expect(await (await control('PUT', list)).json()).toEqual(list)
    expect(await (await control('GET')).json()).toEqual(list)
    expect((await failure(h.execute(insert))).name).toBe('ThrottlingException')
    expect(await (await control('GET')).json()).toEqual([])
    await control('PUT', [{ kind: 'drop-before' }])
    await control('DELETE')
    await expect(h.execute(insert)).resolves.toBeDefined()
  })

  it.each([
    ['an unknown kind', [{ kind: 'fire' }]],
    ['an unknown member', [{ kind: 'throttle', whenever: 1 }]],
    ['an unknown exception', [{ kind: 'error', error: 'Oops' }]],
    ['no list', { kind: 'throttle' }],
  ])('refuses %s', async (_what, body) => {
    const answer = await control('PUT', body)
    expect(answer.status).toBe(400)
    expect(faults.list()).toEqual([])
  })

  it('is not on the endpoint itself', async () => {
    expect((await h.post('/_faults', '[]')).status).toBe(404)
  })
})
