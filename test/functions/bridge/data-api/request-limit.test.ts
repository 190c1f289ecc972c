import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { DataApiClient } from '../../../../functions/bridge/data-api/client.ts'
import { REQUEST_LIMIT, SQL_LIMIT } from '../../../../functions/bridge/data-api/request-limit.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

describe('a statement larger than a request', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterEach(() => aurora.api.faults.clear())
  afterAll(() => aurora.close())

  const measure = (characters: number) =>
    aurora.client.execute({ sql: 'SELECT LENGTH(:text) AS n', parameters: { text: 'x'.repeat(characters) } })

  it('is refused before it is sent, with its size and the limit', async () => {
    aurora.api.faults.add({ kind: 'error', error: 'InternalServerErrorException' })

    await expect(measure(REQUEST_LIMIT)).rejects.toMatchObject({
      code: 'data-api.too-large',
      kind: 'data',
      size: expect.any(Number),
      limit: REQUEST_LIMIT - 16 * 1024,
      message: expect.stringMatching(/has 4194\d{3}; the Data API takes 4177920\. Nothing was sent/),
    })
  })

  it('counts bytes, not characters', async () => {
    await expect(
      aurora.client.execute({ sql: 'SELECT :t', parameters: { t: '€'.repeat(REQUEST_LIMIT / 3) } }),
    ).rejects.toMatchObject({ code: 'data-api.too-large' })
  })

  it('passes when it just fits', async () => {
    const { records } = await measure(REQUEST_LIMIT - 20 * 1024)

    expect(records).toEqual([[{ stringValue: String(REQUEST_LIMIT - 20 * 1024) }]])
  })

  it('is refused also for the length of its SQL text', async () => {
    const sql = `SELECT 1 ${' '.repeat(SQL_LIMIT)}`

    await expect(aurora.client.execute({ sql })).rejects.toMatchObject({ size: sql.length, limit: SQL_LIMIT })
  })
})

describe('a client of the SDK that repeats calls by itself', () => {
  it('is refused, with the reason', async () => {
    const client = new RDSDataClient({ region: 'us-east-1', endpoint: 'http://127.0.0.1:1' })
    const api = new DataApiClient({
      client,
      resourceArn: 'arn:r',
      secretArn: 'arn:s',
      database: 'd',
      deadline: new Deadline(),
    })

    await expect(api.execute({ sql: 'SELECT 1' })).rejects.toThrow(
      /makes 3 attempts: create it with maxAttempts: 1/,
    )
    client.destroy()
  })
})
