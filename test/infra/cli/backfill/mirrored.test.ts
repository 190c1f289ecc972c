import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { withMirroredLists } from '../../../fixtures/team.ts'
import { mirroredChef } from '../../../functions/bridge/aurora/triggers/legacy.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { until } from '../../../support/until.ts'
import { type Answer, openTestStack, type Running, startCli, type TestStack } from '../harness.ts'

const chef = mirroredChef()

describe('backsync, of an entity that is mirrored', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
    await stack.aurora.legacy.query('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
      Array.from({ length: 60 }, (_, at) => [at + 1, `chef ${at + 1}`, 'T']),
    ])
  }, 60_000)
  afterAll(() => stack.close())

  /** In a process of its own, which has chefs that are mirrored. */
  const start = (...args: string[]): Running =>
    startCli(args, { BACKSYNC_HOME: stack.home, NODE_OPTIONS: withMirroredLists, AWS_PROFILE: 'nobody' })
  const run = (...args: string[]): Promise<Answer> => start(...args).ended
  const versionOf = async (id: number) => (await stack.item('chef', String(id)))?.version?.N

  it('backfill --from aurora is refused until the triggers are there, and says what to type', async () => {
    const { code, stderr } = await run('backfill', 'chef', '--from', 'aurora', '--yes')

    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(/^backsync: of the triggers of chef .*; npx backsync mirror install chef$/m),
    ])
    await installMirror(stack.aurora, [chef])
  })

  it('backfill --from aurora brings the rows, goes on where it was killed, and says what it did', async () => {
    const dry = await run('backfill', 'chef', '--from', 'aurora', '--dry-run')
    expect([dry.code, dry.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^to do +read cheftable, about 60 rows, in \d segments\nforecast +60 rows, .*; reading them takes \d+ s, applying them more$/m,
      ),
    ])
    const args = ['backfill', 'chef', '--from', 'aurora', '--yes']
    const killed = start(...args, '--max-rate', '8', '--segments', '1')
    await until('some items are there', 60_000, async () => (await versionOf(3)) === '1')
    killed.child.kill('SIGKILL')
    await killed.ended
    expect(await versionOf(60)).toBeUndefined()
    expect((await run(...args)).code).toBe(5)

    await stack.endLeases()
    const { code, stdout, stderr } = await run(...args, '--json')

    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ todo: 'go on', from: 'aurora', items: 60, parked: 0 })
    expect(await versionOf(60)).toBe('1')
    expect((await run(...args)).stdout).toMatch(
      /^to do +nothing, it ended at \S+; --again goes over its rows/m,
    )
  }, 120_000)

  it('resync goes both ways, and tells of both', async () => {
    await stack.aurora.legacy.query('SET FOREIGN_KEY_CHECKS = 0')
    await stack.aurora.legacy.query('TRUNCATE cheftable')
    await stack.put('chef', 'modern', 1, { firstName: { S: 'Ida' }, lastName: { S: 'T' } })
    const asked = await run('resync', 'chef')
    expect([asked.code, asked.stderr]).toEqual([
      4,
      expect.stringMatching(/what its items are, .* of what Aurora owns, .* whose rows are gone, on .*--yes/),
    ])

    const { code, stdout, stderr } = await run('resync', 'chef', '--yes')

    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^rows written +1$/m)
    expect(stdout).toMatch(/^items deleted +60$/m)
    expect((await stack.item('chef', '7'))?.backsync_deleted).toBeDefined()
  }, 120_000)
})
