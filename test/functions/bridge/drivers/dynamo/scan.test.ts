import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../../functions/bridge/drivers/dynamo/errors.ts'
import type { Item } from '../../../../../functions/bridge/drivers/dynamo/items.ts'
import { keySchema } from '../../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { RateLimiter } from '../../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import {
  countSegment,
  type ScanOptions,
  type ScanPage,
  scanSegment,
} from '../../../../../functions/bridge/drivers/dynamo/scan.ts'
import { DeadlineError } from '../../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { first, losingAnswers, withFaults } from '../../jobs/faulty-dynamo.ts'
import { deadlineIn, idsOf, itemsOf, type JobTables, openJobTables } from '../../jobs/job-tables.ts'

let tables: JobTables
let table: string
const all = itemsOf(120)

beforeAll(async () => {
  tables = await openJobTables()
  table = await tables.create()
  await tables.put(table, all)
})
afterAll(() => tables.close())

const options = (more: Partial<ScanOptions> = {}): ScanOptions => ({
  client: tables.client,
  table,
  segment: 0,
  segments: 1,
  deadline: new Deadline(),
  ...more,
})
const pagesOf = async (from: ReturnType<typeof scanSegment>): Promise<ScanPage[]> => {
  const pages: ScanPage[] = []
  for await (const page of from) pages.push(page)
  return pages
}
const collect = async (from: ReturnType<typeof scanSegment>) => {
  const pages = await pagesOf(from)
  return { pages, items: pages.flatMap(({ items }) => [...items]) }
}

describe('the scan of a segment', () => {
  it('gives every item once, page by page', async () => {
    const { pages, items } = await collect(scanSegment(options({ pageItems: 50, consistent: true })))

    expect(idsOf(items)).toEqual(idsOf(all))
    expect(pages.map(({ looked }) => looked)).toEqual([50, 50, 20])
    expect(pages.at(-1)?.next).toBeUndefined()
  })

  it('shares the items out between the segments', async () => {
    const parts = await Promise.all(
      [0, 1, 2, 3].map(
        async (segment) => (await collect(scanSegment(options({ segment, segments: 4 })))).items,
      ),
    )

    expect(idsOf(parts.flat())).toEqual(idsOf(all))
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(all.length)
  })

  it('goes on behind a position', async () => {
    const { pages } = await collect(scanSegment(options({ pageItems: 50 })))
    const { items } = await collect(scanSegment(options({ start: pages[0]?.next })))

    expect(idsOf(items)).toEqual(idsOf(pages.slice(1).flatMap((page) => [...page.items])))
    expect(items).toHaveLength(70)
  })

  it('reads only keys, whatever their names', async () => {
    const key = keySchema({ partition: 'name', sort: { name: 'size of it', type: 'N' } }, 'test')
    const other = await tables.create(key)
    const item: Item = { name: { S: 'a' }, 'size of it': { N: '1' }, more: { S: 'b' } }
    await tables.put(other, [item], key)

    expect((await collect(scanSegment(options({ table: other, keysOnly: key })))).items).toEqual([
      { name: { S: 'a' }, 'size of it': { N: '1' } },
    ])
  })

  it('notes when the read of each page began', async () => {
    let time = 1_000
    const times: number[] = []
    for await (const { readAt } of scanSegment(options({ pageItems: 50, now: () => time }))) {
      times.push(readAt)
      time += 1_000
    }

    expect(times).toEqual([1_000, 2_000, 3_000])
  })

  it('counts without reading', async () => {
    const pages = await pagesOf(countSegment(options()))

    expect(pages.reduce((sum, { looked }) => sum + looked, 0)).toBe(120)
    expect(pages.flatMap(({ items }) => items)).toEqual([])
  })

  it('takes what it reads from the limiter, in pages that fit the rate', async () => {
    let waited = 0
    const limiter = new RateLimiter({
      maxRate: 100,
      now: () => waited,
      sleep: async (milliseconds) => {
        waited += milliseconds
      },
    })
    const { pages } = await collect(scanSegment(options({ limiter })))

    expect(pages.map(({ looked }) => looked)).toEqual([25, 25, 25, 25, 20])
    // The last page is paid by whoever comes next.
    expect(waited).toBe(1_000)
  })
})

describe('a scan that DynamoDB holds back', () => {
  it('waits throttling out, past the SDK’s own repeats, and slows the limiter', () =>
    withFaults(first(6, 'Scan', 'throttle'), async (client, proxy) => {
      const limiter = new RateLimiter()
      const { items } = await collect(scanSegment(options({ client, limiter })))

      expect(proxy.faults).toBe(6)
      expect(idsOf(items)).toEqual(idsOf(all))
      expect(limiter.rate).toBeLessThan(Number.POSITIVE_INFINITY)
    }))

  it('reads again what was answered and lost', async () => {
    const client = losingAnswers(2, 'ScanCommand')
    const { items } = await collect(scanSegment(options({ client, pageItems: 50 })))
    client.destroy()

    expect(client.lost()).toBe(2)
    expect(idsOf(items)).toEqual(idsOf(all))
  })

  it('throws when the time is over, and never ends as if it had read all', () =>
    withFaults(
      () => 'throttle',
      async (client) => {
        const reading = collect(scanSegment(options({ client, deadline: deadlineIn(600) })))

        await expect(reading).rejects.toThrow(DeadlineError)
      },
    ))

  it('throws when somebody interrupts, for the signal’s reason', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const interrupt = (): 'throttle' => {
      controller.abort(reason)
      return 'throttle'
    }
    await withFaults(interrupt, async (client) => {
      const reading = collect(scanSegment(options({ client, signal: controller.signal })))

      await expect(reading).rejects.toBe(reason)
    })
  })

  it('throws when somebody interrupts between two pages', async () => {
    const controller = new AbortController()
    const pages = scanSegment(options({ pageItems: 50, signal: controller.signal }))
    await pages.next()
    controller.abort(new Error('interrupted'))

    await expect(pages.next()).rejects.toThrow('interrupted')
  })

  it('says at once what no repeat helps', async () => {
    const reading = collect(scanSegment(options({ table: 'no-such-table' })))

    await expect(reading).rejects.toThrow(DynamoError)
    await expect(reading).rejects.toMatchObject({ code: 'dynamodb.ResourceNotFoundException' })
  })
})
