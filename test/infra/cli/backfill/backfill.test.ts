import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { until } from '../../../support/until.ts'
import { openTestStack, type TestStack } from '../harness.ts'

describe('backsync backfill', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(() => stack.aurora.empty())

  const put = (key: string, firstName = { S: 'Ida' } as const) =>
    stack.put('chef', key, 3, { firstName, lastName: { S: 'Test' } })
  const rows = async (): Promise<string[]> => {
    const [found] = await stack.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k FROM cheftable ORDER BY backsync_key',
    )
    return found.map(({ k }) => String(k))
  }

  it('shows with --dry-run what it would do, asks before it does, and does nothing until then', async () => {
    await put('one')
    const dry = await stack.run('backfill', 'chef', '--from', 'dynamo', '--dry-run')
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(
      /^entity +chef\nto do +scan Chef-\S+, about \d+ items?, in \d+ segments\nforecast +1 items, \d+ bytes; reading them takes \d+ s, applying them more\n$/m,
    )
    const other = await stack.run('backfill', 'recipe', '--from', 'dynamo', '--dry-run')
    expect(other.stdout).toMatch(/^refers to +chef: fill these first$/m)
    const unasked = await stack.run('backfill', 'chef', '--from', 'dynamo')
    expect([unasked.code, unasked.stdout]).toEqual([4, ''])
    expect(unasked.stderr).toMatch(
      /^backsync: not confirmed: Filling Aurora with the items of chef on .*--yes/,
    )
    expect(await rows()).toEqual([])
  })

  it('fills, says what it did, and has nothing to do then', async () => {
    const { code, stdout, stderr } = await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^rows written +1$/m)
    expect(stdout).not.toMatch(/^next /m)
    expect(await rows()).toEqual(['one'])

    const done = await stack.run('backfill', 'chef', '--from', 'dynamo')
    expect([done.code, done.stdout]).toMatchObject([
      0,
      expect.stringMatching(/^to do +nothing, it ended at \S+; --again goes over its items once more$/m),
    ])
    const again = await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes', '--json', '--again')
    expect(JSON.parse(again.stdout)).toMatchObject({
      items: 1,
      written: 0,
      held: 1,
      already: 1,
      newer: 0,
      passed: 0,
      parked: 0,
      seconds: expect.any(Number),
      forecast: { items: 1, exact: true, atLeastSeconds: expect.any(Number), seconds: null },
      dryRun: false,
    })
  })

  it('ends with 3 where something is parked, and says what to type', async () => {
    await stack.put('chef', 'bad', 1, { firstName: { N: '7' }, lastName: { S: 'Test' } })

    const { code, stdout } = await stack.run('backfill', 'chef', '--from', 'dynamo', '--yes', '--again')

    expect(code).toBe(3)
    expect(stdout).toMatch(/^parked +1\n.*\nnext +npx backsync parked list$/m)
    expect((await stack.run('parked', 'list')).stdout).toMatch(/^chef +bad /m)
    await put('bad')
  })

  it('resync deletes as well what no stream has told of, asks before, and says of both how many', async () => {
    await put('kept')
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (backsync_key, cheffirst, cheflast, backsync_owner) VALUES ('gone', 'A', 'E', 'dynamo')",
    )
    const unasked = await stack.run('resync', 'chef', '--from', 'dynamo')
    expect([unasked.code, unasked.stderr]).toEqual([
      4,
      expect.stringMatching(/deleting those whose items are gone, on .*--yes/),
    ])
    expect(await rows()).toEqual(['gone'])

    const { code, stdout } = await stack.run('resync', 'chef', '--from', 'dynamo', '--yes')

    expect(code).toBe(0)
    expect(stdout).toMatch(/^rows looked at +\d+\nrows deleted +1$/m)
    expect(await rows()).not.toContain('gone')
    expect(await rows()).toContain('kept')
    const done = await stack.run('resync', 'chef', '--from', 'dynamo', '--json')
    expect(JSON.parse(done.stdout)).toMatchObject({ todo: 'nothing', entity: 'chef' })
  })

  it('asks where the items are, and knows no other entity than there is', async () => {
    const nowhere = await stack.run('backfill', 'chef')
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('--from dynamo')])
    const elsewhere = await stack.run('backfill', 'chef', '--from', 'oracle')
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('--from dynamo')])
    const cook = await stack.run('backfill', 'cook', '--from', 'dynamo')
    expect([cook.code, cook.stderr]).toEqual([2, expect.stringContaining('unknown entity cook')])
  })

  it('brings nothing from Aurora that no trigger would tell of, and says what to do', async () => {
    const { code, stderr } = await stack.run('backfill', 'chef', '--from', 'aurora', '--yes')
    expect([code, stderr]).toEqual([
      4,
      expect.stringMatching(
        /^backsync: chef is not mirrored: .*; say mirror: \{\} in the definition of chef/,
      ),
    ])
    const resync = await stack.run('resync', 'chef', '--from', 'aurora', '--dry-run')
    expect([resync.code, resync.stderr]).toEqual([4, expect.stringContaining('chef is not mirrored')])
    // Nothing is said of a side: what is not mirrored is Aurora's own to keep.
    expect(JSON.parse((await stack.run('resync', 'chef', '--dry-run', '--json')).stdout)).toMatchObject({
      from: 'dynamo',
    })
  })

  it('is bound anew while it runs, by the same command with another rate, and tells its forecast at the end', async () => {
    for (let n = 0; n < 250; n++) await put(`t${String(n).padStart(3, '0')}`)
    // At this bound it would take more than a minute: its process would be ended before.
    const slow = stack.start(
      ...['backfill', 'chef', '--from', 'dynamo', '--yes', '--max-rate', '4', '--segments', '2', '--again'],
    )
    await until('some rows are there', 30_000, async () => (await rows()).length > 4)
    const before = (await rows()).length
    expect(before).toBeLessThan(200)

    const { code, stdout } = await stack.run('backfill', 'chef', '--from', 'dynamo', '--max-rate', '5000')
    expect(code).toBe(5)
    expect(stdout).toMatch(
      /^to do +nothing: .+ is at it, from its next page on with at most 5,000 items\/s$/m,
    )

    const ended = await slow.ended
    expect([ended.code, ended.stderr]).toEqual([0, expect.any(String)])
    expect(await rows()).toEqual(expect.arrayContaining(['t000', 't249']))
    expect(ended.stdout).toMatch(/^took +\d+ s \(forecast by its first pages: .*\)$/m)
  }, 90_000)

  it('is held back while the stream is late, says so, and is let go by another --max-lag while it runs', async () => {
    for (let n = 0; n < 300; n++) await put(`l${String(n).padStart(3, '0')}`)
    stack.metrics.record({
      ...{ service: 'event-source-mapping', entity: 'chef', functionName: 'BackSync', name: 'IteratorAge' },
      ...{ unit: 'Milliseconds', values: [60_000] },
    })
    const args = ['backfill', 'chef', '--from', 'dynamo', '--yes']
    const held = stack.start(...args, '--max-rate', '40', '--segments', '2', '--again')
    await until('it is held back', 30_000, () =>
      /\(held back to \d+\/s: what is live is 1 m 0 s behind\)/.test(held.stderr()),
    )
    const { code, stdout } = await stack.run(...args, '--max-lag', '5m', '--max-rate', '5000')
    expect(code).toBe(5)
    expect(stdout).toMatch(
      /at most 5,000 items\/s, held back while what is live is more than 5 m 0 s behind$/m,
    )

    const begun = performance.now()
    expect((await held.ended).code).toBe(0)
    // At 20 a second it would have taken more than ten.
    expect(performance.now() - begun).toBeLessThan(8_000)
    expect((await rows()).length).toBeGreaterThanOrEqual(300)
  }, 90_000)

  it('that is killed goes on where it stopped, with the same command, once its lease is over', async () => {
    for (let n = 0; n < 60; n++) await put(`k${String(n).padStart(2, '0')}`)
    const args = ['backfill', 'chef', '--from', 'dynamo', '--yes']
    const { child, ended } = stack.start(...args, '--max-rate', '20', '--segments', '2', '--again')
    await until('some rows are there', 30_000, async () => (await rows()).length > 4)
    child.kill('SIGKILL')
    await ended
    expect((await rows()).length).toBeLessThan(60)
    const busy = await stack.run(...args)
    expect([busy.code, busy.stderr]).toEqual([
      5,
      expect.stringContaining('backfill:chef:from-dynamo is busy'),
    ])

    await stack.endLeases()
    const { code, stdout } = await stack.run(...args, '--json')
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { todo: 'go on', segments: 2, parked: 0 }])
    expect(await rows()).toEqual(expect.arrayContaining(['k00', 'k59']))
  })
})
