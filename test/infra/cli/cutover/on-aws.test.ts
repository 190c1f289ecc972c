import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { startStates, type TestStates } from '../../../support/states.ts'
import { templateOf } from '../../fixtures/synthesise.ts'
import { definitionIn } from '../../fixtures/workflow.ts'
import { openTestStack, type TestStack } from '../harness.ts'

const ROWS = 30

/** The command, the machine of the template, the function that it invokes, and both stores. */
describe('backsync cutover sweep --on aws', () => {
  let stack: TestStack
  let states: TestStates
  /** What is done before an invocation. */
  let before: (payload: object) => void | Promise<void>

  beforeAll(async () => {
    stack = await openTestStack()
    // The function reads them when it loads.
    Object.assign(process.env, stack.functionSettings, { LOG_LEVEL: 'error' })
    const { handler } = await import('../../../../functions/operations/sweep.ts')
    states = await startStates(() => ({
      definition: definitionIn(templateOf(), 'Sweep'),
      invoke: async (payload) => {
        await before(Object(payload))
        const ends = performance.now() + 60_000
        return handler(payload, {
          awsRequestId: randomUUID(),
          getRemainingTimeInMillis: () => ends - performance.now(),
        })
      },
    }))
    await stack.aurora.legacy.query('INSERT INTO cheftable (cheffirst, cheflast) VALUES ?', [
      Array.from({ length: ROWS }, (_, at) => [`chef ${at}`, 'T']),
    ])
    before = () => {}
    await run('set', 'chef', 'mirrored', ...forced)
    await run('set', 'chef', 'shadow', ...forced)
  }, 60_000)
  afterAll(async () => {
    await states.close()
    await stack.close()
  })
  beforeEach(() => {
    before = () => {}
  })

  const run = (...args: string[]) =>
    stack.runWith({ env: { AWS_ENDPOINT_URL_SFN: states.endpoint } }, 'cutover', ...args)
  const forced = ['--force', '--why', 'a test', '--yes']
  const onAws = ['--on', 'aws', '--yes']
  const move = async (percent: string, ...more: readonly string[]): Promise<void> => {
    const moved = await run('set', 'chef', 'live', '--percent', percent, ...more, ...forced)
    expect([moved.code, moved.stderr]).toEqual([0, expect.any(String)])
  }

  it('starts the machine, watches it, and says what was done as a sweep of its own process does', async () => {
    await move('100')
    const { code, stdout, stderr } = await run('sweep', 'chef', ...onAws, '--json')
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^started arn:aws:states:.*:execution:Sweep:sweep-chef-\w{8}\n$/),
    ])
    expect(JSON.parse(stdout)).toMatchObject({ route: 'chef', claimed: ROWS, left: 0, settled: true })
    expect((await run('status')).code).toBe(0)
    expect((await run('sweep', 'chef', ...onAws)).stdout).toMatch(/^to do +nothing: it is settled$/m)
  }, 60_000)

  it('tells of what can not follow, and ends with 3', async () => {
    await move('50', '--allow', '1')
    await stack.put('chef', '1', 9, {
      ...{ firstName: { S: 'there' }, lastName: { S: 'x' } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' } },
    })
    await stack.aurora.legacy.query(
      'UPDATE cheftable SET backsync_owner = NULL, backsync_epoch = 0 WHERE id = 1',
    )
    const { code, stdout } = await run('sweep', 'chef', ...onAws)
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^settled +no$/m)])
    expect(stdout).toMatch(/^1 +claim\.conflict/m)
    await stack.aurora.legacy.query('DELETE FROM cheftable WHERE id = 1')
    await stack.put('chef', '1', 9, {
      ...{ firstName: { S: 'there' }, lastName: { S: 'x' } },
      ...{ backsync_owner: { S: 'dynamo' }, backsync_epoch: { N: '0' } },
    })
  }, 60_000)

  it('says why an execution failed, and a sweep of this process goes on with the rest', async () => {
    await move('20')
    before = (payload) => {
      if (Object(payload).step === 'items')
        throw Object.assign(new Error('the power went out'), { name: 'PowerError' })
    }
    const failed = await run('sweep', 'chef', ...onAws)
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringMatching(/sweep:chef: the execution failed: .*the power went out.*what was done is kept/m),
    ])
    await states.settled()
    await stack.endLeases()
    const { code, stdout } = await run('sweep', 'chef', '--yes', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ todo: 'go on', step: 'gone', settled: true })
    expect(code).toBe(0)
  }, 60_000)

  it('fails where the route is moved meanwhile, and says so', async () => {
    await move('5')
    let isMoved = false
    before = async (payload) => {
      if (isMoved || Object(payload).operation !== 'segment') return
      isMoved = true
      await move('1')
    }
    const { code, stderr } = await run('sweep', 'chef', ...onAws)
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/the execution failed: .*The route of chef was moved again: sweep it once more/m),
    ])
  }, 60_000)
})
