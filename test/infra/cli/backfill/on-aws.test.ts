import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { startStates, type TestStates } from '../../../support/states.ts'
import { until } from '../../../support/until.ts'
import { templateOf } from '../../fixtures/synthesise.ts'
import { definitionIn } from '../../fixtures/workflow.ts'
import { openTestStack, type TestStack } from '../harness.ts'

const ITEMS = 40
const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Backfill'

/** The command, the machine of the template, the function that it invokes, and both stores. */
describe('backsync backfill --on aws', () => {
  let stack: TestStack
  let states: TestStates
  /** What an invocation has, in milliseconds, and what is done before it. */
  let world: { milliseconds: number; before: (payload: object) => void | Promise<void> }

  beforeAll(async () => {
    stack = await openTestStack()
    // The function reads them when it loads.
    Object.assign(process.env, stack.functionSettings, { LOG_LEVEL: 'error' })
    const { handler } = await import('../../../../functions/operations/backfill.ts')
    states = await startStates(() => ({
      definition: definitionIn(templateOf(), 'Backfill'),
      invoke: async (payload) => {
        await world.before(Object(payload))
        const ends = performance.now() + world.milliseconds
        return handler(payload, {
          awsRequestId: randomUUID(),
          getRemainingTimeInMillis: () => ends - performance.now(),
        })
      },
    }))
    for (let n = 0; n < ITEMS; n++)
      await stack.put('chef', `c${String(n).padStart(2, '0')}`, 3, {
        firstName: { S: `Ida ${n}` },
        lastName: { S: 'Test' },
      })
  }, 60_000)
  afterAll(async () => {
    await states.close()
    await stack.close()
  })
  beforeEach(async () => {
    world = { milliseconds: 60_000, before: () => {} }
    await stack.aurora.empty()
  })

  const run = (...args: string[]) =>
    stack.runWith({ env: { AWS_ENDPOINT_URL_SFN: states.endpoint } }, ...args)
  const backfill = ['backfill', 'chef', '--from', 'dynamo', '--on', 'aws', '--yes', '--again']
  const rows = async (): Promise<string[]> => {
    const [found] = await stack.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k FROM cheftable ORDER BY backsync_key',
    )
    return found.map(({ k }) => String(k))
  }

  it('starts the machine, watches it, and says what was done as a fill of its own process does', async () => {
    const { code, stdout, stderr } = await run(...backfill, '--json')

    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { todo: 'begin', segments: 8, segmentsDone: 8, items: ITEMS, parked: 0 },
    ])
    expect(stderr).toMatch(/^started arn:aws:states:.*:execution:Backfill:backfill-chef-from-dynamo-\w{8}\n$/)
    expect(await rows()).toHaveLength(ITEMS)
    const { scope, body } = states.calls.find(({ operation }) => operation === 'StartExecution') ?? {}
    expect(scope).toMatch(/^local\/\d{8}\/us-east-1\/states\/aws4_request$/)
    expect(body).toMatchObject({ stateMachineArn: MACHINE })
  }, 60_000)

  it('goes on with what an invocation has no time for', async () => {
    // An invocation begins no page in its last 5.5 seconds: it has half of one for its segment.
    world.milliseconds = 6_000
    const calls: object[] = []
    world.before = (payload) => void calls.push(payload)

    const { code } = await run(...backfill, '--segments', '1', '--concurrency', '1', '--max-rate', '40')

    expect(code).toBe(0)
    expect(await rows()).toHaveLength(ITEMS)
    const segments = calls.filter((payload) => Object(payload).operation === 'segment')
    expect(segments.length).toBeGreaterThan(1)
  }, 60_000)

  it('says why an execution failed, keeps what it had done, and goes on with the rest', async () => {
    let isFailing = true
    world.before = (payload) => {
      if (isFailing && Object(payload).segment === 3)
        throw Object.assign(new Error('the power went out'), { name: 'PowerError' })
    }
    const failed = await run(...backfill, '--concurrency', '1')
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^backsync: backfill:chef:from-dynamo: the execution failed: .*the power went out.*what was done is kept; go on with: npx backsync backfill chef --from dynamo --on aws --yes/m,
      ),
    ])
    await states.settled()

    isFailing = false
    const calls: object[] = []
    // Its lease is over within a minute; the next one tries to plan until then.
    world.before = async (payload) => {
      calls.push(payload)
      if (calls.length === 2) await stack.endLeases()
    }
    const { code, stdout, stderr } = await run(
      ...['backfill', 'chef', '--from', 'dynamo', '--on', 'aws', '--yes', '--json'],
    )
    expect(calls.slice(0, 2)).toMatchObject([{ operation: 'plan' }, { operation: 'plan' }])
    expect([code, stderr]).toEqual([0, expect.any(String)])
    expect(JSON.parse(stdout)).toMatchObject({ todo: 'go on', items: ITEMS })
    expect(await rows()).toHaveLength(ITEMS)
    const again = calls.map((payload) => Object(payload).segment).filter((segment) => segment !== undefined)
    expect(again).toContain(3)
    // What was done before it is not done again.
    expect(again).toEqual(expect.not.arrayContaining([0]))
  }, 60_000)

  it('is left alone by Ctrl-C, watched again by the same command, and bound anew by another rate', async () => {
    const interrupt = new AbortController()
    const slow = stack.runWith(
      { env: { AWS_ENDPOINT_URL_SFN: states.endpoint }, interrupt: interrupt.signal },
      ...[...backfill, '--segments', '2', '--max-rate', '1'],
    )
    await until('a row is there', 20_000, async () => (await rows()).length > 0)
    interrupt.abort()
    const left = await slow
    expect([left.code, left.stderr]).toEqual([
      130,
      expect.stringMatching(
        /the execution goes on; watch it with: npx backsync backfill chef .*--on aws.*; end it with: aws stepfunctions stop-execution --execution-arn arn:/,
      ),
    ])
    const busy = await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes')
    expect(busy.code).toBe(5)

    const begun = performance.now()
    const { code, stdout, stderr } = await run(
      ...['backfill', 'chef', '--from', 'dynamo', '--on', 'aws', '--max-rate', '5000'],
    )
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^watching arn:aws:states:/)])
    expect(stdout).toMatch(new RegExp(`^items read +${ITEMS} of about ${ITEMS}$`, 'm'))
    expect(await rows()).toHaveLength(ITEMS)
    // At the first bound it would have taken more than half a minute.
    expect(performance.now() - begun).toBeLessThan(20_000)
  }, 90_000)

  it('says of one that was stopped that it was', async () => {
    // Its workers soon end what they are at.
    world.milliseconds = 6_000
    const asked = run(...backfill, '--segments', '2', '--max-rate', '1')
    await until('a row is there', 20_000, async () => (await rows()).length > 0)
    for (const [arn, { status }] of states.executions) if (status === 'RUNNING') states.abort(arn)

    expect(await asked).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the execution was stopped'),
    })
    await stack.endLeases()
  }, 90_000)

  it('resync goes through all its steps', async () => {
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (backsync_key, cheffirst, cheflast, backsync_owner) VALUES ('gone', 'A', 'E', 'dynamo')",
    )
    const { code, stdout } = await run('resync', 'chef', '--from', 'dynamo', '--on', 'aws', '--yes', '--json')

    // Of a page that is read once more, part may be there already.
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { items: ITEMS, deleted: 1, parked: 0 }])
    expect(await rows()).toHaveLength(ITEMS)
  }, 60_000)

  it('waits out what passes, and names what is wrong with the set-up', async () => {
    states.faults.push({
      status: 400,
      body: { __type: 'com.amazon#ThrottlingException', message: 'slow down' },
    })
    states.faults.push({ status: 503, body: {} })
    expect((await run(...backfill)).code).toBe(0)

    states.faults.push({
      status: 400,
      body: { __type: 'AccessDeniedException', Message: 'not authorized to perform states:StartExecution' },
    })
    const { code, stderr } = await run(...backfill)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^backsync: StartExecution: AccessDeniedException: not authorized .*your credentials/,
      ),
    ])
  }, 60_000)

  it('is refused where nothing plays machines, before anything is asked or done', async () => {
    const { code, stderr } = await stack.run(...backfill)
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(
        /plays no state machines; leave --on aws out, or name a deployed stack with --stack/,
      ),
    ])
    const elsewhere = await run('backfill', 'chef', '--from', 'dynamo', '--on', 'gcp')
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('say --on aws')])
    expect(await rows()).toEqual([])
  })
})
