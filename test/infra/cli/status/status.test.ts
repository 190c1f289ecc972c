import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { statusSchema } from '../../../../functions/bridge/status/status.ts'
import { runStatus } from '../../../../infra/cli/commands/status/run-status.ts'
import { localTarget } from '../../../../infra/cli/target/local.ts'
import { bad, orphan } from '../../../functions/bridge/parking/harness.ts'
import { chefItem, chefRecord } from '../../../functions/fixtures/recipe-records.ts'
import { until } from '../../../support/until.ts'
import { fakeTerminal } from '../conventions/terminal.ts'
import { jsonLines, openTestStack, type TestStack } from '../harness.ts'

describe('backsync status', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())

  const json = async () => {
    const { code, stdout, stderr } = await stack.run('status', '--json')
    expect(stderr).toBe('')
    // The schema is strict: what it doesn't know, and what it lacks, is a failure.
    return { code, status: statusSchema.parse(JSON.parse(stdout)) }
  }

  it('shows each entity on a line, and what to type next; nothing is for anybody to mend', async () => {
    await stack.aurora.legacy.query("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Ida', 'Point')")
    stack.metrics.record({
      ...{ service: 'back-sync', entity: 'chef', name: 'Lag', unit: 'Milliseconds' },
      values: [40],
    })
    const { code, stdout, stderr } = await stack.run('status')

    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/))
    expect(lines[0]?.[0]).toMatch(/^the local stack in .*, at \d{4}-.*Z$/)
    expect(lines[2]).toEqual([
      ...[
        'entity',
        'stage',
        "Aurora's",
        "DynamoDB's",
        'to Aurora',
        'to DynamoDB',
        'in the log',
        'parked',
        'conflicts',
      ],
      ...['triggers', 'verified'],
    ])
    expect(lines[3]).toEqual([
      'chef',
      'legacy',
      '1',
      '0',
      'p50 40 ms, p99 40 ms',
      '-',
      '-',
      '-',
      '-',
      '-',
      'never',
    ])
    expect(stdout).toMatch(/^undelivered +none$/m)
    expect(stdout).toMatch(/^migrations +\d+ applied(, \d+ pending)?$/m)
    expect(stdout).toMatch(/^chef, next: never verified: npx backsync verify chef$/m)
  })

  it('is one JSON document of a schema, and tells what is wrong from what is not', async () => {
    const { status } = await json()
    expect(status).toMatchObject({ schema: 1, undelivered: { value: { batches: 0 } }, jobs: { value: [] } })
    expect(status.entities.map(({ entity }) => entity)).toContain('recipe')
    expect(status.streams).toEqual({ value: [{ function: 'BackSync', iteratorAge: null, minutes: 15 }] })
  })

  it('ends with 3 while something is for somebody to mend, and says what and why', async () => {
    const before = new Date(Date.now() - 60_000)
    await stack.parking.parking.park([bad('c1', 1n), orphan('r1', 1n, 'c1')], before)
    const object = await stack.failures.give([chefRecord(chefItem('c1', 2))], {
      table: stack.tableOf('chef'),
    })
    await stack.aurora.legacy.query(
      "INSERT INTO backsync_changes (entity, entity_key, op, version) VALUES ('chef', 'c1', 'upsert', 5)",
    )
    try {
      const { code, status } = await json()
      const [chef, recipe] = ['chef', 'recipe'].map((name) =>
        status.entities.find(({ entity }) => entity === name),
      )
      expect(code).toBe(3)
      expect(status).toMatchObject({
        undelivered: { value: { batches: 1, complete: true } },
        advice: expect.arrayContaining([expect.objectContaining({ code: 'undelivered', kind: 'mend' })]),
      })
      expect(chef).toMatchObject({
        parked: { toAurora: { value: { keys: 1, oldest: before.toISOString() } } },
        ...{
          log: { value: { rows: 1 } },
          next: { code: 'parked', type: 'npx backsync parked list --entity chef' },
        },
      })
      // It waits for its chef, and comes by itself.
      expect(recipe?.next).toMatchObject({ code: 'parked.waiting', kind: 'wait' })
      expect((await stack.run('status')).stdout).toMatch(
        /^chef, to mend: 1 change is parked as chef, mostly sql\.1406: mend the cause, then retry: npx backsync parked list --entity chef$/m,
      )
    } finally {
      for (const [entity, key] of [
        ['chef', 'c1'],
        ['recipe', 'r1'],
      ] as const)
        await stack.parking.parking.resolve(
          { entity, key },
          { upTo: { version: 9n }, how: 'superseded', at: new Date() },
        )
      await stack.failures.undelivered.end({ key: object }, 'dropped')
      await stack.aurora.legacy.query('DELETE FROM backsync_changes')
    }
    expect((await json()).code).toBe(0)
  })

  it('--watch shows it again and again, each a line of JSON, and ends by itself after --for', async () => {
    const { code, stdout } = await stack.run('status', '--watch', '--every', '1s', '--for', '2s', '--json')

    expect(code).toBe(0)
    const all = jsonLines(stdout).map((one) => statusSchema.parse(one))
    expect(all.length).toBeGreaterThanOrEqual(2)
    expect(new Set(all.map(({ at }) => at)).size).toBe(all.length)
  })

  it('--watch draws anew on a terminal, and ends with Ctrl-C', async () => {
    const terminal = fakeTerminal(true, { BACKSYNC_HOME: stack.home })
    const target = await localTarget({ ...process.env, BACKSYNC_HOME: stack.home })
    const interrupt = new AbortController()
    const context = { io: terminal.io, interrupt: interrupt.signal, target, goOn: '' }
    const running = runStatus(
      { ...context, json: false, debug: false, dryRun: false, yes: false },
      { watch: true, every: 1_000 },
    )
    await until(
      'it is drawn twice',
      20_000,
      async () => terminal.stdout().split('\u001b[H\u001b[2J').length > 2,
    )
    interrupt.abort()
    await expect(running).rejects.toBe(interrupt.signal.reason)
  })

  it.each([
    [['--every', '5s'], '--every and --for go with --watch'],
    [['--watch', '--every', '0s'], '--every is 1s at least'],
    [['--watch', '--for', 'ever'], '"ever" is no age'],
  ])('%j is wrong usage', async (args, message) => {
    expect(await stack.run('status', ...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message),
    })
  })
})

describe('backsync status, at a shell', () => {
  let stack: TestStack
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())

  it('ends with 130 on Ctrl-C while it watches', async () => {
    const { child, stdout, ended } = stack.start('status', '--watch', '--json')
    await until('it has shown something', 40_000, async () => stdout().includes('\n'))
    child.kill('SIGINT')

    expect(await ended).toMatchObject({ code: 130, stderr: expect.stringContaining('interrupted') })
  }, 60_000)
})
