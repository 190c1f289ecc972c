import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { withMirroredLists } from '../../../fixtures/team.ts'
import { mirroredChef } from '../../../functions/bridge/aurora/triggers/legacy.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { type Answer, openTestStack, startCli, type TestStack } from '../harness.ts'

const chef = mirroredChef()

describe('backsync cutover recover', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack({ owned: ['chef', 'recipe'] })
    await installMirror(stack.aurora, [chef])
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'a', 'T'), (2, 'b', 'T')",
    )
  }, 60_000)
  afterAll(() => stack.close())

  /** In a process of its own, which has chefs that are mirrored. */
  const run = (...args: string[]): Promise<Answer> =>
    startCli(args, { BACKSYNC_HOME: stack.home, NODE_OPTIONS: withMirroredLists, AWS_PROFILE: 'nobody' })
      .ended
  const recover = (...args: string[]) => run('cutover', 'recover', 'chef', ...args)
  const forced = ['--force', '--why', 'a test', '--yes']
  const rows = async () => {
    const [found] = await stack.aurora.legacy.query(
      'SELECT id, cheffirst AS first FROM cheftable ORDER BY id',
    )
    return found
  }

  it('shows what it would do, and refuses what is not so', async () => {
    const dry = await recover('--restored', 'aurora', '--dry-run')
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^restored +Aurora\nkeys go to +DynamoDB\nfrom +legacy\nto +live 100 %\nto do +begin$/m,
      ),
    ])
    const unsaid = await recover()
    expect([unsaid.code, unsaid.stderr]).toEqual([2, expect.stringMatching(/--restored names the store/)])
    const unmirrored = await stack.run('cutover', 'recover', 'chef', '--restored', 'aurora', '--yes')
    expect([unmirrored.code, unmirrored.stderr]).toEqual([
      4,
      expect.stringMatching(/chef is not mirrored.*npx backsync resync chef --from dynamo/s),
    ])
    expect((await recover('--restored', 'aurora')).code).toBe(4)
    expect((await run('cutover', 'history', 'chef')).stdout).toBe('the route of chef was never moved\n')
  })

  it('gives all keys to the store that has survived, and says how to bring the other one up to date', async () => {
    await run('cutover', 'set', 'chef', 'mirrored', ...forced)
    await run('cutover', 'advance', 'chef', ...forced)
    await run('cutover', 'set', 'chef', 'live', '--percent', '50', ...forced)
    expect((await run('cutover', 'sweep', 'chef', '--yes')).code).toBe(0)
    expect((await run('resync', 'chef', '--yes')).code).toBe(0)
    // Restored to before it had either.
    await removeMirror(stack.aurora, [chef])
    await stack.aurora.legacy.query('DELETE FROM cheftable')
    await installMirror(stack.aurora, [chef])

    const done = await recover('--restored', 'aurora', '--yes')
    expect([done.code, done.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^keys given +2\nleft +0$.*npx backsync resync chef --from dynamo, then: npx backsync verify chef/ms,
      ),
    ])
    expect(await stack.item('chef', '1')).toMatchObject({
      backsync_owner: { S: 'dynamo' },
      backsync_epoch: { N: '4' },
    })
    expect((await run('cutover', 'history', 'chef')).stdout).toMatch(
      /^4 +\S+ +live 50 % +live 100 % .*aurora was restored$/m,
    )
    expect((await run('resync', 'chef', '--from', 'dynamo', '--yes')).code).toBe(0)
    expect(await rows()).toEqual([
      expect.objectContaining({ first: 'a' }),
      expect.objectContaining({ first: 'b' }),
    ])
  })
})
