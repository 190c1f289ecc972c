import { afterEach, describe, expect, it, jest } from '@jest/globals'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import { startSchedule } from '../../../../infra/local/schedules/start.ts'

const settings = { name: 'Watch', arn: 'arn:aws:events:us-east-1:000000000000:rule/Watch', every: 1_000 }
const done: Outcome = { ok: true, payload: 'null' }

describe('a schedule', () => {
  afterEach(() => {
    jest.useRealTimers()
  })

  it('invokes its function each time an interval has passed, with the event of AWS, until it is stopped', async () => {
    jest.useFakeTimers()
    const events: unknown[] = []
    const schedule = startSchedule(
      settings,
      async (event) => {
        events.push(event)
        return done
      },
      () => {},
      () => Date.parse('2026-11-22T10:00:00.123Z'),
    )
    expect(events).toEqual([])
    await jest.advanceTimersByTimeAsync(2_500)
    schedule.stop()
    await jest.advanceTimersByTimeAsync(5_000)

    expect(events).toHaveLength(2)
    expect(events[0]).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      time: '2026-11-22T10:00:00Z',
      region: 'us-east-1',
      account: '000000000000',
      resources: [settings.arn],
    })
  })

  it('begins the next time at once where the last one has taken longer than an interval', async () => {
    jest.useFakeTimers()
    let running = 0
    let idle = 0
    const schedule = startSchedule(
      settings,
      async () => {
        running += 1
        await new Promise((end) => setTimeout(end, 1_100))
        running -= 1
        return done
      },
      () => {},
    )
    await jest.advanceTimersByTimeAsync(1_000)
    for (let step = 0; step < 100; step++) {
      await jest.advanceTimersByTimeAsync(50)
      if (running === 0) idle += 1
    }
    schedule.stop()
    await jest.advanceTimersByTimeAsync(5_000)

    expect(idle).toBe(0)
    expect(running).toBe(0)
  })

  it('never runs twice at once, and goes on after a failure', async () => {
    jest.useFakeTimers()
    const lines: string[] = []
    let running = 0
    let most = 0
    let runs = 0
    const schedule = startSchedule(
      settings,
      async () => {
        running += 1
        runs += 1
        most = Math.max(most, running)
        await new Promise((end) => setTimeout(end, 1_500))
        running -= 1
        if (runs === 1) throw new Error('throttled')
        return { ok: false, error: { errorType: 'TypeError', errorMessage: 'x' } }
      },
      (line) => lines.push(line),
    )
    await jest.advanceTimersByTimeAsync(10_000)
    schedule.stop()

    expect(most).toBe(1)
    expect(runs).toBeGreaterThan(2)
    expect(lines.slice(0, 2)).toEqual(['Watch: not run: throttled', 'Watch: failed: TypeError: x'])
  })
})
