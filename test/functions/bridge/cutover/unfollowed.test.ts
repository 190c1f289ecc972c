import { describe, expect, it } from '@jest/globals'
import { unfollowedRoutes } from '../../../../functions/bridge/cutover/unfollowed.ts'
import type { JobRecord } from '../../../../functions/bridge/jobs/jobs.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { plate } from '../../fixtures/plate.ts'

const NOW = Date.parse('2037-06-02T12:00:00.000Z')
const at = (before: number): string => new Date(NOW - before).toISOString()
const HOUR = 3_600_000
const job = (
  state: JobRecord['state'],
  of: { readonly epoch: string; readonly since: number },
): JobRecord => ({
  ...{ job: 'sweep:plate', kind: 'sweep', state, step: 'rows', segments: 1, by: 'test' },
  ...{ spec: { epoch: of.epoch }, startedAt: at(of.since), updatedAt: at(of.since), runs: 1 },
})
const movedBefore = (before: number): Route => {
  const first = unmoved('plate')
  return moved(first, placementAt(first, { stage: 'live', percent: 5 }), { at: at(before), by: 'test' }, 's')
}

describe('routes whose keys have not followed', () => {
  const look = (route: Route, record?: JobRecord) =>
    unfollowedRoutes(
      [{ ...plate, name: 'plate' }],
      { routes: { read: async () => ({ route }) }, jobs: { read: async () => record } },
      NOW,
    )

  it.each<[string, Route, JobRecord | undefined, readonly string[]]>([
    ['one that was never moved', unmoved('plate'), undefined, []],
    ['one that was moved within a day', movedBefore(23 * HOUR), undefined, []],
    ['one that was moved before that', movedBefore(25 * HOUR), undefined, ['plate']],
    ['one that is settled', { ...movedBefore(25 * HOUR), settled: { epoch: 1n, at: '' } }, undefined, []],
    [
      'one that was settled at an earlier move',
      { ...movedBefore(25 * HOUR), settled: { epoch: 0n, at: '' } },
      undefined,
      ['plate'],
    ],
    ['one that is frozen', { ...movedBefore(25 * HOUR), frozen: { at: '', by: '', why: '' } }, undefined, []],
    ['one that is swept', movedBefore(25 * HOUR), job('running', { epoch: '1', since: 30_000 }), []],
    ['one whose sweep has died', movedBefore(HOUR), job('running', { epoch: '1', since: 61_000 }), ['plate']],
    [
      'one whose sweep was stopped',
      movedBefore(HOUR),
      job('stopped', { epoch: '1', since: 30_000 }),
      ['plate'],
    ],
    [
      'one whose sweep has failed',
      movedBefore(HOUR),
      job('failed', { epoch: '1', since: 30_000 }),
      ['plate'],
    ],
    [
      'one whose sweep of before stands still',
      movedBefore(HOUR),
      job('stopped', { epoch: '0', since: HOUR }),
      [],
    ],
    [
      'one whose sweep left some, within a day',
      movedBefore(HOUR),
      job('done', { epoch: '1', since: 30_000 }),
      [],
    ],
    [
      'one whose sweep left some, and nobody came',
      movedBefore(25 * HOUR),
      job('done', { epoch: '1', since: HOUR }),
      ['plate'],
    ],
  ])('are, or are not, %s', async (_, route, record, names) => {
    expect(await look(route, record)).toEqual(names)
  })
})
