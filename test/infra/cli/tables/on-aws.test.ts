import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startStates, type TestStates } from '../../../support/states.ts'
import { until } from '../../../support/until.ts'
import { templateOf } from '../../fixtures/synthesise.ts'
import { definitionIn } from '../../fixtures/workflow.ts'
import { openTestTableStack, preferencesOf, type TestTableStack, usersOf } from './harness.ts'

/** The commands, the machine of the template, the function that it invokes, and DynamoDB. */
describe('filling kept tables --on aws', () => {
  let stack: TestTableStack
  let states: TestStates
  const calls: object[] = []

  beforeAll(async () => {
    stack = await openTestTableStack()
    // The function reads them when it loads.
    Object.assign(process.env, stack.functionSettings, { LOG_LEVEL: 'error' })
    const { handler } = await import('../../../../functions/operations/fill-tables.ts')
    states = await startStates(() => ({
      definition: definitionIn(templateOf(), 'FillTables'),
      invoke: (payload) => {
        calls.push(Object(payload))
        return handler(payload, { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 60_000 })
      },
    }))
    await stack.setOutputs({
      FillTablesStateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:FillTables',
    })
    await stack.put(stack.tables.users ?? '', usersOf(30))
    await stack.put(stack.tables['user-preferences'] ?? '', preferencesOf(30))
  }, 60_000)
  afterAll(async () => {
    await states.close()
    await stack.close()
  })

  const run = (...args: string[]) => stack.run(args, { env: { AWS_ENDPOINT_URL_SFN: states.endpoint } })

  it('replicate fill has the machine do it, and says what was done', async () => {
    const { code, stdout, stderr } = await run('replicate', 'fill', 'users-by-city', '--on', 'aws', '--json')

    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { todo: 'begin', segments: 8, segmentsDone: 8, items: 30, applied: 30, parked: 0 },
    ])
    expect(stderr).toMatch(/^started arn:aws:states:.*:execution:FillTables:fill-users-by-city-\w{8}\n$/)
    expect(calls.map((call) => Object(call).operation)).toEqual([
      'plan',
      ...Array.from({ length: 8 }, () => 'segment'),
      'conclude',
    ])
    expect((await run('replicate', 'status', 'users-by-city', '--verify')).code).toBe(0)
  }, 60_000)

  it('reshape start goes on with what its own process has begun, and has nothing to do then', async () => {
    const interrupt = new AbortController()
    const begun = stack.run(
      ['reshape', 'start', 'user-preferences-v2', '--max-rate', '4', '--segments', '3'],
      { interrupt },
    )
    const target = stack.tables['user-preferences-v2'] ?? ''
    await until('an item is there', 20_000, async () => (await stack.ground.all(target)).length > 0)
    interrupt.abort()
    expect((await begun).code).toBe(130)

    const { code, stdout } = await run('reshape', 'start', 'user-preferences-v2', '--on', 'aws', '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { todo: 'go on', segments: 3, items: 30 }])
    const again = await run('reshape', 'start', 'user-preferences-v2', '--on', 'aws')
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^to do +nothing: it was filled/m)])
  }, 60_000)

  it('follows again a table that is finished, once it has the job', async () => {
    const name = 'user-preferences-v2'
    expect((await run('reshape', 'finish', name, '--yes')).code).toBe(0)
    expect((await run('reshape', 'start', name, '--on', 'aws')).code).toBe(4)

    expect((await run('reshape', 'start', name, '--on', 'aws', '--again')).code).toBe(0)
    expect((await stack.parts().states.read(name)).state).not.toBe('finished')
  }, 60_000)
})
