import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { JobBusyError, JobChangedError, type JobRequest } from '../../../../functions/bridge/jobs/jobs.ts'
import { type JobParts, runJob, runSteps } from '../../../../functions/bridge/jobs/run-job.ts'
import { NOTHING } from '../../../../functions/bridge/jobs/segments.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { withFaults } from './faulty-dynamo.ts'
import { type JobTables, openJobTables } from './job-tables.ts'
import { PAGES, pagesOf, SEGMENTS } from './paged-job.ts'

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

const STEPS = ['read', 'check'] as const
const script = fileURLToPath(new URL('./job-process.ts', import.meta.url))

/** A job of two steps over pages in memory; `done` names each page that was worked on, in its order. */
const openWorld = () => {
  const job = `test:${randomUUID()}`
  const done: string[] = []
  const request: JobRequest = {
    job,
    kind: 'test',
    spec: { of: 'pages' },
    segments: SEGMENTS,
    step: 'read',
    by: 'a test',
  }
  const run = (
    each: (page: string) => unknown = () => {},
    { jobs = tables.jobs(), ...parts }: JobParts & { jobs?: ReturnType<JobTables['jobs']> } = {},
    change: Partial<JobRequest> = {},
  ) =>
    runJob({ ...request, ...change }, { jobs, ...parts }, async (given) => {
      const all = await runSteps(given, {
        steps: STEPS,
        segmentsFor: () => SEGMENTS,
        concurrency: 1,
        deadline: new Deadline(),
        open: (step) => ({
          scan: ({ segment }, start) => pagesOf(segment, start),
          page: async ({ items }) => {
            const page = `${step} ${items[0]?.id?.S}`
            await each(page)
            done.push(page)
            return { ...NOTHING, items: items.length }
          },
        }),
      })
      return { done: all, result: { pages: done.length } }
    })
  const record = () => tables.jobs().read(job)
  return { job, done, request, run, record }
}
const all = STEPS.flatMap((step) =>
  Array.from({ length: SEGMENTS }, (_, segment) =>
    Array.from({ length: PAGES }, (__, page) => `${step} ${segment}.${page}`),
  ).flat(),
)

describe('a job', () => {
  it('is taken, worked on step by step, and given back as done, with its result', async () => {
    const { done, run, record, request } = openWorld()

    expect(await run()).toEqual({ done: true, result: { pages: all.length } })
    expect(done).toEqual(all)
    expect(await record()).toMatchObject({ state: 'done', step: 'check', result: { pages: all.length } })
    // Nobody has to wait for a lease.
    const next = await tables.jobs().take({ ...request, by: 'another' })
    next.leave()
  })

  it.each(['read 0.1', 'check 1.1'])(
    'that is interrupted during %s ends as stopped behind that page, and goes on with the next',
    async (at) => {
      const { done, run, record } = openWorld()
      const interrupt = new AbortController()
      const first = await run((page) => page === at && interrupt.abort(), { signal: interrupt.signal })

      expect(first.done).toBe(false)
      expect(done.at(-1)).toBe(at)
      expect(await record()).toMatchObject({ state: 'stopped', result: first.result })
      expect((await run()).done).toBe(true)
      expect(done).toEqual(all)
    },
  )

  it('whose work throws the reason of the interruption ends as stopped, too', async () => {
    const { request, record } = openWorld()
    const interrupt = new AbortController()
    const reason = new Error('Ctrl-C')
    const stopping = runJob(
      request,
      { jobs: tables.jobs(), signal: interrupt.signal },
      async ({ signal }) => {
        interrupt.abort(reason)
        signal.throwIfAborted()
        return { done: true, result: undefined }
      },
    )

    await expect(stopping).rejects.toBe(reason)
    const left = await record()
    expect(left?.state).toBe('stopped')
    expect(left?.message).toBeUndefined()
  })

  it('that fails is given back with what happened, and goes on behind the last whole page', async () => {
    const { done, run, record } = openWorld()
    const failure = new RangeError('a page too far')
    const failing = run((page) => {
      if (page === 'check 0.1') throw failure
    })

    await expect(failing).rejects.toBe(failure)
    expect(await record()).toMatchObject({
      state: 'failed',
      step: 'check',
      message: 'RangeError: a page too far',
    })
    expect((await run()).done).toBe(true)
    expect(done).toEqual(all)
  })

  it('may word its failure by itself', async () => {
    const { run, record } = openWorld()
    const failing = run(
      () => {
        throw new Error('secret')
      },
      { messageOf: () => 'it broke' },
    )

    await expect(failing).rejects.toThrow('secret')
    expect((await record())?.message).toBe('it broke')
  })

  it('that fails and can’t be given back tells that, and throws the first error', async () => {
    const warnings: unknown[] = []
    let broken = false
    await withFaults(
      ({ operation }) => (broken && operation === 'UpdateItem' ? 'refuse' : 'none'),
      async (client) => {
        const { run, record, job } = openWorld()
        const failing = run(
          () => {
            broken = true
            throw new Error('the first one')
          },
          {
            jobs: tables.jobs({ client }),
            log: { warn: (message, fields) => warnings.push([message, fields?.job]) },
          },
        )

        await expect(failing).rejects.toThrow('the first one')
        expect(warnings).toEqual([['a job failed, and could not be given back', job]])
        expect((await record())?.state).toBe('running')
      },
    )
  })

  it('with another request than it was begun with is refused, and left as it is', async () => {
    const { run, record } = openWorld()
    const interrupt = new AbortController()
    await run(() => interrupt.abort(), { signal: interrupt.signal })
    const before = await record()

    await expect(run(undefined, {}, { spec: { of: 'others' } })).rejects.toThrow(JobChangedError)
    expect(await record()).toEqual(before)
  })
})

