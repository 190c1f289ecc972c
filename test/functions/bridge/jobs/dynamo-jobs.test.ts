import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { DynamoJobLease } from '../../../../functions/bridge/jobs/job-lease.ts'
import {
  JobBusyError,
  JobChangedError,
  type JobRequest,
  type SegmentProgress,
} from '../../../../functions/bridge/jobs/jobs.ts'
import { NOTHING } from '../../../../functions/bridge/jobs/segments.ts'
import { until } from '../../../support/until.ts'
import { losingAnswers } from './faulty-dynamo.ts'
import { type JobTables, openJobTables, readAll } from './job-tables.ts'

let tables: JobTables
const leases: DynamoJobLease[] = []

beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(async () => {
  for (const lease of leases) lease.leave()
  await tables.close()
})

/** A store over one table, whose clock stands until it is moved. */
const open = (parts: Parameters<JobTables['jobs']>[0] = {}) => {
  const clock = { time: Date.UTC(2026, 0, 1) }
  const jobs = tables.jobs({ now: () => clock.time, ...parts })
  const job = `test:${randomUUID()}`
  const take = async (more: Partial<JobRequest> = {}): Promise<DynamoJobLease> => {
    const lease = await jobs.take({
      job,
      kind: 'test',
      spec: { from: 'a', to: 'b' },
      segments: 3,
      step: 'first',
      by: 'one',
      ...more,
    })
    leases.push(lease)
    return lease
  }
  return { jobs, job, take, clock }
}
const at = (segment: number, more: Partial<SegmentProgress> = {}): SegmentProgress => ({
  segment,
  segments: 3,
  done: false,
  start: { id: { S: 'x' }, raw: { B: Uint8Array.of(0, 255) } },
  tally: { ...NOTHING, items: 7, checksum: 'ab'.repeat(16) },
  ...more,
})

