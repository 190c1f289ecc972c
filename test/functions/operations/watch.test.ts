import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { InvocationContext } from '../../../functions/bridge/runtime/deadline.ts'
import { openTestFailures, type TestFailures } from '../../support/failures.ts'

let failures: TestFailures
let handler: (event: unknown, context: InvocationContext) => Promise<unknown>
const lines: string[] = []
const before = { ...process.env }

beforeAll(async () => {
  failures = await openTestFailures()
  Object.assign(process.env, {
    FAILURE_BUCKET: failures.name,
    AWS_ENDPOINT_URL_S3: failures.endpoint,
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
  await failures.close()
})

/** What the function answers, publishes as a metric, and logs. */
const look = async () => {
  lines.length = 0
  const answer = await handler({}, { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 })
  const written = lines.map((line): Record<string, unknown> => JSON.parse(line))
  const gauges = written.filter((line) => '_aws' in line).map(({ Undelivered }) => Undelivered)
  return { answer, gauges, warnings: written.filter(({ level }) => level === 'WARN') }
}

describe('the function that watches', () => {
  it('publishes how many batches are undelivered, also none, until each is redriven or dropped', async () => {
    expect(await look()).toEqual({ answer: { undelivered: 0 }, gauges: [0], warnings: [] })

    for (let n = 0; n < 3; n++)
      await failures.give([{ dynamodb: { SequenceNumber: `${n}1` } }], { table: 'Chefs' })
    const three = await look()
    expect([three.answer, three.gauges]).toEqual([{ undelivered: 3 }, [3]])
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
    expect(await look()).toEqual({ answer: { undelivered: 0 }, gauges: [0], warnings: [] })
  })
})
