import {
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  RDSDataClient,
} from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { DataApiClient } from '../../../../../functions/bridge/drivers/data-api/client.ts'
import { toParameter } from '../../../../../functions/bridge/drivers/data-api/fields.ts'
import {
  REQUEST_LIMIT,
  requireRequestSize,
  SQL_LIMIT,
  StatementTooLargeError,
} from '../../../../../functions/bridge/drivers/data-api/request-limit.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'

describe('a statement larger than a request', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora({ migrate: false })
  })
  afterEach(() => aurora.api.faults.clear())
  afterAll(() => aurora.close())

  const measure = (characters: number) =>
    aurora.client.execute({
      sql: 'SELECT LENGTH(:text) AS n',
      parameters: [toParameter('text', 'x'.repeat(characters))],
    })

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
      aurora.client.execute({
        sql: 'SELECT :t',
        parameters: [toParameter('t', '€'.repeat(REQUEST_LIMIT / 3))],
      }),
    ).rejects.toMatchObject({ code: 'data-api.too-large' })
  })

  it('counts what a character takes in JSON', async () => {
    const fits = '\u0001'.repeat(REQUEST_LIMIT / 6 - 4 * 1024)
    const { records } = await aurora.client.execute({
      sql: 'SELECT LENGTH(:t) AS n',
      parameters: [toParameter('t', fits)],
    })
    expect(records).toEqual([[{ stringValue: String(fits.length) }]])

    await expect(
      aurora.client.execute({
        sql: 'SELECT :t',
        parameters: [toParameter('t', '\u0001'.repeat(REQUEST_LIMIT / 6))],
      }),
    ).rejects.toMatchObject({ code: 'data-api.too-large' })
  })

  it.each([
    ['an array of bytes', (length: number) => new Uint8Array(length)],
    ['a Buffer', (length: number) => Buffer.alloc(length)],
  ])('counts bytes as base64, of %s', async (_, make) => {
    const fits = make((REQUEST_LIMIT / 4) * 3 - 15 * 1024)
    const { records } = await aurora.client.execute({
      sql: 'SELECT LENGTH(:b) AS n',
      parameters: [toParameter('b', fits)],
    })
    expect(records).toEqual([[{ stringValue: String(fits.length) }]])

    await expect(
      aurora.client.execute({
        sql: 'SELECT :b',
        parameters: [toParameter('b', make((REQUEST_LIMIT / 4) * 3 - 11 * 1024))],
      }),
    ).rejects.toMatchObject({ code: 'data-api.too-large' })
  })

  it('is measured as the SDK writes it, to the byte', async () => {
    const input = {
      resourceArn: 'arn:aws:rds:us-east-1:000000000000:cluster:c',
      secretArn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:s',
      sql: 'SELECT "é" /* \t */',
      transactionId: undefined,
      resultSetOptions: { longReturnType: 'STRING' },
      parameters: [
        { name: 'blob', value: { blobValue: Buffer.from([1, 2, 3, 4]) } },
        { name: 'none', value: { isNull: true } },
        { name: 'text', value: { stringValue: '"\\ € \u0001 👩‍🍳' } },
        ...Array.from({ length: 60_000 }, (_, at) => ({
          name: `a_rather_long_name_of_a_parameter_${at}`,
          value: { doubleValue: at / 7 },
        })),
      ],
    } satisfies ExecuteStatementCommandInput
    const sdk = new RDSDataClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    let written = 0
    sdk.middlewareStack.add(
      () => async (args) => {
        const body: unknown =
          typeof args.request === 'object' && args.request !== null ? Reflect.get(args.request, 'body') : ''
        written = Buffer.byteLength(String(body))
        throw new Error('measured')
      },
      { step: 'build', name: 'measure' },
    )
    await expect(sdk.send(new ExecuteStatementCommand(input))).rejects.toThrow('measured')
    sdk.destroy()

    expect(written).toBeGreaterThan(REQUEST_LIMIT)
    let size: unknown
    try {
      requireRequestSize(input)
    } catch (error) {
      size = error instanceof StatementTooLargeError ? error.size : error
    }
    expect(size).toBe(written)
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