describe('a job', () => {
  it('is new with all segments at their start, and keeps what is saved', async () => {
    const { jobs, job, take, clock } = open()
    const lease = await take()

    expect(lease.progress).toEqual(
      [0, 1, 2].map((segment) => ({ segment, segments: 3, done: false, tally: NOTHING })),
    )
    await lease.save(at(1))
    await lease.save(at(2, { done: true, refusals: [{ key: { id: { S: 'r' } }, why: 'too large' }] }))
    expect(lease.progress[1]).toEqual(at(1))
    expect(await jobs.segmentsOf(job, 'first')).toEqual([
      { segment: 0, segments: 3, done: false, tally: NOTHING },
      at(1),
      at(2, { done: true, refusals: [{ key: { id: { S: 'r' } }, why: 'too large' }] }),
    ])
    expect(await jobs.read(job)).toMatchObject({
      job,
      kind: 'test',
      state: 'running',
      step: 'first',
      spec: { from: 'a', to: 'b' },
      segments: 3,
      by: 'one',
      startedAt: new Date(clock.time).toISOString(),
    })
  })

  it('goes on where it stopped, with the division it was begun with', async () => {
    const { take } = open()
    const lease = await take()
    await lease.save(at(1))
    await lease.end('stopped')
    const next = await take({ by: 'two', segments: 8 })

    expect(next.progress.map(({ start }) => start)).toEqual([undefined, at(1).start, undefined])
    expect(next.record).toMatchObject({ state: 'running', segments: 3, by: 'two' })
    expect(next.record.endedAt).toBeUndefined()
  })

  it('goes from step to step; each has segments of its own', async () => {
    const { jobs, job, take } = open()
    const lease = await take()
    await lease.save(at(0, { done: true }))
    await lease.step('second', 2)

    expect(lease.record).toMatchObject({ step: 'second', segments: 2 })
    expect(lease.progress.map(({ segments, done }) => [segments, done])).toEqual([
      [2, false],
      [2, false],
    ])
    expect((await jobs.segmentsOf(job, 'first'))[0]?.done).toBe(true)
    await lease.end('failed', { message: 'no luck' })
    expect((await take()).record).toMatchObject({ step: 'second', segments: 2 })
  })

  it('that is done stays so, and starts anew only when asked to', async () => {
    const { jobs, job, take } = open()
    const lease = await take()
    await lease.save(at(0, { done: true }))
    await lease.end('done', { result: { items: 7 } })
    expect(await jobs.read(job)).toMatchObject({ state: 'done', result: { items: 7 } })

    const same = await take()
    expect(same.record.state).toBe('done')
    expect(same.progress[0]?.done).toBe(true)
    await same.end('done', { result: { items: 7 } })

    const anew = await take({ again: true, spec: { from: 'a', to: 'c' }, segments: 2 })
    expect(anew.record).toMatchObject({ state: 'running', spec: { from: 'a', to: 'c' }, segments: 2 })
    expect(anew.record.result).toBeUndefined()
    expect(anew.progress.map(({ done }) => done)).toEqual([false, false])
  })

  it('that isn’t done does not start anew, unless what it did is to be forgotten', async () => {
    const { take } = open()
    const lease = await take()
    await lease.save(at(0))
    await lease.end('stopped')
    const going = await take({ again: true })
    expect(going.progress[0]).toEqual(at(0))
    await going.end('failed')

    expect((await take({ again: 'unfinished' })).progress[0]?.start).toBeUndefined()
  })

  it('with another spec is refused, whatever the order of its members', async () => {
    const { take } = open()
    await (await take()).end('stopped')

    await expect(take({ spec: { from: 'a', to: 'z' } })).rejects.toThrow(JobChangedError)
    await expect(take({ spec: { to: 'b', from: 'a' } })).resolves.toBeDefined()
  })

  it('is listed by kind, beside items that are no jobs', async () => {
    const { jobs, job, take } = open()
    const kind = randomUUID()
    await take({ kind })
    await take({ kind, job: `${job}:a` })
    await take({ job: `${job}:b` })
    await tables.client.send(
      new PutItemCommand({
        TableName: tables.jobsTable,
        Item: { job: { S: 'projection#x' }, part: { S: 'state' } },
      }),
    )

    expect((await jobs.list(kind)).map((record) => record.job)).toEqual([job, `${job}:a`])
    expect((await jobs.list()).length).toBeGreaterThanOrEqual(3)
    expect(await jobs.read('nothing')).toBeUndefined()
    expect(await jobs.segmentsOf('nothing', 'first')).toEqual([])
  })

  it('is removed by the table some time after the last write', async () => {
    const { job, take, clock } = open()
    const lease = await take()
    await lease.save(at(0))
    const own = (await readAll(tables.client, tables.jobsTable)).filter((item) => item.job?.S === job)

    expect(own).toHaveLength(4)
    for (const { expires } of own) expect(Number(expires?.N)).toBe(clock.time / 1000 + 90 * 86_400)
  })
})

