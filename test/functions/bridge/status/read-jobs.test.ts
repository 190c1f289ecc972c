import { describe, expect, it } from '@jest/globals'
import type { JobRecord, SegmentProgress } from '../../../../functions/bridge/jobs/jobs.ts'
import { NOTHING } from '../../../../functions/bridge/jobs/segments.ts'
import { readJobs } from '../../../../functions/bridge/status/read-jobs.ts'
import { ago, NOW } from './figures.ts'

const job = (
  name: string,
  state: JobRecord['state'],
  seen: number,
  more: Partial<JobRecord> = {},
): JobRecord => ({
  ...{ job: name, kind: 'backfill', state, step: 'items', spec: {}, segments: 2, by: 'ada' },
  ...{ startedAt: ago(seen + 60), updatedAt: ago(seen) },
  ...more,
})
const segment = (number: number, items: number, done: boolean): SegmentProgress => ({
  ...{ segment: number, segments: 2, done },
  tally: { ...NOTHING, items },
})

describe('the jobs of a status', () => {
  it('are those that are not done, who is worked on first, each with how far it is', async () => {
    const asked: string[] = []
    const jobs = {
      list: async () => [
        job('killed', 'running', 61),
        job('done', 'done', 5),
        job('failed', 'failed', 5, { message: 'no way' }),
        job('stopped', 'stopped', 5),
        job('lives', 'running', 59, { maxRate: 100 }),
      ],
      segmentsOf: async (name: string, step: string) => {
        asked.push(`${name} ${step}`)
        return name === 'lives' ? [segment(0, 7, true), segment(1, 3, false)] : []
      },
    }
    const found = await readJobs(jobs, NOW)

    expect(found.map(({ job: name, state }) => [name, state])).toEqual([
      ['lives', 'running'],
      ['failed', 'failed'],
      ['killed', 'stopped'],
      ['stopped', 'stopped'],
    ])
    expect(found[0]).toEqual({
      ...{ job: 'lives', kind: 'backfill', state: 'running', step: 'items', by: 'ada' },
      ...{ items: 10, segments: 2, segmentsDone: 1, maxRate: 100, startedAt: ago(119), updatedAt: ago(59) },
    })
    expect(found[1]).toMatchObject({ message: 'no way', items: 0, segmentsDone: 0 })
    expect(asked).not.toContain('done items')
  })
})
