import { describe, expect, it } from '@jest/globals'
import { adviceOf, type EntityFigures, entityAdviceOf } from '../../../../functions/bridge/status/advice.ts'
import type { Advice, JobFigure, Status } from '../../../../functions/bridge/status/status.ts'
import { ago, NOW, nothingParked, wellOf, wellWhole } from './figures.ts'

const parked = (keys: number, waiting = 0, complete = true) => ({
  value: { keys, waiting, complete, codes: [{ code: 'sql.1406', keys }], oldest: ago(60) },
})
const told = ({ code, kind, what, type }: Advice): string =>
  `${kind} ${code}: ${what}${type === null ? '' : ` | ${type}`}`
const forEntity = (more: Partial<EntityFigures> = {}, on = '') =>
  entityAdviceOf(wellOf(more), { now: NOW, on })
const blockers = (more: Partial<EntityFigures>) => forEntity(more).blockers.map(told)

describe('what keeps an entity from going further', () => {
  it('is nothing where all is well: the next step is told, and the stage', () => {
    expect(forEntity()).toEqual({
      blockers: [],
      next: { code: 'forward', kind: 'step', what: 'nothing holds it back in stage mirrored', type: null },
    })
  })

  it('of one that is not mirrored the next step is to say so', () => {
    const { blockers: all, next } = forEntity({ mirrored: false, stage: { value: { name: 'legacy' } } })
    expect([all, next.code]).toEqual([[], 'mirror'])
  })

  it.each<[string, Partial<EntityFigures>, string]>([
    [
      'owners that are not known',
      { owners: { value: { knownSince: null, aurora: 1, dynamo: 0, complete: true } } },
      'mend owners.unknown: it is not known of each key whose it is: nothing is refused for its owner, and no key changes hands | npx backsync owners take chef',
    ],
    [
      'triggers that are missing or changed',
      { triggers: { value: { there: 1, missing: ['a'], changed: ['b'], needless: [] } } },
      'mend triggers.missing: 2 triggers are missing or changed: plain SQL is not seen | npx backsync mirror install chef',
    ],
    [
      'triggers of a definition that fits no table',
      { triggers: { value: { there: 0, missing: [], changed: [], needless: [], fault: 'no column x' } } },
      'mend triggers.unfit: no column x',
    ],
    [
      'triggers that nothing asks for',
      { triggers: { value: { there: 6, missing: [], changed: [], needless: ['a'] } } },
      'mend triggers.needless: 1 trigger that nothing asks for any more | npx backsync mirror install chef',
    ],
    [
      'conflicts',
      { parked: { toAurora: nothingParked, toDynamo: nothingParked, conflicts: parked(1) } },
      'mend conflicts: 1 conflict waits for somebody to decide | npx backsync parked list --entity chef.conflicts',
    ],
    [
      'what is parked',
      { parked: { toAurora: parked(3, 1), toDynamo: nothingParked, conflicts: nothingParked } },
      'mend parked: 3 changes are parked as chef, mostly sql.1406: mend the cause, then retry | npx backsync parked list --entity chef',
    ],
    [
      'more parked than was looked at',
      { parked: { toAurora: parked(9, 9, false), toDynamo: nothingParked, conflicts: nothingParked } },
      'mend parked: at least 9 changes are parked as chef, mostly sql.1406: mend the cause, then retry | npx backsync parked list --entity chef',
    ],
    [
      'what is parked and only waits',
      { parked: { toAurora: parked(2, 2), toDynamo: nothingParked, conflicts: nothingParked } },
      'wait parked.waiting: 2 changes are parked as chef, mostly sql.1406: tried again by itself | npx backsync parked list --entity chef',
    ],
    [
      'what DynamoDB can not take',
      { parked: { toAurora: nothingParked, toDynamo: parked(1), conflicts: nothingParked } },
      'mend parked.outward: 1 change is parked as chef.mirror, mostly sql.1406: mend the cause, then retry | npx backsync parked list --entity chef.mirror',
    ],
    [
      'a relay that is late',
      { log: { value: { rows: 5, recorded: 0, oldest: 61_000 } } },
      "mend log.late: 5 writes wait in Aurora's log, the first for 61 s: see the relay's errors",
    ],
    [
      'what plain SQL had no right to',
      { log: { value: { rows: 0, recorded: 2, oldest: 0 } } },
      "wait log.recorded: 2 writes of plain SQL on DynamoDB's keys to be listed",
    ],
    [
      'no verification',
      { verification: { value: null } },
      'step verification.never: never verified | npx backsync verify chef',
    ],
    [
      'differences',
      { verification: { value: { at: ago(60), complete: true, rows: 3, differences: 2 } } },
      'mend verification.differences: verified with 2 differences | npx backsync verify chef',
    ],
    [
      'a verification that came to no end',
      { verification: { value: { at: ago(60), complete: false, rows: 3, differences: 0 } } },
      'step verification.incomplete: the last verification came to no end | npx backsync verify chef',
    ],
    [
      'an old verification',
      { verification: { value: { at: ago(25 * 3_600), complete: true, rows: 3, differences: 0 } } },
      'step verification.stale: verified 25 h ago | npx backsync verify chef',
    ],
    [
      'a figure that is not known',
      { log: { unknown: 'no answer' } },
      'mend unknown: not known: log: no answer',
    ],
    ['a stage that is not known', { stage: { unknown: 'denied' } }, 'mend unknown: not known: stage: denied'],
  ])('%s', (_, figures, expected) => {
    expect(blockers(figures)).toEqual([expected])
  })

  it.each<[string, Partial<EntityFigures>]>([
    ['a log that is on its way', { log: { value: { rows: 5, recorded: 0, oldest: 59_000 } } }],
    [
      'a fresh verification',
      { verification: { value: { at: ago(23 * 3_600), complete: true, rows: 3, differences: 0 } } },
    ],
    [
      'a log of an entity that nobody mirrors',
      { mirrored: false, log: { value: { rows: 5, recorded: 0, oldest: 99_000 } } },
    ],
    ['lag, which is only told', { lag: { toAurora: { unknown: 'x' }, toDynamo: { unknown: 'x' } } }],
  ])('not %s', (_, figures) => {
    expect(blockers(figures)).toEqual([])
  })

  it('comes in the order in which it is to be mended, and the first is what to type next', () => {
    const { blockers: all, next } = forEntity(
      {
        owners: { value: { knownSince: null, aurora: 1, dynamo: 0, complete: true } },
        triggers: { value: { there: 0, missing: ['a'], changed: [], needless: [] } },
        parked: { toAurora: parked(1), toDynamo: nothingParked, conflicts: parked(1) },
        verification: { value: null },
      },
      ' --stack Prod',
    )
    expect(all.map(({ code }) => code)).toEqual([
      ...['owners.unknown', 'triggers.missing', 'conflicts', 'parked', 'verification.never'],
    ])
    expect(next.type).toBe('npx backsync owners take chef --stack Prod')
    expect(all.every(({ type }) => type?.endsWith(' --stack Prod'))).toBe(true)
  })
})