describe('a lease', () => {
  it('keeps others out while it lasts, and is over 60 s after its last renewal', async () => {
    const { take, clock } = open()
    const lease = await take()
    clock.time += 59_000
    await expect(take({ by: 'two' })).rejects.toThrow(JobBusyError)
    await expect(take({ by: 'two' })).rejects.toMatchObject({
      code: 'job.busy',
      message: expect.stringContaining('is being run by one'),
    })
    await lease.save(at(0))
    clock.time += 59_000
    await expect(take({ by: 'two' })).rejects.toThrow(JobBusyError)
    clock.time += 2_000

    expect((await take({ by: 'two' })).record.by).toBe('two')
  })

  it.each([
    ['save', (lease: DynamoJobLease) => lease.save(at(0))],
    ['save of a segment that nobody has saved yet', (lease: DynamoJobLease) => lease.save(at(2))],
    ['step', (lease: DynamoJobLease) => lease.step('second')],
    ['end', (lease: DynamoJobLease) => lease.end('done')],
  ])('that was taken over writes nothing: %s', async (_, write) => {
    const { jobs, job, take, clock } = open()
    const old = await take()
    await old.save(at(0))
    clock.time += 61_000
    await take({ by: 'two' })
    const before = [await jobs.read(job), await jobs.segmentsOf(job, 'first')]

    await expect(write(old)).rejects.toThrow(JobBusyError)
    expect(old.lost.aborted).toBe(true)
    expect([await jobs.read(job), await jobs.segmentsOf(job, 'first')]).toEqual(before)
  })

  it('is renewed by itself while a page takes its time, and is known to be lost when it is', async () => {
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'nextTick',
        'queueMicrotask',
        'performance',
        'Date',
      ],
    })
    try {
      const { take, clock } = open()
      const lease = await take()
      clock.time += 50_000
      const before = lease.record
      jest.advanceTimersByTime(15_000)
      await until('the lease is renewed', 5_000, async () => {
        const [head] = (await readAll(tables.client, tables.jobsTable)).filter(
          ({ job, part }) => job?.S === before.job && part?.S === 'head',
        )
        return Number(head?.leasedUntil?.N) === clock.time + 60_000
      })
      await expect(take({ by: 'two' })).rejects.toThrow(JobBusyError)
      clock.time += 61_000
      await take({ by: 'two' })
      jest.advanceTimersByTime(15_000)
      await until('the loss is known', 5_000, () => lease.lost.aborted)
      expect(lease.lost.reason).toBeInstanceOf(JobBusyError)
    } finally {
      jest.useRealTimers()
    }
  })

  it('goes to one of many who want it', async () => {
    const { take } = open()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => take({ by: `one of ${n}` })),
    )

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(JobBusyError)
  })

  it('is given again to the same owner at once, and the older one writes nothing any more', async () => {
    const { take } = open()
    const old = await take({ owner: 'execution-1' })
    const next = await take({ owner: 'execution-1' })

    await expect(old.save(at(0))).rejects.toThrow(JobBusyError)
    await next.save(at(0))
    await expect(take({ owner: 'execution-2' })).rejects.toThrow(JobBusyError)
    await expect(take()).rejects.toThrow(JobBusyError)
  })

  it('is over at the end, so that the next need not wait', async () => {
    const { take } = open()
    await (await take()).end('stopped')

    await expect(take({ by: 'two' })).resolves.toBeDefined()
  })

  it.each([
    ['PutItemCommand', 1],
    ['UpdateItemCommand', 2],
  ])('is taken once when the answer to %s is lost', async (command, count) => {
    const client = losingAnswers(count, command)
    const { take, jobs, job } = open({ client })
    const lease = await take()
    await lease.save(at(0))
    await lease.end('done')

    expect(client.lost()).toBe(count)
    expect(await jobs.read(job)).toMatchObject({ state: 'done' })
    client.destroy()
  })
})

