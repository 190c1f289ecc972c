import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { InvocationContext } from '../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../support/aurora.ts'
import { openTestFailures, type TestFailures } from '../../support/failures.ts'
import { openTestParking, type TestParking } from '../bridge/parking/harness.ts'

let failures: TestFailures
let aurora: TestAurora
let parking: TestParking
let handler: (event: unknown, context: InvocationContext) => Promise<unknown>
const lines: string[] = []
const before = { ...process.env }

beforeAll(async () => {
  failures = await openTestFailures()
  aurora = await openTestAurora()
  parking = await openTestParking()
  Object.assign(process.env, {
    FAILURE_BUCKET: failures.name,
    AWS_ENDPOINT_URL_S3: failures.endpoint,
    CLUSTER_ARN: aurora.config.resourceArn,
    SECRET_ARN: aurora.secretArn,
    DATABASE_NAME: aurora.database,
    PARKING_TABLE: parking.table,
    AWS_ENDPOINT_URL_RDS_DATA: aurora.api.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    LOG_LEVEL: 'warn',
  })
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text))
    return true
  })
  handler = (await import('../../../functions/operations/watch.ts')).handler
})
afterAll(async () => {
  jest.restoreAllMocks()
  process.env = before
  await Promise.all([failures.close(), aurora.close(), parking.close()])
})

const context: InvocationContext = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }
const none = { answer: { undelivered: 0, undecided: 0 }, gauges: [0], undecided: [0], warnings: [] }
/** The function as a new process has it. */
const anew = async (): Promise<typeof handler> =>
  (await import(`../../../functions/operations/watch.ts?${Math.random()}`)).handler

/** What the function answers, publishes as a metric, and logs. */
const look = async () => {
  lines.length = 0
  const answer = await handler({}, { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 })
  const written = lines.map((line): Record<string, unknown> => JSON.parse(line))
  const published = written.filter((line) => '_aws' in line)
  const gauges = published.map(({ Undelivered }) => Undelivered)
  return {
    answer,
    gauges,
    undecided: published.map(({ Undecided }) => Undecided),
    warnings: written.filter(({ level }) => level === 'WARN'),
  }
}

describe('the function that watches', () => {
  it('publishes how many batches are undelivered, also none, until each is redriven or dropped', async () => {
    // The first call sweeps as well.
    await look()
    expect(await look()).toEqual(none)

    for (let n = 0; n < 3; n++)
      await failures.give([{ dynamodb: { SequenceNumber: `${n}1` } }], { table: 'Chefs' })
    const three = await look()
    expect([three.answer, three.gauges]).toEqual([{ undelivered: 3, undecided: 0 }, [3]])
    expect(three.warnings).toMatchObject([
      { message: expect.stringContaining('backsync undelivered list'), batches: 3 },
    ])

    const [first, second, third] = await failures.undelivered.heads()
    if (first && second && third) {
      await failures.undelivered.end(first, 'redriven')
      await failures.undelivered.end(second, 'dropped')
      expect((await look()).gauges).toEqual([1])
      await failures.undelivered.end(third, 'redriven')
    }
    expect(await look()).toEqual(none)
  })

  it('publishes how many keys are in conflict, until each is dropped', async () => {
    const conflict = (key: string) => ({
      ...{ entity: 'chef.conflicts', key, version: 3n, class: 'data' as const, byArrival: true as const },
      ...{ code: 'claim.conflict', message: 'Both sides hold something', payload: '{}' },
    })
    await parking.parking.park([conflict('a'), conflict('b')], new Date())
    const two = await look()
    expect([two.answer, two.undecided]).toEqual([{ undelivered: 0, undecided: 2 }, [2]])
    expect(two.warnings).toMatchObject([
      { message: expect.stringContaining('backsync parked list'), keys: 2 },
    ])

    for (const key of ['a', 'b'])
      await parking.parking.resolve(
        { entity: 'chef.conflicts', key },
        { upTo: { version: 3n }, how: 'superseded', at: new Date() },
      )
    expect(await look()).toEqual(none)
  })

  it('ends tombstones that have expired, once a day; and looks all the same while Aurora can not be reached', async () => {
    const bury = () =>
      aurora.legacy.query(
        "INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at) VALUES ('chef', 'old', 4, '2020-01-01')",
      )
    await bury()
    const fresh = await anew()
    aurora.api.faults.add({ kind: 'error', error: 'ServiceUnavailableError', message: 'Not now.' })
    lines.length = 0
    expect(await fresh({}, { awsRequestId: 'r', getRemainingTimeInMillis: () => 20_000 })).toEqual({
      ...{ undelivered: 0, undecided: 0 },
    })
    aurora.api.faults.clear()

    expect(await fresh({}, context)).toEqual({ undelivered: 0, undecided: 0, ended: 1 })
    await bury()
    expect(await fresh({}, context)).toEqual({ undelivered: 0, undecided: 0 })
    await aurora.empty()
  })
})