describe('what is to be done about the whole of a stack', () => {
  const whole = (more: Partial<Status> = {}, on = '') => adviceOf(wellWhole(more), on).map(told)
  const job = (state: JobFigure['state']): JobFigure => ({
    ...{ job: 'backfill:chef:from-dynamo', kind: 'backfill', state, step: 'items', items: 1 },
    ...{ segments: 4, segmentsDone: 1, by: 'ada', startedAt: ago(60), updatedAt: ago(6), message: 'no way' },
  })

  it('is nothing where all is well, jobs that run included', () => {
    expect(whole({ jobs: { value: [job('running')] } })).toEqual([])
  })

  it.each<[string, Partial<Status>, string]>([
    [
      'migrations that are pending',
      {
        migrations: {
          value: { applied: 0, pending: ['0001_a', '0002_b', '0003_c', '0004_d'], interrupted: [] },
        },
      },
      'mend migrations.pending: 0001_a, 0002_b, 0003_c and 1 more are not applied: deploy, or start the stack again',
    ],
    [
      'one that was interrupted',
      { migrations: { value: { applied: 0, pending: [], interrupted: ['0001_a'] } } },
      'mend migrations.interrupted: 0001_a is stopped half way: apply again, which says what to do',
    ],
    [
      'what is undelivered',
      { undelivered: { value: { batches: 2, complete: true, oldest: ago(60) } } },
      'mend undelivered: 2 batches were given up | npx backsync undelivered list --stack Prod',
    ],
    [
      'more undelivered than was listed',
      { undelivered: { value: { batches: 5_000, complete: false, oldest: ago(60) } } },
      'mend undelivered: at least 5000 batches were given up | npx backsync undelivered list --stack Prod',
    ],
    [
      'a stream that is late',
      { streams: { value: [{ function: 'BackSync', iteratorAge: 61_000, minutes: 15 }] } },
      'mend stream.late: BackSync gets its records 61 s late: see its errors and throttles',
    ],
    [
      'a kept table of which something is parked',
      { tables: [{ table: 'users-by-city', parked: parked(1) }] },
      'mend table.parked: 1 change is parked as users-by-city, mostly sql.1406: mend the cause, then retry | npx backsync parked list --entity users-by-city --stack Prod',
    ],
    [
      'a job that failed',
      { jobs: { value: [job('failed')] } },
      'wait job.failed: backfill:chef:from-dynamo failed: no way; the command that began it goes on',
    ],
    [
      'a job that was interrupted',
      { jobs: { value: [job('stopped')] } },
      'wait job.stopped: backfill:chef:from-dynamo was interrupted; the command that began it goes on',
    ],
    ['what is not known', { jobs: { unknown: 'denied' } }, 'mend unknown: not known: jobs: denied'],
  ])('%s', (_, figures, expected) => {
    expect(whole(figures, ' --stack Prod')).toEqual([expected])
  })

  it('not a stream that is only as late as they are', () => {
    expect(
      whole({ streams: { value: [{ function: 'BackSync', iteratorAge: 59_000, minutes: 15 }] } }),
    ).toEqual([])
  })
})
