import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DataApiClient } from '../../../../../functions/bridge/drivers/data-api/client.ts'
import { toParameter } from '../../../../../functions/bridge/drivers/data-api/fields.ts'
import { DeadlineError } from '../../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

describe('a call to the Data API', () => {
  let aurora: TestAurora
  let sdk: RDSDataClient

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora.legacy.query('CREATE TABLE calls (n INT)')
    sdk = new RDSDataClient({
      endpoint: aurora.api.endpoint,
      maxAttempts: 1,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
  })
  afterAll(async () => {
    sdk.destroy()
    await aurora.close()
  })
  beforeEach(() => aurora.legacy.query('TRUNCATE calls'))
  afterEach(() => aurora.api.faults.clear())

  /** A client of an invocation that has so many milliseconds left for work. */
  const clientWith = (left: number, database = aurora.database): DataApiClient => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => left + 500 })
    const account = 'us-east-1:000000000000'
    return new DataApiClient({
      client: sdk,
      resourceArn: `arn:aws:rds:${account}:cluster:${aurora.database}`,
      secretArn: `arn:aws:secretsmanager:${account}:secret:${aurora.database}`,
      database,
      deadline,
    })
  }
  const insert = { sql: 'INSERT INTO calls VALUES (:n)', parameters: [toParameter('n', 7)] }
  const count = async (): Promise<unknown> => (await aurora.legacy.query('SELECT n FROM calls'))[0]

  it('runs one statement, with its parameters by name', async () => {
    expect(await aurora.client.execute(insert)).toMatchObject({ numberOfRecordsUpdated: 1 })
    expect(await count()).toEqual([{ n: 7 }])
  })

  it('takes parameters as the service does', async () => {
    const parameters = [{ name: 'n', value: { longValue: 8 } }]
    await aurora.client.execute({ sql: 'INSERT INTO calls VALUES (:n)', parameters })
    expect(await count()).toEqual([{ n: 8 }])
  })

  it('waits for a cluster that is resuming, as long as the invocation has time', async () => {
    aurora.api.faults.add({ kind: 'resuming', seconds: 0.7 })

    await clientWith(20_000).execute(insert)

    expect(await count()).toEqual([{ n: 7 }])
  })

  it('does not wait longer than that', async () => {
    aurora.api.faults.add({ kind: 'resuming', seconds: 60 })

    await expect(clientWith(400).execute(insert)).rejects.toMatchObject({ kind: 'transient' })
    expect(await count()).toEqual([])
  })

  it('waits for it also before a transaction', async () => {
    aurora.api.faults.add({ kind: 'resuming', seconds: 0.3 })
    const client = clientWith(20_000)

    await client.rollback(await client.begin())
  })

  it('that is under way is given up at the deadline', async () => {
    // A read: a write would still be made at the end of the delay, amid the next tests.
    aurora.api.faults.add({ kind: 'delay', ms: 1_500, times: 1 })

    await expect(clientWith(300).execute({ sql: 'SELECT 1' })).rejects.toMatchObject({
      name: 'DataApiError',
      kind: 'transient',
    })
  })

  it('goes beside many others under one bound, without a warning of listeners that pile up', async () => {
    const warnings: Error[] = []
    const keep = (warning: Error): void => void warnings.push(warning)
    process.on('warning', keep)
    const client = clientWith(20_000)

    for (let round = 0; round < 3; round += 1)
      await Promise.all(Array.from({ length: 30 }, () => client.execute({ sql: 'SELECT 1' })))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', keep)

    expect(warnings).toEqual([])
  })

  it('is not begun when too little time is left, and none is sent', async () => {
    await expect(clientWith(249).execute(insert)).rejects.toThrow(DeadlineError)
    await expect(clientWith(249).begin()).rejects.toThrow(/^BeginTransaction needs 250 ms/)
    expect(await count()).toEqual([])
  })

  it('runs inside the transaction that it names', async () => {
    const client = clientWith(20_000)
    const transactionId = await client.begin()
    await client.execute({ ...insert, transactionId })
    expect(await count()).toEqual([])
    await client.commit(transactionId)

    expect(await count()).toEqual([{ n: 7 }])
  })

  it.each([
    ['an unknown transaction', { ...insert, transactionId: 'bm90aGluZw==' }, 'TransactionNotFoundException'],
    ['two statements', { sql: 'SELECT 1; SELECT 2' }, 'ValidationException'],
  ])('of %s fails by the name of the exception', async (_, statement, exception) => {
    await expect(clientWith(20_000).execute(statement)).rejects.toMatchObject({
      exception,
      requestId: expect.any(String),
    })
  })

  it('of an unknown database is a fault of the set-up', async () => {
    await expect(clientWith(20_000, 'nowhere').execute(insert)).rejects.toMatchObject({
      kind: 'configuration',
    })
  })

  it('is not repeated when MySQL has refused it', async () => {
    const before = aurora.calls()

    await expect(aurora.client.execute({ sql: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      errno: 1146,
    })
    expect(aurora.calls() - before).toBe(1)
  })
})
