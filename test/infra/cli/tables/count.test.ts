import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { openTestTableStack, type TestTableStack, usersOf } from './harness.ts'

describe('backsync count', () => {
  let stack: TestTableStack
  let users: string
  beforeAll(async () => {
    stack = await openTestTableStack()
    users = stack.tables.users ?? ''
    await stack.put(users, usersOf(30))
  }, 60_000)
  afterAll(() => stack.close())
  afterEach(() => stack.proxy.use())

  it('counts a table of the stack exactly, and says how old the estimate may be', async () => {
    const { code, stdout, stderr } = await stack.run(['count', 'users'])

    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.split('\n')).toEqual([
      `table     ${users}`,
      expect.stringMatching(/^items {5}30 \(counted in \d+ s\)$/),
      expect.stringMatching(/^estimate {2}[\d,]+(?:, [\d,.]+ \w+)? \(DynamoDB's own, up to 6 hours old\)$/),
      '',
    ])
  })

  it('counts any other table of DynamoDB, as one JSON document', async () => {
    const other = await stack.ground.create('other', { partition: { name: 'id', type: 'S' } })
    await stack.put(other, [{ id: { S: 'a' } }])

    const { code, stdout } = await stack.run(['count', other, '--json', '--segments', '3'])

    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      table: other,
      items: 1,
      estimate: { items: expect.any(Number), bytes: expect.any(Number), ageUpToSeconds: 21_600 },
      seconds: expect.any(Number),
    })
    expect(stack.proxy.calls('Scan')).toBeGreaterThanOrEqual(3)
  })

  it('reads in so many segments as asked for, and waits out throttling', async () => {
    const before = stack.proxy.calls('Scan')
    let throttled = 0
    stack.proxy.use(({ operation }) => (operation === 'Scan' && throttled++ < 2 ? 'throttle' : 'pass'))

    const { code, stdout } = await stack.run([
      'count',
      'users',
      '--json',
      '--segments',
      '1',
      '--concurrency',
      '1',
    ])

    expect([code, JSON.parse(stdout).items]).toEqual([0, 30])
    expect(stack.proxy.calls('Scan') - before).toBeGreaterThan(throttled - 1)
  })

  it('keeps to --max-rate: pages are small', async () => {
    const before = stack.proxy.calls('Scan')
    // A quarter of a second's worth at the most.
    const { code } = await stack.run(['count', 'users', '--segments', '1', '--max-rate', '40'])

    expect([code, stack.proxy.calls('Scan') - before >= 3]).toEqual([0, true])
  })

  it('names a table that is not there', async () => {
    expect(await stack.run(['count', 'no-such-table'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'backsync: There is no table no-such-table (table.missing); check its name and, of a deployed stack, the region\n',
    })
  })

  it.each([
    [['count', 'a b'], /"a b" can't be a table's name/],
    [
      ['count', 'users', '--max-rate', '0'],
      /--max-rate "0" is not a number above 0.*see backsync count --help/,
    ],
    [['count', 'users', '--segments', 'x'], /--segments "x" is not a whole number from 1 to 1000/],
    [['count', 'users', '--yes'], /unknown option '--yes'/],
  ])('%j is wrong usage', async (args, text) => {
    expect(await stack.run(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(text) })
  })

  it('ends at Ctrl-C', async () => {
    const interrupt = new AbortController()
    stack.proxy.use(({ operation }) => {
      if (operation === 'Scan') interrupt.abort()
      return 'pass'
    })
    expect(await stack.run(['count', 'users'], { interrupt })).toEqual({
      code: 130,
      stdout: '',
      stderr: 'backsync: interrupted; nothing was changed\n',
    })
  })
})
