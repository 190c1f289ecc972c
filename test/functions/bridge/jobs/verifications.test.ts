import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ForeignJobItemError } from '../../../../functions/bridge/jobs/job-items.ts'
import {
  DIVERGENCES,
  differing,
  lastVerification,
  noteVerification,
  type Verification,
  verificationOf,
} from '../../../../functions/bridge/jobs/verifications.ts'
import { type JobTables, openJobTables } from './job-tables.ts'

let tables: JobTables
beforeAll(async () => {
  tables = await openJobTables()
})
afterAll(() => tables.close())

const NONE = Object.fromEntries(DIVERGENCES.map((one) => [one, 0])) as Verification['differences']
const found = (entity: string, more: Partial<Verification> = {}): Verification => ({
  entity,
  at: '2026-11-22T10:00:05.000Z',
  freshAt: '2026-11-22T10:00:00.000Z',
  complete: true,
  rows: 7,
  items: 8,
  differences: { ...NONE, onlyDynamo: 1 },
  unsettled: 0,
  tookMs: 4_500,
  ...more,
})

describe('what the last verification of an entity has found', () => {
  it('is nothing before there was one', async () => {
    expect(await lastVerification({ name: `e${randomUUID()}` }, tables.jobs())).toBeUndefined()
  })

  it('is what it has noted, also while the job runs anew', async () => {
    const name = `e${randomUUID()}`
    const jobs = tables.jobs()
    const verification = found(name)
    await noteVerification(verification, jobs)

    const request = { job: verificationOf({ name }), kind: 'verify', spec: {}, segments: 1, by: 'test' }
    const lease = await jobs.take({ ...request, step: 'items' })

    expect(await lastVerification({ name }, jobs)).toEqual(verification)
    await lease.end('stopped')
  })

  it('is the complete one, whatever part was looked at since', async () => {
    const name = `e${randomUUID()}`
    const jobs = tables.jobs()
    await noteVerification(found(name, { complete: false, rows: 1 }), jobs)
    expect(await lastVerification({ name }, jobs)).toMatchObject({ complete: false, rows: 1 })

    await noteVerification(found(name), jobs)
    await noteVerification(found(name, { complete: false, rows: 2 }), jobs)

    expect(await lastVerification({ name }, jobs)).toEqual(found(name))
  })

  it('is refused where no verification has written it', async () => {
    const name = `e${randomUUID()}`
    const jobs = tables.jobs()
    await jobs.notes.put(verificationOf({ name }), 'last', { found: { S: '{"rows":"many"}' } })

    await expect(lastVerification({ name }, jobs)).rejects.toThrow(ForeignJobItemError)
  })

  it('tells how many keys differ in all', () => {
    expect(differing(NONE)).toBe(0)
    expect(differing({ ...NONE, conflict: 2, parked: 3 })).toBe(5)
  })
})

describe('the notes of a job', () => {
  it('are listed by how their names begin, in their order, and are gone when they are removed', async () => {
    const { notes } = tables.jobs()
    const job = `notes:${randomUUID()}`
    for (const name of ['a#2', 'a#1', 'b#1']) await notes.put(job, name, { is: { S: name } })
    const listed = async (start: string): Promise<unknown[]> => {
      const all: unknown[] = []
      for await (const page of notes.list(job, start)) all.push(...page.map(({ is }) => is?.S))
      return all
    }

    expect(await listed('a#')).toEqual(['a#1', 'a#2'])
    await notes.remove(job, 'a#1')
    expect(await listed('')).toEqual(['a#2', 'b#1'])
  })
})
