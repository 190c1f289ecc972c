import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

describe('backsync cutover', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack({ owned: ['chef', 'recipe'] })
  }, 60_000)
  afterAll(() => stack.close())

  const cutover = (...args: string[]) => stack.run('cutover', ...args)
  const forced = ['--force', '--why', 'a test', '--yes']
  const standing = async () => {
    const { stdout } = await cutover('status', '--json')
    return jsonLines(stdout).find((one) => Object(one).entity === 'chef')
  }

  it('says of routes that nobody has moved that they are legacy, and all is done', async () => {
    const { code, stdout } = await cutover('status')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^chef +legacy +0 +- +- +-$/m)])
    expect((await cutover('history', 'chef')).stdout).toBe('the route of chef was never moved\n')
  })

  it('shows what a move would do, how many keys it is about, and what stands against it, and does nothing', async () => {
    for (const args of [
      ['plan', 'chef', 'mirrored'],
      ['set', 'chef', 'mirrored', '--dry-run'],
      ['advance', 'chef', '--dry-run'],
    ]) {
      const { code, stdout } = await cutover(...args)
      expect([args, code]).toEqual([args, 0])
      expect(stdout).toMatch(/^to +mirrored$/m)
      expect(stdout).toMatch(/^keys +0, of which 0 change hands$/m)
      expect(stdout).toMatch(/^mirror +it is not mirrored.*npx backsync mirror install chef$/m)
    }
    const { stdout } = await cutover('plan', 'chef', 'mirrored', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ route: 'chef', from: 'legacy', to: 'mirrored', forward: true, dryRun: true },
      refusals: [{ gate: 'mirror' }],
    })
    expect(await standing()).toMatchObject({ standing: 'legacy', epoch: '0' })
  })

  it.each([
    [
      'something stands against it',
      ['set', 'chef', 'mirrored', '--yes'],
      4,
      /stays at legacy: it is not mirrored.*say mirror/s,
    ],
    ['it skips a stage', ['set', 'chef', 'live', '--yes'], 4, /legacy is followed by mirrored/],
    ['it is there already', ['set', 'chef', 'legacy', '--yes'], 4, /there already/],
    ['there is no rung', ['back', 'chef', '--yes'], 4, /no rung below/],
    ['nobody has confirmed it', ['set', 'chef', 'mirrored', '--force', '--why', 'x'], 4, /not confirmed/],
    ['it is forced without a reason', ['set', 'chef', 'mirrored', '--force'], 2, /--force needs --why/],
    ['there is no such stage', ['set', 'chef', 'nowhere'], 2, /known are legacy, mirrored/],
    ['it is no share', ['set', 'chef', 'live', '--percent', '101.123'], 2, /--percent/],
    ['there is no such route', ['set', 'nobody', 'live'], 2, /unknown entity nobody/],
    ['it was never moved', ['freeze', 'chef', '--yes'], 4, /never moved/],
    ['the body is none', ['canary', 'chef', '--body', '{"x":1}', '--yes'], 2, /no valid chef/],
  ])('refuses what can not be: %s', async (_, args, exit, why) => {
    const { code, stderr } = await cutover(...args)
    expect([code, stderr]).toEqual([exit, expect.stringMatching(why)])
    expect(await standing()).toMatchObject({ standing: 'legacy', epoch: '0' })
  })

  it('moves, sweeps, holds and goes back, and remembers all of it', async () => {
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('a', 'b'), ('c', 'd')",
    )
    expect((await cutover('set', 'chef', 'mirrored', ...forced)).code).toBe(0)
    expect((await cutover('advance', 'chef', ...forced)).stdout).toMatch(/^to +shadow$/m)
    expect(
      (await cutover('set', 'chef', 'live', '--percent', '100', '--deny', '2', ...forced)).stdout,
    ).toMatch(/^to +live 100 %$/m)

    const following = await cutover('status')
    expect([following.code, following.stdout]).toEqual([
      3,
      expect.stringMatching(/^chef +live 100 %, 1 denied +3 .*following +npx backsync cutover sweep chef$/m),
    ])
    expect((await cutover('sweep', 'chef', '--dry-run')).stdout).toMatch(/^to do +begin$/m)
    const swept = await cutover('sweep', 'chef', '--yes', '--json')
    expect([swept.code, swept.stderr]).toEqual([0, expect.any(String)])
    expect(JSON.parse(swept.stdout)).toMatchObject({ route: 'chef', claimed: 2, left: 0, settled: true })
    expect(await stack.item('chef', '1')).toMatchObject({
      backsync_owner: { S: 'dynamo' },
      backsync_epoch: { N: '3' },
    })
    expect(await stack.item('chef', '2')).toMatchObject({
      backsync_owner: { S: 'aurora' },
      backsync_epoch: { N: '3' },
    })
    expect((await cutover('status')).code).toBe(0)
    expect((await cutover('sweep', 'chef', '--yes')).stdout).toMatch(/^to do +nothing: it is settled$/m)

    expect((await cutover('freeze', 'chef', '--why', 'look', '--yes')).stdout).toMatch(/^state +frozen$/m)
    expect((await cutover('status')).code).toBe(3)
    expect((await cutover('freeze', 'chef', '--thaw', '--yes')).stdout).toMatch(/^state +let go$/m)

    expect((await cutover('back', 'chef', '--why', 'enough', '--yes')).stdout).toMatch(/^to +live 50 %$/m)
    const { stdout } = await cutover('history', 'chef')
    expect(stdout).toMatch(/^4 +\S+ +live 100 % +live 50 % .*enough$/m)
    expect(stdout).toMatch(
      /^3 +\S+ +shadow +live 100 %, 1 keys listed or taken out .*a test; forced: mirror, /m,
    )
  })

  it('tells of a key that was moved by hand how it follows again', async () => {
    await cutover('set', 'chef', 'live', '--percent', '100', ...forced)
    expect((await cutover('sweep', 'chef', '--yes')).code).toBe(0)
    expect((await stack.run('key', 'chef', '1', '--claim', 'aurora', '--yes')).code).toBe(0)
    const { code, stdout } = await cutover('sweep', 'chef', '--again', '--yes')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^1 +key\.moved-by-hand: .*npx backsync key chef 1 --claim dynamo$/m)
    expect(stdout).toContain(
      'the command beside each key that was moved by hand, then: npx backsync cutover sweep',
    )
    expect(stdout).not.toContain('parked list')
  })

  it('tells of a key that can not follow, and ends with 3', async () => {
    await stack.aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('stuck', 'x')")
    await stack.put('chef', '3', 9, {
      ...{ firstName: { S: 'there' }, lastName: { S: 'x' } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' } },
    })
    const { code, stdout } = await cutover('sweep', 'chef', '--again', '--yes')
    expect(code).toBe(3)
    expect(stdout).toMatch(/^settled +no$/m)
    expect(stdout).toMatch(/^3 +claim.conflict/m)
    expect(stdout).toContain('npx backsync parked list, then: npx backsync cutover sweep chef')
    expect((await stack.run('parked', 'list')).stdout).toContain('chef.conflicts')
  })
})
