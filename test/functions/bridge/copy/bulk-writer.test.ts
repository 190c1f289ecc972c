import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { BulkWriter, type BulkWriterOptions } from '../../../../functions/bridge/copy/bulk-writer.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { first, losingAnswers, type SeenCall, withFaults } from '../jobs/faulty-dynamo.ts'
import {
  byId,
  deadlineIn,
  idsOf,
  itemsOf,
  type JobTables,
  openJobTables,
  readAll,
} from '../jobs/job-tables.ts'

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

const open = (table: string, more: Partial<BulkWriterOptions> = {}): BulkWriter =>
  new BulkWriter({ client: tables.client, table, key: byId, deadline: new Deadline(), ...more })
const writesOf = ({ body }: SeenCall): number => {
  const input: { RequestItems: Record<string, unknown[]> } = JSON.parse(body)
  return Object.values(input.RequestItems).flat().length
}

describe('a bulk writer', () => {
  it('puts and deletes any number of items, 25 a call', async () => {
    const table = await tables.create()
    await withFaults(
      () => 'none',
      async (client, { seen }) => {
        const writer = open(table, { client })
        expect(await writer.put(itemsOf(120))).toEqual({ written: 120, refusals: [] })
        expect(idsOf(await readAll(tables.client, table))).toEqual(idsOf(itemsOf(120)))
        expect(seen.map(writesOf).sort((a, b) => a - b)).toEqual([20, 25, 25, 25, 25])

        const keys = itemsOf(110).map(({ id }) => ({ ...(id && { id }) }))
        expect(await writer.delete(keys)).toEqual({ written: 110, refusals: [] })
        expect(await readAll(tables.client, table)).toHaveLength(10)
        expect(await writer.put([])).toEqual({ written: 0, refusals: [] })
      },
    )
  })

  it('sends large items in calls of a bounded size', async () => {
    const table = await tables.create()
    await withFaults(
      () => 'none',
      async (client, { seen }) => {
        const items = itemsOf(25, { raw: { B: new Uint8Array(300_000) } })
        expect(await open(table, { client }).put(items)).toEqual({ written: 25, refusals: [] })

        expect(seen.map(writesOf).reduce((sum, count) => sum + count, 0)).toBe(25)
        for (const { body } of seen) expect(body.length).toBeLessThan(16_000_000)
        expect(seen.length).toBeGreaterThan(1)
      },
    )
  })

  it('has no more calls in flight than it may, of all callers together', async () => {
    const table = await tables.create()
    let flying = 0
    let most = 0
    const client = losingAnswers(0, '')
    client.middlewareStack.add(
      (next) => async (args) => {
        flying += 1
        most = Math.max(most, flying)
        const answer = await next(args)
        flying -= 1
        return answer
      },
      { step: 'initialize', name: 'count' },
    )
    const writer = open(table, { client, concurrency: 3 })
    await Promise.all([writer.put(itemsOf(200).slice(0, 100)), writer.put(itemsOf(200).slice(100))])
    client.destroy()

    expect(most).toBe(3)
    expect(await readAll(tables.client, table)).toHaveLength(200)
  })

  it.each(['throttle', 'partial'] as const)('writes all in the end after: %s', async (kind) => {
    const table = await tables.create()
    await withFaults(first(4, 'BatchWriteItem', kind), async (client, proxy) => {
      const limiter = new RateLimiter()
      expect(await open(table, { client, limiter }).put(itemsOf(60))).toEqual({ written: 60, refusals: [] })

      expect(proxy.faults).toBe(4)
      expect(idsOf(await readAll(tables.client, table))).toEqual(idsOf(itemsOf(60)))
      expect(limiter.rate).toBeLessThan(Number.POSITIVE_INFINITY)
    })
  })

  it('writes again what was done and not heard of', async () => {
    const table = await tables.create()
    const client = losingAnswers(3, 'BatchWriteItemCommand')
    expect(await open(table, { client }).put(itemsOf(60))).toEqual({ written: 60, refusals: [] })
    client.destroy()

    expect(client.lost()).toBe(3)
    expect(await readAll(tables.client, table)).toHaveLength(60)
  })

  it('finds what DynamoDB refuses, names it, and writes the others', async () => {
    const table = await tables.create()
    const items = itemsOf(60).map((item, n) =>
      n === 7 || n === 31 ? { ...item, poison: { BOOL: true } } : item,
    )
    await withFaults(
      ({ body }) => (body.includes('poison') ? 'refuse' : 'none'),
      async (client) => {
        const { written, refusals } = await open(table, { client }).put(items)

        expect(written).toBe(58)
        expect(refusals).toEqual(
          ['item-7', 'item-31'].map((id) => ({
            key: { id: { S: id } },
            why: 'ValidationException: The item is not to my taste',
          })),
        )
        expect(await readAll(tables.client, table)).toHaveLength(58)
      },
    )
  })

  it('names an item that is too large for any table', async () => {
    const table = await tables.create()
    const items = [...itemsOf(3), { id: { S: 'giant' }, text: { S: 'x'.repeat(410_000) } }]
    const { written, refusals } = await open(table).put(items)

    expect(written).toBe(3)
    expect(refusals).toEqual([{ key: { id: { S: 'giant' } }, why: expect.stringMatching(/size/i) }])
  })

  it('says when the time is over, and does not call it done', async () => {
    const table = await tables.create()
    await withFaults(
      () => 'throttle',
      async (client) => {
        const writing = open(table, { client, deadline: deadlineIn(600) }).put(itemsOf(5))

        await expect(writing).rejects.toThrow(DeadlineError)
      },
    )
  })

  it('throws what is wrong with the call itself', async () => {
    await expect(open('no-such-table').put(itemsOf(1))).rejects.toMatchObject({
      code: 'dynamodb.ResourceNotFoundException',
    })
  })
})
