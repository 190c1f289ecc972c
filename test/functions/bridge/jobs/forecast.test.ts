import { describe, expect, it } from '@jest/globals'
import type { ScanPage } from '../../../../functions/bridge/drivers/dynamo/scan.ts'
import { Course, leastTime, measureExtent } from '../../../../functions/bridge/jobs/forecast.ts'

async function* pages(...sizes: readonly number[]): AsyncGenerator<ScanPage> {
  for (const [at, items] of sizes.entries())
    yield {
      items: Array.from({ length: items }, (_, n) => ({ id: { S: String(n % 10) } })),
      next: at + 1 < sizes.length ? { id: { S: 'x' } } : undefined,
      readAt: 0,
      looked: items,
    }
}

describe('how much there is to do', () => {
  it('is what the store believes, where more stands behind the first page', async () => {
    const extent = await measureExtent({ items: 1_000, bytes: 5_000 }, pages(100, 100))

    expect(extent).toEqual({ items: 1_000, bytes: 5_000, exact: false, reading: expect.any(Number) })
  })

  it('is known exactly where the first page is all, whatever was believed', async () => {
    expect(await measureExtent({ items: 1_000, bytes: 5_000 }, pages(7))).toMatchObject({
      items: 7,
      bytes: 21,
      exact: true,
    })
    expect(await measureExtent({ items: 0, bytes: 0 }, pages(0))).toMatchObject({ items: 0, exact: true })
  })

  it('is no less than what was seen, and as large as that says, where nothing is believed', async () => {
    expect(await measureExtent({ items: 0, bytes: 0 }, pages(50, 50))).toMatchObject({
      items: 50,
      bytes: 150,
      exact: false,
    })
  })

  it('reads one page and no other', async () => {
    let read = 0
    const counted = async function* (): AsyncGenerator<ScanPage> {
      for await (const page of pages(1, 1, 1)) {
        read++
        yield page
      }
    }
    await measureExtent({ items: 3, bytes: 0 }, counted())
    expect(read).toBe(1)
  })
})

describe('the time that it takes at least', () => {
  it('is that of reading, or of the operator’s bound', () => {
    const extent = { items: 1_000, reading: 40 }
    expect(leastTime(extent, { concurrency: 4 })).toEqual({ seconds: 10, perSecond: 100 })
    expect(leastTime(extent, { concurrency: 4, maxRate: 10 })).toEqual({ seconds: 100, perSecond: 10 })
    expect(leastTime(extent, { concurrency: 4, maxRate: 1_000 })).toEqual({ seconds: 10, perSecond: 100 })
  })

  it('is nobody’s to say where nothing was read', () => {
    expect(leastTime({ items: 1_000, reading: undefined }, { concurrency: 4 })).toBeUndefined()
    expect(leastTime({ items: 0, reading: 1 }, { concurrency: 4 })).toBeUndefined()
  })
})

describe('the course of a job', () => {
  it('is forecast once, by what this run did first, and not by a moment', () => {
    let time = 5_000
    const course = new Course(10_000, () => time)
    time += 60_000
    course.begin(4_000)
    time += 500
    course.note(5_000)
    expect(course.forecast).toBeUndefined()
    time += 1_500
    course.note(4_050)
    expect(course.forecast).toBeUndefined()

    course.note(5_000)
    expect(course.forecast).toEqual({ seconds: 12, perSecond: 500 })
    time += 50_000
    course.note(6_000)
    expect([course.forecast?.seconds, course.seconds]).toEqual([12, 52])
  })

  it('takes what was done for all, where that is more than was believed', () => {
    let time = 0
    const course = new Course(10, () => time)
    course.begin(0)
    time += 2_000
    course.note(400)
    expect(course.forecast).toEqual({ seconds: 2, perSecond: 200 })
  })
})
