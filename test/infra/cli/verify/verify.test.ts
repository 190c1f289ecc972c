import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { localTarget } from '../../../../infra/cli/target/local.ts'
import { openVerify } from '../../../../infra/cli/target/open-verify.ts'
import { fakeTerminal } from '../conventions/terminal.ts'
import { openTestStack, type TestStack } from '../harness.ts'

describe('backsync verify', () => {
  let stack: TestStack
  let folder: string
  beforeAll(async () => {
    stack = await openTestStack()
    folder = await mkdtemp(join(tmpdir(), 'verify-'))
    for (const key of ['ann', 'bob', 'cleo']) await put(key, 'Ida')
    await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes')
  }, 60_000)
  afterAll(async () => {
    await rm(folder, { recursive: true })
    await stack.close()
  })

  const put = (key: string, firstName: string) =>
    stack.put('chef', key, 3, { firstName: { S: firstName }, lastName: { S: 'Test' } })

  it('says beforehand what there is to read, and that the server sums up the rows', async () => {
    const { code, stdout } = await stack.run('verify', 'chef', '--dry-run')

    expect(code).toBe(0)
    expect(stdout).toMatch(/^to do +compare about \d+ items of Chef-\S+ and about \d+ rows of cheftable$/m)
    expect(stdout).toMatch(/^rows +are summed up by the server$/m)
    expect((await stack.run('verify', 'recipe', '--dry-run')).stdout).toMatch(
      /^rows +are read and hashed here: it has the list ingredients$/m,
    )
  })

  it('says of stores that agree that they are equal, as of when', async () => {
    const { code, stdout } = await stack.run('verify', 'chef', '--patience', '0.05')

    expect(stdout).toMatch(
      /^entity +chef\nrows compared +3\nitems compared +3\nfresh +as of \S+Z\nresult +equal\ntook +\S+ \S+\n$/,
    )
    expect(code).toBe(0)
  })

  it('reads the rows from the database itself where that is named, and none over the Data API', async () => {
    const { host, port, api } = stack.aurora
    api.faults.add({ kind: 'error', error: 'ForbiddenException', sql: 'cheftable', times: 1_000 })
    const direct = ['--direct', `mysql://root@${host}:${port}`]
    const { code, stdout } = await stack.run('verify', 'chef', '--patience', '0.05', ...direct)
    const { code: other } = await stack.run('verify', 'chef', '--patience', '0.05')
    api.faults.clear()

    expect([code, stdout]).toEqual([0, expect.stringMatching(/^rows compared +3\nitems compared +3\n/m)])
    expect(other).toBe(1)
    const away = await stack.run('verify', 'chef', '--direct', 'mysql://root@127.0.0.1:1')
    expect([away.code, away.stderr]).toEqual([1, expect.stringMatching(/127\.0\.0\.1/)])
    expect((await stack.run('verify', 'chef', '--direct', 'http://x')).code).toBe(2)
  })

  it('ends with 3 where keys differ, names each with its kind, and says what to type', async () => {
    await put('bob', 'Eve')
    await put('dora', 'Ida')
    const report = join(folder, 'report.jsonl')

    const { code, stdout } = await stack.run('verify', 'chef', '--patience', '0.05', '--report', report)

    expect(code).toBe(3)
    expect(stdout).toMatch(
      /^result +2 keys differ\nonly in DynamoDB +1\nconflict +1\nreport +\S+report.jsonl$/m,
    )
    expect(stdout).toMatch(/^next +npx backsync \w+ chef --dry-run$/m)
    expect(stdout).toMatch(/^bob +conflict +3 +3 +dynamo +firstName$/m)
    expect(stdout).toMatch(/^dora +only in DynamoDB +- +3 +dynamo$/m)
    const lines = (await readFile(report, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line)).toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
      { key: 'bob', is: 'conflict', fields: ['firstName'], aurora: '3', dynamo: '3', owner: 'dynamo' },
      { key: 'dora', is: 'onlyDynamo', fields: [], dynamo: '3', owner: 'dynamo' },
    ])
  })

  it('tells scripts the same, of some keys as of all', async () => {
    const file = join(folder, 'keys')
    await writeFile(file, 'ann\nbob\n')

    const all = await stack.run('verify', 'chef', '--patience', '0.05', '--json')
    expect(JSON.parse(all.stdout)).toMatchObject({
      verification: {
        complete: true,
        rows: 3,
        items: 4,
        differences: { conflict: 1, onlyDynamo: 1 },
        unsettled: 0,
      },
      differences: expect.arrayContaining([expect.objectContaining({ key: 'bob', is: 'conflict' })]),
      hashed: 'by the server',
    })
    const some = await stack.run('verify', 'chef', '--keys', file, '--patience', '0.05', '--json')
    expect(JSON.parse(some.stdout)).toMatchObject({
      verification: { complete: false, differences: { conflict: 1, onlyDynamo: 0 } },
    })
  })

  it.each([
    [['--sample', '0'], '--sample "0" is not above 0 and below 100'],
    [['--since', 'yesterday'], '--since "yesterday" is not a time with its zone'],
    [['--sample', '5', '--since', '2026-11-22T10:00:00Z'], 'give only one of --sample, --since and --keys'],
    [['--keys', 'none/there'], "none/there can't be read"],
  ])('refuses %j', async (flags, why) => {
    const { code, stderr } = await stack.run('verify', 'chef', ...flags)

    expect(stderr).toContain(why)
    expect(code).toBe(2)
  })

  it('refuses an entity of which nobody knows whose its keys are, and says what to type', async () => {
    await stack.aurora.legacy.query("DELETE FROM backsync_owners WHERE entity = 'chef'")
    const { code, stderr } = await stack.run('verify', 'chef')

    expect(code).toBe(4)
    expect(stderr).toContain('npx backsync owners take chef')
  })

  it('waits for what is late either way before it looks again: the stream as well', async () => {
    const target = await localTarget({ ...process.env, BACKSYNC_HOME: stack.home })
    const lag = async () => openVerify({ target, io: fakeTerminal(false).io, debug: false }).lag?.()
    expect(await lag()).toBe(0)
    stack.metrics.record({
      ...{ service: 'event-source-mapping', entity: 'chef', functionName: 'BackSync', name: 'IteratorAge' },
      ...{ unit: 'Milliseconds', values: [7_000] },
    })

    expect(await lag()).toBe(7_000)
  })
})
