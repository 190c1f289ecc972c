import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import mysql, { type Connection } from 'mysql2/promise'
import { DataApiClient } from '../../../../../functions/bridge/drivers/data-api/client.ts'
import { toParameter } from '../../../../../functions/bridge/drivers/data-api/fields.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { type DataApiServer, startDataApi } from '../../../../../infra/local/data-api/server.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

/** A server that takes one connection more from this user, and no second one. */
describe('a server with too many connections', () => {
  let aurora: TestAurora
  let user: string
  let api: DataApiServer
  let sdk: RDSDataClient
  let client: DataApiClient
  let held: Connection | undefined
  let sent = 0
  /** What happens when the endpoint has refused a call. */
  let onRefused: () => Promise<void>

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
    await aurora.legacy.query('CREATE TABLE calls (n INT)')
    user = aurora.database.slice(0, 20)
    await aurora.legacy.query(`CREATE USER ${user}@'%' IDENTIFIED BY 'one' WITH MAX_USER_CONNECTIONS 1`)
    await aurora.legacy.query(`GRANT ALL ON ${aurora.database}.* TO ${user}@'%'`)
    const value = JSON.stringify({ username: user, password: 'one' })
    aurora.secrets.put({ arn: aurora.secretArn, name: aurora.database, value })
  })
  afterAll(async () => {
    await aurora.legacy.query(`DROP USER ${user}@'%'`)
    await aurora.close()
  })

  beforeEach(async () => {
    await aurora.legacy.query('TRUNCATE calls')
    const resourceArn = 'arn:aws:rds:us-east-1:000000000000:cluster:full'
    const { host, port, secrets, secretArn, database } = aurora
    api = await startDataApi({ clusters: [{ arn: resourceArn, host, port }], secrets })
    sdk = new RDSDataClient({
      endpoint: api.endpoint,
      maxAttempts: 1,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    sent = 0
    onRefused = async () => undefined
    sdk.middlewareStack.add(
      (next) => async (args) => {
        sent += 1
        try {
          return await next(args)
        } catch (error) {
          await onRefused()
          throw error
        }
      },
      { step: 'initialize', name: 'watchRefusals' },
    )
    client = new DataApiClient({ client: sdk, resourceArn, secretArn, database, deadline: new Deadline() })
  })
  afterEach(async () => {
    await letGo()
    sdk.destroy()
    await api.close()
  })

  const letGo = async (): Promise<void> => {
    await held?.end()
    held = undefined
  }
  /** Takes the user's one connection, once the last test's is gone from the server's books. */
  const hold = async (): Promise<void> => {
    const { host, port } = aurora
    for (let tries = 1; held === undefined; tries += 1) {
      try {
        held = await mysql.createConnection({ host, port, user, password: 'one' })
      } catch (error) {
        if (tries === 100) throw error
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  const insert = { sql: 'INSERT INTO calls VALUES (:n)', parameters: [toParameter('n', 7)] }
  const count = async (): Promise<unknown> => (await aurora.legacy.query('SELECT n FROM calls'))[0]

  it('is met as a refusal that may pass, in words and by number, and nothing has run', async () => {
    await hold()

    await expect(client.execute(insert)).rejects.toMatchObject({
      exception: 'DatabaseErrorException',
      errno: 1226,
      sqlState: '42000',
      kind: 'transient',
      outcome: 'not-run',
      cause: {
        message: expect.stringMatching(/'max_user_connections'.*; Error code: 1226; SQLState: 42000$/),
      },
    })
    expect(sent).toBe(5)
    expect(await count()).toEqual([])
  })

  it('serves the statement once a connection is free', async () => {
    await hold()
    onRefused = letGo

    await client.execute(insert)

    expect(sent).toBeGreaterThan(1)
    expect(await count()).toEqual([{ n: 7 }])
  })

  it('begins the transaction once a connection is free', async () => {
    await hold()
    onRefused = letGo

    const transactionId = await client.begin()
    await client.execute({ ...insert, transactionId })
    await client.commit(transactionId)

    expect(await count()).toEqual([{ n: 7 }])
  })

  it('serves one caller after the other over its one connection', async () => {
    await hold()
    await letGo()

    for (let n = 0; n < 6; n += 1)
      await client.execute({ sql: 'INSERT INTO calls VALUES (:n)', parameters: [toParameter('n', n)] })

    expect(await count()).toHaveLength(6)
  })

  it('serves the others when a transaction that held the connection has ended', async () => {
    await hold()
    await letGo()
    const transactionId = await client.begin()
    await client.execute({ ...insert, transactionId })
    let ended: Promise<void> | undefined
    onRefused = async () => {
      ended ??= client.commit(transactionId)
      await ended
    }

    const { records } = await client.execute({ sql: 'SELECT n FROM calls' })

    expect(ended).toBeDefined()
    expect(records).toHaveLength(1)
  })
})
