import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { RateLimiter } from '../../../../functions/bridge/drivers/dynamo/rate-limiter.ts'
import { DynamoJobs } from '../../../../functions/bridge/jobs/dynamo-jobs.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { TableFinishedError, TableNotReadyError } from '../../../../functions/bridge/tables/errors.ts'
import { type FillPlan, fillJobOf, planFill, runFill } from '../../../../functions/bridge/tables/fill.ts'
import { finishTable, requireReady } from '../../../../functions/bridge/tables/finish.ts'
import { reshape } from '../../../../functions/bridge/tables/projection.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { readTableState } from '../../../../functions/bridge/tables/table-state.ts'
import { planTableVerify, runTableVerify } from '../../../../functions/bridge/tables/verify.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { openKeptTables } from '../../../support/kept-tables.ts'

const preferences = defineTable({ name: 'preferences', key: { partition: 'id' } })
const v2 = reshape({ from: preferences, to: 'preferences-v2', set: { schema: 2 } })

let ground: TestTables
beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())

const open = async () => {
  const kept = await openKeptTables(ground, [v2])
  const sync = kept.parts()
  const jobsOf = (client = ground.client) =>
    new DynamoJobs({ client, table: kept.config.JOBS_TABLE, deadline: new Deadline() })
  const parts = { sync, jobs: jobsOf() }
  return {
    parts,
    source: kept.tables.preferences ?? '',
    target: kept.tables['preferences-v2'] ?? '',
    plan: (options: Parameters<typeof planFill>[2] = {}) => planFill(v2, parts, options),
    run: (plan: FillPlan, more: Partial<Parameters<typeof runFill>[1]> = {}) =>
      runFill(plan, { ...parts, by: 'a test', ...more }),
    state: () => readTableState(v2, parts),
  }
}
type World = Awaited<ReturnType<typeof open>>

let world: World
beforeEach(async () => {
  world = await open()
  for (let at = 0; at < 12; at++) await put(world.source, `u${at}`)
})
const put = (table: string, id: string, more: Item = {}): Promise<void> =>
  ground.put(table, { id: { S: id }, ...more })

describe('filling a kept table', () => {
  it('does what its plan says, and is done then', async () => {
    const { plan, run, state, parts, target } = world
    const planned = await plan({ segments: 3 })

    expect(planned).toMatchObject({
      job: 'fill:preferences-v2',
      todo: 'begin',
      segments: 3,
      segmentsDone: 0,
      finished: false,
    })
    expect(await parts.jobs.read(fillJobOf(v2))).toBeUndefined()
    expect(await state()).toMatchObject({ state: 'following', segments: 0 })
    expect(await run(planned)).toMatchObject({
      done: true,
      tally: { items: 12, applied: 12, skipped: 0, refused: 0 },
      segments: 3,
      segmentsDone: 3,
    })
    expect(await ground.all(target)).toHaveLength(12)
    expect(await parts.jobs.read(fillJobOf(v2))).toMatchObject({
      state: 'done',
      by: 'a test',
      result: { items: 12, applied: 12, skipped: 0, refused: 0 },
    })
    expect(await state()).toMatchObject({ state: 'filled', percent: 100, items: 12, segmentsDone: 3 })
    expect(await plan()).toMatchObject({ todo: 'nothing', segments: 3, segmentsDone: 3 })
    expect(await plan({ again: true, segments: 2 })).toMatchObject({ todo: 'begin', segments: 2 })
  })

  it('that is interrupted goes on behind the last page, and counts each item once', async () => {
    const { plan, run, state } = world
    const interrupt = new AbortController()
    const slow = new RateLimiter({ maxRate: 8, sleep: async () => {} })
    const first = await run(await plan({ segments: 1 }), {
      signal: interrupt.signal,
      limiter: slow,
      onProgress: ({ items }) => items >= 4 && interrupt.abort(),
    })

    expect(first).toMatchObject({ done: false, segmentsDone: 0, tally: { items: 4 } })
    expect(await state()).toMatchObject({ state: 'stopped', items: 4 })
    const rest = await plan({ segments: 7 })
    expect(rest).toMatchObject({ todo: 'go on', segments: 1, segmentsDone: 0 })
    const begun: number[] = []
    expect(await run(rest, { onBegin: ({ items }) => begun.push(items) })).toMatchObject({
      done: true,
      tally: { items: 12, applied: 12 },
      segmentsDone: 1,
    })
    expect(begun).toEqual([4])
    expect(await state()).toMatchObject({ state: 'filled', items: 12, applied: 12 })
  })

  it('that fails says why to whoever asks for its state, and can go on', async () => {
    const { plan, run, state } = world
    const planned = await plan()
    const failing = run(planned, {
      onProgress: () => {
        throw new Error('the roof is on fire')
      },
    })

    await expect(failing).rejects.toThrow('the roof is on fire')
    expect(await state()).toMatchObject({ state: 'failed', message: 'the roof is on fire' })
    expect(await run(await plan())).toMatchObject({ done: true, tally: { items: 12 } })
  })

  it('is not done while somebody else does it', async () => {
    const { plan, run, parts, state, source, target } = world
    const lease = await parts.jobs.take({
      job: fillJobOf(v2),
      kind: 'fill',
      spec: { from: source, to: target },
      segments: 1,
      step: 'fill',
      by: 'another',
    })

    await expect(run(await plan())).rejects.toThrow(JobBusyError)
    expect(await state()).toMatchObject({ state: 'filling', by: 'another' })
    expect(await ground.all(target)).toEqual([])
    await lease.end('stopped')
  })
})

