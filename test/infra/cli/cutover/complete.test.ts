import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { LEGACY_API } from '../../../../functions/bridge/runtime/metrics.ts'
import { openTestStack, type TestStack } from '../harness.ts'

describe('a route that is complete', () => {
  let stack: TestStack
  const cutover = (...args: string[]) => stack.run('cutover', ...args)
  const forced = ['--force', '--why', 'a test', '--yes']
  const go = async (entity: string, stage: string, ...more: string[]) =>
    expect(await cutover('set', entity, stage, ...more, ...forced)).toMatchObject({ code: 0 })

  beforeAll(async () => {
    stack = await openTestStack({ owned: ['chef', 'recipe'] })
    await stack.aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'b')")
    await go('chef', 'mirrored')
    await go('chef', 'shadow')
    await go('chef', 'live', '--percent', '100')
    expect((await cutover('sweep', 'chef', '--yes')).code).toBe(0)
  }, 60_000)
  afterAll(() => stack.close())

  it('is only planned with a warning of whoever has been seen to read there', async () => {
    const quiet = await cutover('plan', 'chef', 'complete')
    expect(quiet.stdout).toMatch(/^readers there +none at \/aurora\/chefs in 24 hours$/m)
    expect(quiet.stdout).toMatch(/^by SQL +nobody can tell here: ask the database who reads cheftable$/m)
    const published = { service: LEGACY_API, entity: 'chef', unit: 'Count' }
    stack.metrics.record({ ...published, name: 'Reads', values: [41] })
    stack.metrics.record({ ...published, name: 'Writes', values: [1] })
    const { stdout } = await cutover('plan', 'chef', 'complete')
    expect(stdout).toMatch(
      /^readers there +41 reads and 1 writes at \/aurora\/chefs in 24 hours, the last in the hour from /m,
    )
    expect(JSON.parse((await cutover('plan', 'chef', 'complete', '--json')).stdout)).toMatchObject({
      readers: { value: { hours: 24, reads: 41, writes: 1 } },
    })
  })

  it('is refused while another one that goes on refers to it, with what to do', async () => {
    const { code, stdout } = await cutover('set', 'chef', 'complete', '--yes')
    expect(code).toBe(4)
    expect(stdout).toMatch(
      /^referring +recipe refers to it and is not complete.*npx backsync cutover set recipe complete$/m,
    )
  })

  it('is not made so by a script that has not said yes: its name has to be typed', async () => {
    const { code, stderr } = await cutover('set', 'chef', 'complete', '--force', '--why', 'x')
    expect(code).toBe(4)
    expect(stderr).toMatch(/not confirmed: .*from where there is no way back/)
  })

  it('is made so against all that only when it is forced, and is remembered with it', async () => {
    const { code, stderr } = await cutover('set', 'chef', 'complete', ...forced)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^readers there: 41 reads/m)])
    expect((await cutover('history', 'chef')).stdout).toMatch(/complete .*forced: .*referring/)
    expect((await cutover('status')).stdout).toMatch(/^chef +complete .*npx backsync cutover sweep chef$/m)
  })

  it('has "status" say what is left to do: the sweep, and then what is left in Aurora', async () => {
    const next = async () => {
      const { stdout } = await stack.run('status', '--json')
      const { entities } = JSON.parse(stdout)
      const {
        stage,
        blockers,
        next: then,
      } = entities.find((one: { entity: string }) => one.entity === 'chef')
      return { stage: stage.value, blockers, type: then.type }
    }
    expect(await next()).toEqual({
      ...{ stage: { name: 'complete', settled: false }, blockers: [] },
      type: 'npx backsync cutover sweep chef',
    })
    expect((await cutover('sweep', 'chef', '--yes')).code).toBe(0)
    expect(await next()).toEqual({
      ...{ stage: { name: 'complete', settled: true }, blockers: [] },
      type: 'npx backsync cutover decommission chef',
    })
  })

  it.each([
    ['verify', 'chef'],
    ['repair', 'chef', '--yes'],
    ['backfill', 'chef', '--from', 'aurora', '--yes'],
    ['backfill', 'chef', '--from', 'dynamo', '--yes'],
    ['resync', 'chef', '--yes'],
    ['compare', 'GET', '/chefs'],
    ['mirror', 'install', 'chef', '--print'],
    ['cutover', 'recover', 'chef', '--restored', 'aurora', '--yes'],
    ['cutover', 'back', 'chef', '--yes'],
    ['cutover', 'set', 'chef', 'live', '--yes'],
  ])('refuses what needs both sides: %s %s', async (...args) => {
    const { code, stdout, stderr } = await stack.run(...args)
    expect([code, stdout, stderr]).toEqual([4, '', expect.stringMatching(/complete/)])
  })

  it('does not stand against the same of others', async () => {
    expect((await stack.run('verify', 'recipe')).code).toBe(0)
  })
})