describe('a lease that another has', () => {
  it('keeps the job from being worked on', async () => {
    const { run, done, record, request } = openWorld()
    const lease = await tables.jobs().take({ ...request, by: 'another' })

    await expect(run()).rejects.toThrow(JobBusyError)
    expect(done).toEqual([])
    expect(await record()).toMatchObject({ state: 'running', by: 'another' })
    await lease.end('stopped')
  })

  it('since the work began ends that, and leaves the job to them', async () => {
    const { run, record, request } = openWorld()
    const later = tables.jobs({ now: () => Date.now() + 61_000 })
    const warnings: string[] = []
    const losing = run(
      async (page) => {
        if (page === 'read 0.1') (await later.take({ ...request, by: 'another' })).leave()
      },
      { log: { warn: (message) => warnings.push(message) } },
    )

    await expect(losing).rejects.toThrow(JobBusyError)
    const left = await record()
    expect(left).toMatchObject({ state: 'running', by: 'another' })
    expect(left?.message).toBeUndefined()
    // Nobody tried to give back what is not theirs.
    expect(warnings).toEqual([])
  })
})

it('a process that is killed in the midst leaves the job running; whoever comes next goes on there', async () => {
  const { run, done, record, job, request } = openWorld()
  const child = spawn(
    process.execPath,
    [script, process.env.TEST_DYNAMODB_ENDPOINT ?? '', tables.jobsTable, JSON.stringify(request)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  // It says which pages it has done, and waits for ever in one of them.
  const died: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'waiting') child.kill('SIGKILL')
    else died.push(line)
  }
  if (child.signalCode === null) await once(child, 'exit')

  expect(child.signalCode).toBe('SIGKILL')
  expect(died).toEqual(['read 0.0', 'read 0.1'])
  expect(await record()).toMatchObject({ state: 'running', by: 'a test' })
  await expect(run()).rejects.toThrow(JobBusyError)

  const later = tables.jobs({ now: () => Date.now() + 61_000 })
  expect(await run(undefined, { jobs: later })).toMatchObject({ done: true })
  // Of the page that it died in nothing was noted: it is done, and none before it again.
  expect(done).toEqual(all.slice(died.length))
  expect(await tables.jobs().read(job)).toMatchObject({ state: 'done' })
})