describe('workers that join', () => {
  const segment = { step: 'first', segment: 0, segments: 3 }

  it('work under the token of whoever took the job', async () => {
    const { jobs, job, take } = open()
    const { token } = await take()
    const worker = await jobs.join(job, token)
    leases.push(worker)
    const { progress, save } = await worker.work(segment)
    await save({ ...progress, start: { id: { S: 'y' } } })

    expect((await jobs.segmentsOf(job, 'first'))[0]?.start).toEqual({ id: { S: 'y' } })
  })

  it('can’t join when the job was taken over', async () => {
    const { jobs, job, take, clock } = open()
    const { token } = await take()
    const worker = await jobs.join(job, token)
    leases.push(worker)
    const { save } = await worker.work(segment)
    clock.time += 61_000
    await take({ by: 'two' })

    await expect(jobs.join(job, token)).rejects.toThrow(JobBusyError)
    await expect(jobs.join(`${job}?`, token)).rejects.toThrow(JobBusyError)
    await expect(save(at(0))).rejects.toThrow(JobBusyError)
  })

  it('shut out whoever worked on the segment before', async () => {
    const { jobs, job, take } = open()
    const { token } = await take()
    const [zombie, worker] = [await jobs.join(job, token), await jobs.join(job, token)]
    leases.push(zombie, worker)
    const old = await zombie.work(segment)
    await old.save(at(0))
    const fresh = await worker.work(segment)

    expect(fresh.progress.start).toEqual(at(0).start)
    await expect(old.save(at(0, { done: true }))).rejects.toThrow(JobBusyError)
    await fresh.save(at(0, { done: true }))
  })

  it('keep the lease by their saves', async () => {
    const { jobs, job, take, clock } = open()
    const { token } = await take()
    const worker = await jobs.join(job, token)
    leases.push(worker)
    const { save } = await worker.work(segment)
    clock.time += 50_000
    await save(at(0))
    clock.time += 50_000

    await expect(take({ by: 'two' })).rejects.toThrow(JobBusyError)
  })

  it('go to the next step only when the one before is done, and then not back', async () => {
    const { jobs, job, take } = open()
    const lease = await take()
    const join = async () => {
      const worker = await jobs.join(job, lease.token)
      leases.push(worker)
      return worker
    }
    const next = { step: 'second', segment: 0, segments: 2, after: 'first' }
    await lease.save(at(0, { done: true }))
    await lease.save(at(1, { done: true }))
    await expect((await join()).work(next)).rejects.toThrow('2 of 3 segments done')
    await lease.save(at(2, { done: true }))
    const workers = await Promise.all([join(), join(), join()])
    await Promise.all(workers.map((worker, n) => worker.work({ ...next, segment: n % 2 })))

    expect(await jobs.read(job)).toMatchObject({ step: 'second', segments: 2 })
    await expect((await join()).work(segment)).rejects.toThrow(JobBusyError)
  })
})

describe('the bound of a job', () => {
  it('is set anew while somebody works on it, and outlives whatever that one writes', async () => {
    const { jobs, job, take, clock } = open()
    const lease = await take({ maxRate: 100 })
    expect(await jobs.read(job)).toMatchObject({ maxRate: 100 })

    expect(await jobs.tune(job, { maxRate: 12.5 })).toMatchObject({ state: 'running', maxRate: 12.5 })
    clock.time += 20_000
    await lease.save(at(1))
    await lease.step('second')

    expect(await jobs.read(job)).toMatchObject({ step: 'second', maxRate: 12.5 })
    await lease.save(at(1))
  })

  it('is of what is live as well: how late that may be; what isn’t said stays', async () => {
    const { jobs, job, take } = open()
    await take({ maxRate: 100, maxLag: 2_000 })
    expect(await jobs.tune(job, { maxLag: 30_000 })).toMatchObject({ maxRate: 100, maxLag: 30_000 })
    expect(await jobs.tune(job, { maxRate: 5 })).toMatchObject({ maxRate: 5, maxLag: 30_000 })
  })

  it('is nobody’s to set where nobody works on it', async () => {
    const { jobs, job, take, clock } = open()
    expect(await jobs.tune(job, { maxRate: 5 })).toBeUndefined()
    await take()
    expect(await jobs.held(job)).toMatchObject({ job, by: 'one' })
    clock.time += 61_000
    expect([await jobs.held(job), await jobs.tune(job, { maxRate: 5 })]).toEqual([undefined, undefined])
    const lease = await take()
    await lease.end('stopped')
    expect(await jobs.tune(job, { maxRate: 5 })).toBeUndefined()
  })

  it('is of one run: who goes on says its own', async () => {
    const { jobs, job, take } = open()
    const lease = await take({ maxRate: 100 })
    await jobs.tune(job, { maxRate: 5 })
    await lease.end('stopped')

    const next = await take()
    expect((await jobs.read(job))?.maxRate).toBeUndefined()
    await next.end('stopped')
    await take({ maxRate: 7 })
    expect(await jobs.read(job)).toMatchObject({ maxRate: 7 })
  })
})
