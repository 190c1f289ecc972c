import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type CopyMachineParts,
  type CopySegment,
  concludeCopy,
  type PlannedCopy,
  planMachineCopy,
  readCopyOperation,
  runCopySegment,
} from '../../../../functions/bridge/copy/copy-machine.ts'
import type { CopyRequest } from '../../../../functions/bridge/copy/copy-request.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { withFaults } from '../jobs/faulty-dynamo.ts'
import { deadlineIn, idsOf, itemsOf, type JobTables, openJobTables, readAll } from '../jobs/job-tables.ts'
import { planAndCopy } from './plan-and-copy.ts'

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

const strangers: Item[] = Array.from({ length: 40 }, (_, n) => ({ id: { S: `stranger-${n}` } }))

/** A state machine over two tables; each call has parts of its own, as an invocation has. */
const openMachine = async (change: Partial<CopyRequest> = {}) => {
  const [from, to] = [await tables.create(), await tables.create()]
  await tables.put(from, itemsOf(200))
  await tables.put(to, strangers)
  const request: CopyRequest = {
    sourceTableName: from,
    destinationTableName: to,
    cleanupDestinationTable: true,
    migrate: true,
    segments: 3,
    ...change,
  }
  const parts = (more: Partial<CopyMachineParts> = {}): CopyMachineParts => ({
    clients: { source: tables.client, destination: tables.client },
    jobs: tables.jobs(),
    deadline: new Deadline(),
    by: 'an invocation',
    ...more,
  })
  return {
    from,
    to,
    request,
    parts,
    plan: (execution = 'execution-1', more: Partial<CopyMachineParts> = {}) =>
      planMachineCopy({ operation: 'plan', request, execution }, parts(more)),
    work: (planned: PlannedCopy, segment: CopySegment, more: Partial<CopyMachineParts> = {}) =>
      runCopySegment({ operation: 'segment', request: planned.request, ...segment }, parts(more)),
    conclude: (planned: PlannedCopy, more: Partial<CopyMachineParts> = {}) =>
      concludeCopy({ operation: 'conclude', request: planned.request }, parts(more)),
  }
}

describe('a copy by a state machine', () => {
  it('plans, works on all segments of a step at once, then of the next, and concludes', async () => {
    const { plan, work, conclude, to } = await openMachine()
    const planned = await plan()
    expect(planned.cleanup).toEqual([0, 1, 2].map((segment) => ({ step: 'cleanup', segment, segments: 3 })))
    for (const step of ['cleanup', 'migrate', 'verify'] as const) {
      const answers = await Promise.all(planned[step].map((segment) => work(planned, segment)))
      expect(answers).toEqual(
        planned[step].map((segment) => ({
          operation: 'segment',
          request: planned.request,
          ...segment,
          done: true,
        })),
      )
    }

    expect(await conclude(planned)).toMatchObject({ cleaned: 40, copied: 200, equal: true, done: true })
    expect(idsOf(await readAll(tables.client, to))).toEqual(idsOf(itemsOf(200)))
  })

  it('verifies at its conclusion where no map did', async () => {
    const { plan, work, conclude } = await openMachine()
    const planned = await plan()
    for (const step of ['cleanup', 'migrate'] as const)
      await Promise.all(planned[step].map((segment) => work(planned, segment)))

    expect(await conclude(planned)).toMatchObject({ destination: { items: 200 }, equal: true })
  })

  it('concludes twice with the same report, since an answer can be lost', async () => {
    const { plan, conclude } = await openMachine()
    const planned = await plan()
    const report = await conclude(planned)

    expect(await conclude(planned)).toEqual(report)
    expect(report).toMatchObject({ cleaned: 40, copied: 200, equal: true })
  })

  it('leaves out the steps that the request does not ask for', async () => {
    const only = await openMachine({ cleanupDestinationTable: false })
    const planned = await only.plan()
    expect(planned.cleanup).toEqual([])
    expect(planned.migrate).toHaveLength(3)
    const other = await openMachine({ migrate: false })
    expect(await other.plan()).toMatchObject({ migrate: [], verify: [{ step: 'verify' }, {}, {}] })
  })

  it('has its payloads read back as they are, through JSON', async () => {
    const { plan, request } = await openMachine()
    const planned: PlannedCopy = JSON.parse(JSON.stringify(await plan()))
    const [segment] = planned.migrate

    expect(
      readCopyOperation({ operation: 'segment', request: planned.request, ...segment, done: false }),
    ).toEqual({
      operation: 'segment',
      request: planned.request,
      ...segment,
    })
    expect(readCopyOperation({ operation: 'plan', request })).toEqual({ operation: 'plan', request })
    expect(readCopyOperation({ operation: 'conclude', request: planned.request })).toEqual({
      operation: 'conclude',
      request: planned.request,
    })
    expect(readCopyOperation(request)).toBeUndefined()
  })

  it.each([
    ['an unknown operation', { operation: 'erase', request: {} }],
    ['a worker without token', { operation: 'conclude', request: { sourceTableName: 'abc' } }],
    ['an unknown step', { operation: 'segment', step: 'erase', segment: 0, segments: 1, request: {} }],
    ['an unknown field', { operation: 'plan', request: {}, force: true }],
  ])('refuses %s', (_, event) => {
    expect(() => readCopyOperation(event)).toThrow('The request for a copy')
  })
})

