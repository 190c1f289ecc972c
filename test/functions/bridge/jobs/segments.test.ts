import { describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import type { ScanPage } from '../../../../functions/bridge/drivers/dynamo/scan.ts'
import { JobBusyError, type SegmentProgress, type Tally } from '../../../../functions/bridge/jobs/jobs.ts'
import { addTallies, NOTHING, runSegments, segmentCount } from '../../../../functions/bridge/jobs/segments.ts'
import { DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { deadlineIn } from './job-tables.ts'

const PAGES = 3

/** A table in memory: three pages a segment, two items a page, and a lease that keeps what is saved. */
const world = (progress: SegmentProgress[] = []) => {
  const saved: SegmentProgress[] = []
  const events: string[] = []
  return {
    saved,
    events,
    lease: {
      progress,
      save: async (state: SegmentProgress) => {
        saved.push(state)
        events.push(`saved ${state.segment}.${state.start?.at?.N ?? 'end'}`)
      },
    },
    scan: async function* (segment: number, start: Item | undefined): AsyncGenerator<ScanPage> {
      for (let page = Number(start?.at?.N ?? 0); page < PAGES; page++) {
        events.push(`read ${segment}.${page}`)
        yield {
          items: [{ id: { S: `${segment}.${page}.a` } }, { id: { S: `${segment}.${page}.b` } }],
          next: page === PAGES - 1 ? undefined : { at: { N: String(page + 1) } },
          readAt: 0,
          looked: 2,
        }
      }
    },
    page: async ({ items }: ScanPage): Promise<Tally> => {
      events.push(`applied ${items[0]?.id?.S}`)
      return { ...NOTHING, items: items.length, applied: items.length, checksum: `${'0'.repeat(31)}1` }
    },
    deadline: new Deadline(),
  }
}

describe('dividing a table', () => {
  it.each([
    [0, 8],
    [1, 1],
    [5_000, 1],
    [5_001, 2],
    [1_000_000_000, 64],
  ])('of about %i items gives %i segments', (estimate, segments) => {
    expect(segmentCount(estimate)).toBe(segments)
  })
})

describe('running the segments of a table', () => {
  it('applies every page once and notes each position after its page', async () => {
    const { saved, events, ...parts } = world()
    const end = await runSegments({ ...parts, segments: 3, concurrency: 2 })

    expect(events.filter((event) => event.startsWith('applied')).sort()).toEqual(
      [0, 1, 2].flatMap((segment) => [0, 1, 2].map((page) => `applied ${segment}.${page}.a`)),
    )
    for (const event of ['1', '2', 'end'])
      expect(events.indexOf(`saved 0.${event}`)).toBeGreaterThan(
        events.indexOf(`applied 0.${event === 'end' ? 2 : Number(event) - 1}.a`),
      )
    expect(end.map(({ segment, done, tally }) => [segment, done, tally.items])).toEqual([
      [0, true, 6],
      [1, true, 6],
      [2, true, 6],
    ])
    expect(saved).toHaveLength(9)
  })

  it('reads one page ahead, and no more', async () => {
    const { events, ...parts } = world()
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const running = runSegments({
      ...parts,
      segments: 1,
      page: async (page) => {
        const tally = await parts.page(page)
        await gate
        return tally
      },
    })
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    const ahead = [...events]
    open()
    await running

    expect(ahead).toEqual(['read 0.0', 'read 0.1', 'applied 0.0.a'])
  })

  it('goes on where a segment stood, and leaves a done one alone', async () => {
    const tally = { ...NOTHING, items: 2, applied: 2 }
    const { events, saved, ...parts } = world([
      { segment: 0, segments: 2, done: true, tally: { ...tally, items: 6 } },
      { segment: 1, segments: 2, done: false, start: { at: { N: '1' } }, tally },
    ])
    const sums: number[] = []
    const end = await runSegments({ ...parts, segments: 2, onProgress: ({ items }) => sums.push(items) })

    expect(events.filter((event) => event.startsWith('applied'))).toEqual(['applied 1.1.a', 'applied 1.2.a'])
    expect(end.map((state) => state.tally.items)).toEqual([6, 6])
    expect(sums).toEqual([10, 12])
  })

  it('does not take a position for one of another division', async () => {
    const { events, saved, ...parts } = world([
      { segment: 0, segments: 5, done: true, tally: NOTHING },
      { segment: 1, segments: 5, done: false, start: { at: { N: '2' } }, tally: NOTHING },
    ])
    await runSegments({ ...parts, segments: 2 })

    expect(events.filter((event) => event.startsWith('applied'))).toHaveLength(6)
  })

  it.each(['the signal aborts', 'the time is over', 'a page runs out of time'])(
    'ends early when %s, behind a finished page',
    async (why) => {
      const { events, saved, ...parts } = world()
      const controller = new AbortController()
      const page = async (read: ScanPage): Promise<Tally> => {
        const tally = await parts.page(read)
        if (why === 'the signal aborts') controller.abort(new Error('interrupted'))
        if (why === 'the time is over')
          parts.deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 3_000 })
        if (why === 'a page runs out of time' && saved.length > 0) throw new DeadlineError('too late')
        return tally
      }
      const end = await runSegments({
        ...parts,
        segments: 2,
        concurrency: 1,
        page,
        signal: controller.signal,
      })

      expect(end.map(({ done }) => done)).toEqual([false, false])
      expect(saved).toEqual([expect.objectContaining({ segment: 0, start: { at: { N: '1' } }, done: false })])
      expect(end[0]).toEqual(saved[0])
    },
  )

  it('begins nothing when the time is nearly over', async () => {
    const { events, saved, ...parts } = world()
    const end = await runSegments({ ...parts, segments: 2, deadline: deadlineIn(2_000) })

    expect(events).toEqual([])
    expect(end.every(({ done }) => !done)).toBe(true)
  })

  it('throws what a page throws, and the other segments stop behind a finished page', async () => {
    const { events, saved, ...parts } = world()
    const failure = new Error('a defect')
    const running = runSegments({
      ...parts,
      segments: 4,
      concurrency: 2,
      page: async (page, segment) => {
        if (segment === 1 && events.some((event) => event.startsWith('saved 0'))) throw failure
        return parts.page(page)
      },
    })

    await expect(running).rejects.toBe(failure)
    expect(events.filter((event) => event.startsWith('applied 2') || event.startsWith('applied 3'))).toEqual(
      [],
    )
    expect(saved.filter(({ segment }) => segment === 0).length).toBe(
      events.filter((event) => event.startsWith('applied 0')).length,
    )
  })

  it('throws when its lease is lost, even while somebody interrupts', async () => {
    const { events, saved, ...parts } = world()
    const controller = new AbortController()
    const save = async (): Promise<void> => {
      controller.abort()
      throw new JobBusyError('taken')
    }
    const running = runSegments({
      ...parts,
      segments: 1,
      lease: { progress: [], save },
      signal: controller.signal,
    })

    await expect(running).rejects.toThrow(JobBusyError)
  })

  it('throws what the scan throws', async () => {
    const { events, saved, ...parts } = world()
    const scan = async function* (): AsyncGenerator<ScanPage> {
      yield { items: [], next: { at: { N: '1' } }, readAt: 0, looked: 0 }
      throw new Error('not readable')
    }

    await expect(runSegments({ ...parts, scan, segments: 1 })).rejects.toThrow('not readable')
  })

  it('keeps the first refusals of a segment, and counts all', async () => {
    const { events, saved, ...parts } = world()
    const page = async (read: ScanPage) => ({
      ...(await parts.page(read)),
      refused: 40,
      refusals: Array.from({ length: 40 }, (_, n) => ({ key: { id: { S: String(n) } }, why: 'bad' })),
    })
    const [end] = await runSegments({ ...parts, page, segments: 1 })

    expect(end?.tally.refused).toBe(120)
    expect(end?.refusals).toHaveLength(50)
  })
})

it('tallies add up, checksums included', () => {
  const one = { items: 1, bytes: 2, applied: 3, skipped: 4, refused: 5, checksum: 'f'.repeat(32) }

  expect(addTallies([one, { ...one, checksum: `${'0'.repeat(31)}2` }])).toEqual({
    items: 2,
    bytes: 4,
    applied: 6,
    skipped: 8,
    refused: 10,
    checksum: `${'0'.repeat(31)}1`,
  })
  expect(addTallies([])).toEqual(NOTHING)
})
