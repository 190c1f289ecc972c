import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Harness } from './harness.ts'

let h: Harness

beforeAll(async () => {
  h = await Harness.start({ strict: false })
  await h.direct.query('CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10))')
  await h.direct.query("INSERT INTO t VALUES (1, 'a'), (2, NULL)")
})
afterAll(() => h.stop())

describe('a statement that MySQL can not prepare, in the lenient mode', () => {
  it('answers its rows', async () => {
    const answer = await h.execute('CHECK TABLE t', { includeResultMetadata: true })
    expect(answer.columnMetadata?.map(({ label }) => label)).toEqual(['Table', 'Op', 'Msg_type', 'Msg_text'])
    expect(answer.records).toEqual([
      [
        { stringValue: `${h.database}.t` },
        { stringValue: 'check' },
        { stringValue: 'status' },
        { stringValue: 'OK' },
      ],
    ])
  })

  it('answers its rows as JSON too', async () => {
    const { formattedRecords } = await h.execute('CHECK TABLE t', { formatRecordsAs: 'JSON' })
    expect(JSON.parse(formattedRecords ?? '')).toMatchObject([{ Msg_text: 'OK' }])
  })

  it('answers what a statement of the same transaction was warned of, with its numbers', async () => {
    const transactionId = await h.begin()
    await h.execute('DROP TABLE IF EXISTS nowhere', { transactionId })
    const { records } = await h.execute('SHOW WARNINGS', { transactionId })
    expect(records).toEqual([
      [
        { stringValue: 'Note' },
        { longValue: 1051 },
        { stringValue: `Unknown table '${h.database}.nowhere'` },
      ],
    ])
    await h.rollback(transactionId)
  })

  it('answers an empty result as one', async () => {
    expect(await h.execute('SHOW WARNINGS')).toEqual({ numberOfRecordsUpdated: 0, records: [] })
  })

  it('answers the values of a table as a prepared one does, NULL too', async () => {
    const transactionId = await h.begin()
    await h.execute('HANDLER t OPEN', { transactionId })
    const { records } = await h.execute('HANDLER t READ FIRST LIMIT 5', { transactionId })
    await h.execute('HANDLER t CLOSE', { transactionId })
    await h.rollback(transactionId)
    expect(records).toEqual((await h.execute('SELECT * FROM t ORDER BY id')).records)
    expect(records).toHaveLength(2)
  })
})

describe('a procedure with several results', () => {
  it('answers the first one only', async () => {
    await h.execute('CREATE PROCEDURE two() BEGIN SELECT 1 AS a UNION SELECT 2; SELECT 3 AS b, 4 AS c; END')
    const { columnMetadata, records } = await h.execute('CALL two()', { includeResultMetadata: true })
    expect(columnMetadata?.map(({ label }) => label)).toEqual(['a'])
    expect(records).toEqual([[{ longValue: 1 }], [{ longValue: 2 }]])
  })
})
