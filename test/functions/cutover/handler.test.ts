import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { InvocationContext } from '../../../functions/bridge/runtime/deadline.ts'
import { openTestStack, type TestStack } from '../../infra/cli/harness.ts'
import { httpApiEvent } from '../fixtures/http-events.ts'

describe('the function of the facade', () => {
  let stack: TestStack
  let handler: (event: unknown, context: InvocationContext) => Promise<unknown>
  const lines: string[] = []
  const before = { ...process.env }
  const forced = ['--force', '--why', 'a test', '--yes']

  beforeAll(async () => {
    stack = await openTestStack()
    // The function reads them when it loads.
    Object.assign(process.env, stack.functionSettings, { IDEMPOTENCY_TABLE: 'none', LOG_LEVEL: 'error' })
    handler = (await import('../../../functions/cutover/handler.ts')).handler
    for (const to of [['mirrored'], ['shadow'], ['live', '--percent', '100']])
      await stack.run('cutover', 'set', 'chef', ...to, ...forced)
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      lines.push(String(text))
      return true
    })
  }, 60_000)
  afterAll(async () => {
    jest.restoreAllMocks()
    process.env = before
    await stack.close()
  })
  beforeEach(() => {
    lines.length = 0
  })

  const send = async (method: string, path: string, body?: unknown) => {
    const event = httpApiEvent(method, path, {
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const answer = await handler(event, { awsRequestId: 'request', getRemainingTimeInMillis: () => 20_000 })
    const { statusCode, headers } = Object(answer)
    return { status: statusCode, side: headers['backsync-side'] }
  }
  /** What was published of an entity. */
  const counts = () => {
    const published = lines.filter((line) => line.startsWith('{')).map((line) => Object(JSON.parse(line)))
    const [of] = published.filter((line) => '_aws' in line)
    return (
      of && {
        ...{ entity: of.entity, refused: of.MovesRefused, faults: of.Faults },
        aurora: of.AnswersAurora && [of.AnswersAurora, of.FaultsAurora ?? 0],
        dynamo: of.AnswersDynamo && [of.AnswersDynamo, of.FaultsDynamo ?? 0],
      }
    )
  }

  it('counts a key that can not be moved to where its route has it, and serves it where it is', async () => {
    await stack.aurora.legacy.query("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'a', 'b')")
    await stack.put('chef', '1', 9, {
      ...{ firstName: { S: 'there' }, lastName: { S: 'x' } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' } },
    })
    const answer = await send('PUT', '/chefs/1', { firstName: 'c', lastName: 'd' })
    expect(answer).toEqual({ status: 200, side: 'aurora' })
    expect(counts()).toEqual({ entity: 'chef', refused: 1, aurora: [1, 0] })
  })

  it('counts an answer that says that something has failed, at the side that was to answer', async () => {
    await stack.put('chef', '2', 1, { firstName: { N: '7' } })
    expect(await send('GET', '/chefs/2')).toMatchObject({ status: 500 })
    expect(counts()).toEqual({ entity: 'chef', faults: 1, dynamo: [1, 1] })
  })

  it('counts by their side what is as it should be, and what a client has done wrong', async () => {
    expect(await send('GET', '/chefs/1')).toMatchObject({ status: 200 })
    expect(counts()).toEqual({ entity: 'chef', aurora: [1, 0] })
    lines.length = 0
    expect(await send('GET', '/chefs/none')).toMatchObject({ status: 404 })
    expect(counts()).toEqual({ entity: 'chef', dynamo: [1, 0] })
    lines.length = 0
    expect(await send('GET', '/nothing')).toMatchObject({ status: 404 })
    expect(counts()).toBeUndefined()
  })
})