describe('finishing a reshape', () => {
  it('is refused before it is filled, with what to do', async () => {
    const { parts } = world

    await expect(requireReady(v2, parts)).rejects.toThrow(TableNotReadyError)
    await expect(finishTable(v2, parts, 'ann')).rejects.toMatchObject({
      code: 'reshape.not-ready',
      message: "preferences-v2 can't be finished: it is not filled yet",
      cure: 'fill it: npx backsync reshape start preferences-v2',
    })
    expect(await parts.sync.states.read(v2.name)).toMatchObject({ state: 'following' })
  })

  it('looks again whether it may, however long somebody was asked', async () => {
    const { plan, run, parts } = world
    await run(await plan())
    await requireReady(v2, parts)
    const parked = {
      entity: v2.name,
      key: 'u1',
      version: 1n,
      class: 'data',
      code: 'record.invalid',
      message: 'bad',
      payload: '{}',
    } as const
    await parts.sync.parking.park([parked], new Date())

    await expect(finishTable(v2, parts, 'ann')).rejects.toMatchObject({
      message: "preferences-v2 can't be finished: 1 of its changes are parked",
    })
    expect((await parts.sync.states.read(v2.name)).state).toBe('following')
  })

  it('ends the following until a fill takes it back', async () => {
    const { plan, run, parts, state } = world
    await run(await plan())
    const verified = await runTableVerify(await planTableVerify(v2, parts), { ...parts, by: 'ann' })
    expect(verified.verification).toMatchObject({ equal: true, source: 12, target: 12 })
    await finishTable(v2, parts, 'ann')

    expect(await state()).toMatchObject({ state: 'finished', nextSteps: [] })
    await expect(finishTable(v2, parts, 'bob')).rejects.toThrow(TableFinishedError)
    await expect(plan()).rejects.toMatchObject({
      code: 'tables.not-following',
      message: expect.stringMatching(/^preferences-v2 is finished since \S+Z \(by ann\): /),
      cure: expect.stringMatching(/^npx backsync reshape start preferences-v2 --again /),
    })
    const again = await plan({ again: true })
    expect(again).toMatchObject({ todo: 'begin', finished: true })
    // A plan alone changes nothing.
    expect((await state()).state).toBe('finished')
    expect((await run(again)).done).toBe(true)
    expect((await state()).state).toBe('filled')
  })
})