describe('a worker', () => {
  it('stops before its time is over, and the next call goes on', async () => {
    const { plan, work } = await openMachine({ segments: 1, cleanupDestinationTable: false })
    const planned = await plan()
    const [segment] = planned.migrate
    if (segment === undefined) throw new Error('no segment')
    expect(await work(planned, segment, { deadline: deadlineIn(3_000) })).toMatchObject({
      done: false,
      segment: 0,
    })
    expect(await work(planned, segment)).toMatchObject({ done: true })
    // Called once more, by a retry: there is nothing left.
    expect(await work(planned, segment)).toMatchObject({ done: true })
  })

  it('does not begin to copy while the clean-up isn’t done, nor clean up what is copied', async () => {
    const { plan, work, to } = await openMachine()
    const planned = await plan()
    const [migrate] = planned.migrate
    const [cleanup] = planned.cleanup
    if (migrate === undefined || cleanup === undefined) throw new Error('no segments')
    await work(planned, cleanup)
    await expect(work(planned, migrate)).rejects.toThrow('with 1 of 3 segments done')
    for (const segment of planned.cleanup) await work(planned, segment)
    for (const segment of planned.migrate) await work(planned, segment)
    await expect(work(planned, cleanup)).rejects.toThrow(JobBusyError)

    expect(await readAll(tables.client, to)).toHaveLength(200)
  })

  it('of an execution that lost the job writes nothing', async () => {
    const { plan, work, to } = await openMachine()
    const old = await plan('execution-1')
    const [segment] = old.cleanup
    if (segment === undefined) throw new Error('no segments')
    await expect(plan('execution-2')).rejects.toThrow(JobBusyError)
    await plan('execution-2', { jobs: tables.jobs({ now: () => Date.now() + 61_000 }) })
    await expect(work(old, segment)).rejects.toThrow(JobBusyError)

    expect(await readAll(tables.client, to)).toHaveLength(strangers.length)
  })
})

describe('an execution', () => {
  it('that plans again gets the job at once, with what is left of it', async () => {
    const { plan, work, conclude } = await openMachine()
    const first = await plan('execution-1')
    for (const segment of first.cleanup) await work(first, segment)
    const [migrated] = first.migrate
    if (migrated === undefined) throw new Error('no segments')
    await work(first, migrated)
    const again = await plan('execution-1')

    expect(again.cleanup).toEqual([])
    expect(again.migrate.map(({ segment }) => segment)).toEqual([1, 2])
    await expect(conclude(first)).rejects.toThrow(JobBusyError)
    for (const segment of again.migrate) await work(again, segment)
    expect(await conclude(again)).toMatchObject({ cleaned: 40, copied: 200, equal: true })
  })

  it('goes on where a process stopped', async () => {
    const { plan, parts, request, conclude } = await openMachine()
    const controller = new AbortController()
    const stop = ({ step }: { step: string }): void => {
      if (step === 'migrate') controller.abort()
    }
    await planAndCopy(request, { ...parts(), concurrency: 1, signal: controller.signal, onProgress: stop })
    const planned = await plan()

    expect(planned.cleanup).toEqual([])
    expect(planned.migrate).toHaveLength(2)
    expect(await conclude(planned)).toMatchObject({ cleaned: 40, copied: 200, equal: true })
  })

  it('fails by name when the tables differ in the end, or items were refused', async () => {
    const { plan, work, conclude, to } = await openMachine()
    const planned = await plan()
    for (const step of ['cleanup', 'migrate'] as const)
      for (const segment of planned[step]) await work(planned, segment)
    await tables.put(to, [{ id: { S: 'intruder' } }])
    await expect(conclude(planned)).rejects.toMatchObject({ code: 'copy.not-equal', kind: 'data' })

    const other = await openMachine()
    await withFaults(
      ({ body }) => (body.includes('"item-7"') && body.includes('PutRequest') ? 'refuse' : 'none'),
      async (client) => {
        const clients = { source: tables.client, destination: client }
        const failing = other.conclude(await other.plan(), { clients })
        await expect(failing).rejects.toMatchObject({
          code: 'copy.refused-items',
          report: { refusedItems: 1 },
        })
      },
    )
  })

  it('fails by name when the time runs out at its conclusion, and can be repeated', async () => {
    const { plan, conclude } = await openMachine()
    const planned = await plan()
    await expect(conclude(planned, { deadline: deadlineIn(4_000) })).rejects.toMatchObject({
      code: 'copy.unfinished',
    })

    expect(await conclude(planned)).toMatchObject({ equal: true })
  })
})
