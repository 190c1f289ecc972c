import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { failure, Harness, resourceArn, secretArn, text } from './harness.ts'

let h: Harness
let v1: Harness

beforeAll(async () => {
  h = await Harness.start({ limitRows: false })
  v1 = await Harness.start({ limitRows: false, errorForm: 'v1' })
  for (const one of [h, v1]) await one.direct.query('CREATE TABLE big (v LONGTEXT)')
})
afterAll(async () => {
  await Promise.all([h.stop(), v1.stop()])
})

const MIB = 1024 * 1024

describe('a request', () => {
  const body = (length: number) => {
    const shell = { resourceArn, secretArn, sql: 'SELECT LENGTH(:a)', parameters: [text('a', '')] }
    const empty = JSON.stringify(shell).length
    return JSON.stringify({ ...shell, parameters: [text('a', 'x'.repeat(length - empty))] })
  }

  it('may be nearly 4 MiB', async () => {
    expect((await h.post('/Execute', body(4 * MIB - 2000))).status).toBe(200)
  })

  it('may not be more, headers included', async () => {
    const answer = await h.post('/Execute', body(4 * MIB - 100), { 'x-padding': 'x'.repeat(1000) })
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([400, 'ValidationException'])
  })

  it('is answered even when much too large, and the endpoint goes on', async () => {
    expect((await h.post('/Execute', body(20 * MIB))).status).toBe(400)
    expect(await h.value('SELECT 1')).toEqual({ longValue: 1 })
  })
})

describe('the text of a statement', () => {
  const statement = (length: number) => `SELECT 1 /*${'x'.repeat(length - 13)}*/`

  it('may have 65,536 characters', async () => {
    expect(statement(65_536)).toHaveLength(65_536)
    expect(await h.value(statement(65_536))).toEqual({ longValue: 1 })
  })

  it('may not have more', async () => {
    expect(await failure(h.execute(statement(65_537)))).toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('65536'),
    })
  })

  it('does not count its parameters', async () => {
    const parameters = [text('a', 'x'.repeat(1_000_000))]
    expect(await h.value('SELECT LENGTH(:a)', { parameters })).toEqual({ longValue: 1_000_000 })
  })
})

describe('a result', () => {
  const fill = async (one: Harness, rows: number, bytes: number) => {
    await one.direct.query('DELETE FROM big')
    for (let row = 0; row < rows; row += 1)
      await one.direct.query(`INSERT INTO big VALUES (REPEAT('é', ${bytes / 2}))`)
  }

  it('may be 1 MiB of values', async () => {
    await fill(h, 4, MIB / 4)
    expect((await h.execute('SELECT v FROM big')).records).toHaveLength(4)
  })

  it('may not be more', async () => {
    await fill(h, 5, MIB / 4)
    expect(await failure(h.execute('SELECT v FROM big'))).toMatchObject({
      name: 'UnsupportedResultException',
      message: 'The result exceeds the size limit 1 MB',
      status: 400,
    })
    await fill(v1, 5, MIB / 4)
    expect(await failure(v1.execute('SELECT v FROM big'))).toMatchObject({
      name: 'BadRequestException',
      message: 'Database returned more than the allowed response size limit',
    })
  })

  it('may be 10 MiB as JSON, and not more', async () => {
    await fill(h, 9, MIB)
    const { formattedRecords } = await h.execute('SELECT v FROM big', { formatRecordsAs: 'JSON' })
    expect(formattedRecords?.length).toBeGreaterThan(4 * MIB)
    await fill(h, 11, MIB)
    expect(await failure(h.execute('SELECT v FROM big', { formatRecordsAs: 'JSON' }))).toMatchObject({
      name: 'BadRequestException',
    })
  })

  it('leaves its transaction usable when it is too large', async () => {
    await fill(h, 5, MIB / 4)
    const transactionId = await h.begin()
    await failure(h.execute('SELECT v FROM big', { transactionId }))
    expect(await h.value('SELECT COUNT(*) FROM big', { transactionId })).toEqual({ longValue: 5 })
    await h.rollback(transactionId)
  })
})

describe('a row of a result', () => {
  const KIB64 = 64 * 1024
  let limited: Harness
  let limitedV1: Harness

  beforeAll(async () => {
    limited = await Harness.start()
    limitedV1 = await Harness.start({ errorForm: 'v1' })
  })
  afterAll(async () => {
    await Promise.all([limited.stop(), limitedV1.stop()])
  })

  // Two columns whose bytes count together: characters of two bytes, and a number of eight.
  const row = (bytes: number) => `SELECT REPEAT('é', ${(bytes - 8) / 2}) AS v, 1 AS n, NULL AS nothing`
  const tooLarge = { message: 'Packet for query is too large', status: 400 }

  it('may be of any size where the limit is switched off', async () => {
    expect((await h.execute(row(KIB64 + 2))).records).toHaveLength(1)
  })

  it('may be 64 KiB of values otherwise, and not more', async () => {
    expect((await limited.execute(`${row(KIB64)} UNION ALL ${row(KIB64)}`)).records).toHaveLength(2)
    expect(await failure(limited.execute(`${row(8)} UNION ALL ${row(KIB64 + 2)}`))).toMatchObject({
      ...tooLarge,
      name: 'UnsupportedResultException',
    })
    expect(await failure(limitedV1.execute(row(KIB64 + 2)))).toMatchObject({
      ...tooLarge,
      name: 'BadRequestException',
    })
  })

  it('is as large in JSON as in Fields, whatever its text takes', async () => {
    const json = { formatRecordsAs: 'JSON' } as const
    expect((await limited.execute(row(KIB64), json)).formattedRecords).toContain('"nothing":null')
    expect(await failure(limited.execute(row(KIB64 + 2), json))).toMatchObject(tooLarge)
  })

  it('leaves its transaction usable when it is too large', async () => {
    const transactionId = await limited.begin()
    await failure(limited.execute(row(KIB64 + 2), { transactionId }))
    expect(await limited.value('SELECT 1', { transactionId })).toEqual({ longValue: 1 })
    await limited.rollback(transactionId)
  })
})

describe('names', () => {
  it('may not be longer than AWS takes', async () => {
    for (const options of [
      { database: 'x'.repeat(65) },
      { transactionId: 'x'.repeat(193) },
      { resourceArn: 'x'.repeat(571) },
      { resourceArn: 'x'.repeat(10) },
    ]) {
      expect(await failure(h.execute('SELECT 1', options))).toMatchObject({
        name: 'ValidationException',
        status: 400,
      })
    }
  })
})
