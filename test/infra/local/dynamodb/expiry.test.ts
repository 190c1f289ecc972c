import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type RunningExpiry, startExpiry } from '../../../../infra/local/dynamodb/expiry.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { until } from '../../../support/until.ts'

const KEYS = { partition: { name: 'id', type: 'S' }, sort: { name: 'n', type: 'S' } } as const

describe('what is to expire in a local table', () => {
  let tables: TestTables
  let name: string
  let running: RunningExpiry | undefined
  let time = 0
  /** Each item that is seen asks for the time. */
  let asked = 0
  const lines: string[] = []
  beforeAll(async () => {
    tables = openTestTables()
    name = await tables.create('Expiring', KEYS, { stream: true })
  })
  afterEach(async () => {
    await running?.stop()
    running = undefined
  })
  afterAll(() => tables.close())

  const start = (attribute = 'goes', table = name): void => {
    const expiring = { name: table, keys: ['id', 'n'], attribute }
    running = startExpiry(
      tables.client,
      [expiring],
      { after: 100, every: 5 },
      (line) => lines.push(line),
      () => {
        asked += 1
        return time
      },
    )
  }
  const put = (id: string, goes?: { N: string } | { S: string }) =>
    tables.put(name, { id: { S: id }, n: { S: '1' }, ...(goes && { goes }) })
  const ids = async () => (await tables.all(name)).map(({ id }) => id?.S).sort()
  /** Another one goes, once all that was there before has been looked at. */
  const looked = async (marker: string): Promise<void> => {
    await put(marker, { N: '1' })
    await until(`${marker} is seen, and gone`, 20_000, async () => {
      time += 30_000
      return !(await ids()).includes(marker)
    })
  }

  it('is gone so many seconds after it was first seen, whatever its time is; what has none stays', async () => {
    const far = String(Date.parse('2099-01-01') / 1000)
    await put('later', { N: far })
    await put('never')
    await put('no time', { S: far })
    start()
    await looked('first')
    await until('it is gone', 20_000, async () => !(await ids()).includes('later'))
    expect(await ids()).toEqual(['never', 'no time'])
    const gone = (await tables.records(name)).filter(({ eventName }) => eventName === 'REMOVE')
    expect(new Set(gone.map(({ dynamodb }) => dynamodb.Keys.id))).toEqual(
      new Set([{ S: 'first' }, { S: 'later' }]),
    )
  })

  it('has its time begin anew where another one is set', async () => {
    const seen = async (): Promise<void> => {
      const before = asked
      await until('all of them have been looked at', 20_000, () => asked > before + 4)
    }
    await put('kept', { N: '5' })
    await put('left', { N: '5' })
    start()
    await seen()
    time += 60_000
    await put('kept', { N: '6' })
    await seen()
    time += 60_000
    await until('the other one is gone', 20_000, async () => !(await ids()).includes('left'))
    await seen()
    expect(await ids()).toContain('kept')
    time += 60_000
    await until('it is gone', 20_000, async () => !(await ids()).includes('kept'))
  })

  it('is looked at again where that failed, and the log says so', async () => {
    start('goes', 'nowhere')
    await until('it is said', 20_000, () => lines.length > 1)
    expect(lines[0]).toMatch(/^expiry: not looked, and will be again: /)
  })
})
