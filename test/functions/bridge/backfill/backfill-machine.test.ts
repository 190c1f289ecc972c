import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type BackfillMachineParts,
  type BackfillRequest,
  concludeBackfill,
  planMachineBackfill,
  readBackfillCall,
  runBackfillSegment,
} from '../../../../functions/bridge/backfill/backfill-machine.ts'
import { FillNotReadyError } from '../../../../functions/bridge/backfill/errors.ts'
import { FillRequestError } from '../../../../functions/bridge/jobs/fill-requests.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { deadlineIn } from '../jobs/job-tables.ts'
import { openTestFills, type TestFills } from './harness.ts'

const chef = mirroredChef()
const ROWS = 120

describe('a fill by a state machine', () => {
  let world: World
  let fills: TestFills
  beforeAll(async () => {
    world = await openWorld([chef], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [chef])
  }, 60_000)
  afterAll(() => Promise.all([world.close(), fills.close()]))
  /** Each test has ids of its own: the table of items is never emptied. */
  let first = 1
  beforeEach(async () => {
    await removeMirror(world.sync.aurora, [chef])
    await world.sync.aurora.empty()
    first += 1_000
    await world.sync.aurora.legacy.query('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
      Array.from({ length: ROWS }, (_, at) => [first + at, `chef ${at}`, 'T']),
    ])
    await installMirror(world.sync.aurora, [chef])
  })

  const parts = (more: Partial<BackfillMachineParts> = {}): BackfillMachineParts => ({
    ...fills.parts,
    entities: [chef],
    by: 'an invocation',
    ...more,
  })
  const request: BackfillRequest = {
    entity: 'chef',
    mode: 'backfill',
    from: 'aurora',
    again: true,
    segments: 4,
  }
  const plan = (change: Partial<BackfillRequest> = {}, execution = 'execution-1') =>
    planMachineBackfill({ operation: 'plan', request: { ...request, ...change }, execution }, parts())
  type Planned = Awaited<ReturnType<typeof plan>>
  const work = (
    planned: Planned,
    segment: Planned['items'][number],
    more: Partial<BackfillMachineParts> = {},
  ) => runBackfillSegment({ operation: 'segment', request: planned.request, ...segment }, parts(more))
  const workAll = async (planned: Planned): Promise<void> => {
    for (const step of ['items', 'rows', 'records', 'gone'] as const)
      for (const { done } of await Promise.all(planned[step].map((one) => work(planned, one))))
        expect(done).toBe(true)
  }
  const conclude = (planned: Planned) =>
    concludeBackfill({ operation: 'conclude', request: planned.request }, parts())
  const item = async (at: number) => (await world.item(chef, String(first + at)))?.firstName?.S
  const take = () => plan({}, 'execution-1')

  it('brings all rows, segment by segment, and concludes with what was done', async () => {
    const planned = await take()
    expect(planned.records).toEqual(
      [0, 1, 2, 3].map((segment) => ({ step: 'records', segment, segments: 4 })),
    )
    expect([planned.items, planned.rows, planned.gone]).toEqual([[], [], []])

    await workAll(planned)

    expect(await conclude(planned)).toMatchObject({ done: true, records: { items: ROWS, applied: ROWS } })
    expect([await item(0), await item(ROWS - 1)]).toEqual(['chef 0', `chef ${ROWS - 1}`])
    expect(await conclude(planned)).toMatchObject({ records: { items: ROWS } })
  })

  it('goes through the steps of a resync in their order, each when the one before has ended', async () => {
    const planned = await plan({ mode: 'resync', from: 'both' })
    const [rows] = planned.rows
    if (rows === undefined) throw new TypeError('no rows are to be looked at')
    await expect(work(planned, rows)).rejects.toThrow(JobBusyError)

    await workAll(planned)

    expect(await conclude(planned)).toMatchObject({ done: true, records: { items: ROWS } })
  })

  it('goes on where a process has stopped, and a process where it has', async () => {
    const stopped = new AbortController()
    const begun = await fills.fill(
      chef,
      { from: 'aurora', segments: 3 },
      { signal: stopped.signal, concurrency: 1, onProgress: () => stopped.abort() },
    )
    expect(begun).toMatchObject({ done: false, segmentsDone: 1 })
    const planned = await plan({ again: false, segments: 7 })
    expect(planned.records.map(({ segment, segments }) => [segment, segments])).toEqual([
      [1, 3],
      [2, 3],
    ])
    const [one] = planned.records
    if (one === undefined) throw new TypeError('nothing is left')
    await work(planned, one)

    const later = { ...fills.parts, jobs: fills.later() }
    const ended = await fills.fill(chef, { from: 'aurora', again: false }, later)
    expect(ended).toMatchObject({ done: true, segments: 3, records: { items: ROWS } })
    expect(await item(ROWS - 1)).toBe(`chef ${ROWS - 1}`)
    // The machine has lost it.
    await expect(work(planned, one)).rejects.toThrow(JobBusyError)
  })

  it('leaves a segment where its time is over, and is called again with what it was', async () => {
    const planned = await plan({ segments: 1 })
    const [only] = planned.records
    if (only === undefined) throw new TypeError('nothing is to be done')
    const late = await work(planned, only, { deadline: deadlineIn(1_000) })

    expect(late).toEqual({ operation: 'segment', request: planned.request, ...only, done: false })
    expect(readBackfillCall(JSON.parse(JSON.stringify(late)))).toEqual({
      operation: 'segment',
      request: planned.request,
      ...only,
    })
    expect(await work(planned, only)).toMatchObject({ done: true })
  })

  it('has workers share what the record allows, and hold back for what is live', async () => {
    const planned = await plan({ maxRate: 1_000_000, workers: 4 })
    let asked = 0
    const lag = async () => {
      asked += 1
      return 60_000
    }
    const [one] = planned.records
    if (one === undefined) throw new TypeError('nothing is to be done')
    await work(planned, one, { lag })
    // Within its first two seconds it has not looked.
    expect(asked).toBe(0)
    expect((await fills.parts.jobs.read('backfill:chef:from-aurora'))?.maxRate).toBe(1_000_000)
  })

  it('is refused while another execution is at it, but not by itself', async () => {
    await take()
    await expect(plan({}, 'execution-2')).rejects.toThrow(JobBusyError)
    expect((await plan({}, 'execution-1')).records).toHaveLength(4)
  })

  it('is refused where triggers are missing: what is written meanwhile would be lost', async () => {
    await removeMirror(world.sync.aurora, [chef])
    await expect(plan()).rejects.toThrow(FillNotReadyError)
  })

  it.each([
    [{ operation: 'plan', request: { ...request, entity: 7 } }, 'entity is not a text'],
    [{ operation: 'plan', request: { ...request, from: 'oracle' } }, 'from is none of dynamo, aurora, both'],
    [{ operation: 'plan', request: { ...request, workers: 0 } }, 'workers is below 1'],
    [{ operation: 'plan', request: { ...request, fast: true } }, 'fast is not known'],
    [{ operation: 'conclude', request }, 'token is not a text'],
    [{ operation: 'segment', request, step: 'gone', segment: -1, segments: 2 }, 'segment is below 0'],
    [{ operation: 'empty', request }, 'operation'],
    [{ entity: 'chef' }, 'it names no operation'],
  ])('refuses %j', (event, problem) => {
    expect(() => readBackfillCall(event)).toThrow(FillRequestError)
    expect(() => readBackfillCall(event)).toThrow(problem)
  })

  it('refuses an entity that is not there', async () => {
    await expect(plan({ entity: 'cook' })).rejects.toThrow('entity cook is not known')
  })
})
