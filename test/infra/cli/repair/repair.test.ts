import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { openTestStack, type TestStack } from '../harness.ts'

describe('backsync repair', () => {
  let stack: TestStack
  let folder: string
  beforeAll(async () => {
    stack = await openTestStack()
    folder = await mkdtemp(join(tmpdir(), 'repair-'))
    for (const key of ['ann', 'bob', 'cleo']) await put(key, 'Ida')
    await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes')
  }, 60_000)
  afterAll(async () => {
    await rm(folder, { recursive: true })
    await stack.close()
  })

  const put = (key: string, firstName: string, version = 3) =>
    stack.put('chef', key, version, { firstName: { S: firstName }, lastName: { S: 'Test' } })
  const verify = () => stack.run('verify', 'chef', '--patience', '0.05')

  it('is refused before a verification has told which keys differ', async () => {
    const { code, stderr } = await stack.run('repair', 'chef', '--yes')

    expect(code).toBe(4)
    expect(stderr).toContain('npx backsync verify chef')
  })

  it('shows both records of each key beforehand, asks, and repairs; conflicts it leaves', async () => {
    await put('ann', 'Eve', 4)
    await put('bob', 'Eve')
    await put('dora', 'Ida')
    expect((await verify()).code).toBe(3)
    const report = join(folder, 'report.jsonl')

    const dry = await stack.run('repair', 'chef', '--dry-run', '--json')
    expect([dry.code, JSON.parse(dry.stdout)]).toMatchObject([
      0,
      { bring: 2, decide: 0, leave: 1, dryRun: true, keys: expect.any(Array) },
    ])
    const unasked = await stack.run('repair', 'chef')
    expect(unasked.code).toBe(4)
    expect(unasked.stderr).toMatch(
      /^backsync: not confirmed: Making 3 keys of chef what their owners have on /,
    )

    const done = await stack.run('repair', 'chef', '--yes', '--report', report)
    expect(done.code).toBe(3)
    expect(done.stdout).toMatch(/^the same by now +0\nrepaired +2\nleft +1$/m)
    expect(done.stdout).toMatch(/^next +npx backsync repair chef --winner aurora --dry-run, or dynamo$/m)
    const lines = (await readFile(report, 'utf8'))
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    expect(lines).toContainEqual({
      ...{ key: 'ann', is: 'auroraBehind', owner: 'dynamo', action: 'bring', fields: ['firstName'] },
      before: {
        aurora: expect.objectContaining({ version: '3', row: { firstName: 'Ida', lastName: 'Test' } }),
        dynamo: expect.objectContaining({ version: '4', row: { firstName: 'Eve', lastName: 'Test' } }),
      },
      after: {
        aurora: expect.objectContaining({ version: '4', row: { firstName: 'Eve', lastName: 'Test' } }),
        dynamo: expect.objectContaining({ version: '4' }),
      },
      outcome: 'repaired',
    })
  })

  it('decides a conflict for the side that is said to be right, and both are equal then', async () => {
    const { code, stdout } = await stack.run('repair', 'chef', '--winner', 'aurora', '--yes')

    expect(stdout).toMatch(/^repaired +1\nleft +0\nnext +npx backsync verify chef$/m)
    expect(code).toBe(0)
    expect((await verify()).stdout).toMatch(/^result +equal$/m)
    expect((await stack.run('key', 'chef', 'bob', '--json')).stdout).toContain('"firstName": "Ida"')
  })
})
