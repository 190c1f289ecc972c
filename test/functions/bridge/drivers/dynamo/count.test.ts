import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { countTable } from '../../../../../functions/bridge/drivers/dynamo/count.ts'
import { Deadline } from '../../../../../functions/bridge/runtime/deadline.ts'
import { first, withFaults } from '../../jobs/faulty-dynamo.ts'
import { itemsOf, type JobTables, openJobTables } from '../../jobs/job-tables.ts'

let tables: JobTables
let table: string
beforeAll(async () => {
  tables = await openJobTables()
  table = await tables.create()
  await tables.put(table, itemsOf(333))
})
afterAll(() => tables.close())

describe('a count', () => {
  it.each([1, 7, undefined])('is exact by %s segments, and tells how far it is', async (segments) => {
    const progress: number[] = []
    const { items, estimate } = await countTable({
      client: tables.client,
      table,
      segments,
      deadline: new Deadline(),
      onProgress: (counted) => progress.push(counted),
    })

    expect(items).toBe(333)
    expect(estimate.items).toEqual(expect.any(Number))
    expect(progress.at(-1)).toBe(333)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  })

  it('reads no items', () =>
    withFaults(first(2, 'Scan', 'throttle'), async (client, proxy) => {
      expect((await countTable({ client, table, deadline: new Deadline() })).items).toBe(333)

      const scans = proxy.seen.filter(({ operation }) => operation === 'Scan')
      expect(
        scans.every(({ body }) => body.includes('"COUNT"') && body.includes('"ConsistentRead":true')),
      ).toBe(true)
    }))

  it('stops when somebody interrupts', async () => {
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const counting = countTable({
      client: tables.client,
      table,
      deadline: new Deadline(),
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    })

    await expect(counting).rejects.toBe(reason)
  })

  it('names a table that is missing', async () => {
    const counting = countTable({ client: tables.client, table: 'no-such-table', deadline: new Deadline() })

    await expect(counting).rejects.toMatchObject({ code: 'table.missing', table: 'no-such-table' })
  })
})
