import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Verdict } from '../../../support/fault-proxy.ts'
import { openTestTableStack, type TestTableStack, usersOf } from './harness.ts'

const BY_EMAIL = keySchema({ partition: 'email' }, 'users')
const MOST = 1_000

describe('backsync copy', () => {
  let stack: TestTableStack
  let source: string
  let destination: string
  beforeAll(async () => {
    stack = await openTestTableStack()
  }, 60_000)
  afterAll(() => stack.close())
  afterEach(() => stack.proxy.use())
  beforeEach(async () => {
    source = await stack.ground.create('restored', BY_EMAIL)
    destination = await stack.ground.create('live', BY_EMAIL)
  })

  const emails = async (table: string) => (await stack.ground.all(table)).map(({ email }) => email?.S).sort()

  it('copies every item, and shows count and checksum of both sides', async () => {
    await stack.put(source, usersOf(30))

    const { code, stdout, stderr } = await stack.run(['copy', source, destination])

    expect(code).toBe(0)
    const sums = stdout.match(/^(?:restored|live)-\S+ .* 30 +([0-9a-f]{32})$/gm)
    expect(sums).toHaveLength(2)
    expect(new Set(sums?.map((line) => line.slice(-32))).size).toBe(1)
    expect(stdout).toMatch(/^copied +30\n(?:.*\n)*result +equal$/m)
    // What will be done is no result.
    expect(stderr).toMatch(/^1\. migrate +copy all items of restored-/m)
    expect(stdout).not.toContain('migrate')
    const all = await stack.ground.all(destination)
    expect(all).toEqual(expect.arrayContaining(usersOf(30)))
    expect(all).toHaveLength(30)
  })

  it('answers scripts with one document on stdout, and nothing else anywhere', async () => {
    await stack.put(source, usersOf(3))

    const { code, stdout, stderr } = await stack.run(['copy', source, destination, '--json'])

    const side = (table: string) => ({
      table,
      region: 'us-east-1',
      estimate: { items: expect.any(Number), bytes: expect.any(Number) },
      key: 'email (S)',
    })
    const sum = { items: 3, checksum: expect.stringMatching(/^[0-9a-f]{32}$/) }
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toEqual({
      job: `copy:${source}->${destination}`,
      from: side(source),
      to: { ...side(destination), inUse: false },
      steps: ['migrate', 'verify'],
      goesOnAt: null,
      asks: false,
      copied: 3,
      source: sum,
      destination: sum,
      equal: true,
      refused: [],
      refusedItems: 0,
      done: true,
      seconds: expect.any(Number),
      dryRun: false,
    })
  })

  it('shows with --dry-run what it would do, and writes nothing', async () => {
    await stack.put(source, usersOf(3))
    await stack.put(destination, [{ email: { S: 'old' } }])
    const writes = () =>
      ['BatchWriteItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems'].map((name) =>
        stack.proxy.calls(name),
      )
    const before = writes()

    const people = await stack.run(['copy', source, destination, '--cleanup', '--dry-run'])
    const scripts = await stack.run(['copy', source, destination, '--cleanup', '--dry-run', '--json'])

    expect([people.code, people.stderr, scripts.code]).toEqual([0, '', 0])
    expect(people.stdout).toMatch(new RegExp(`^table +${source} +${destination}$`, 'm'))
    expect(people.stdout).toMatch(/^region +us-east-1 +us-east-1$/m)
    expect(people.stdout).toMatch(/^key +email \(S\) +email \(S\)$/m)
    expect(people.stdout).toMatch(/^1\. cleanup +delete all items of live-\S+\n2\. migrate .*\n3\. verify /m)
    expect(people.stdout).toMatch(
      new RegExp(`^asks +for the name ${destination}, unless --yes is given$`, 'm'),
    )
    expect(JSON.parse(scripts.stdout)).toMatchObject({
      to: { inUse: true },
      steps: ['cleanup', 'migrate', 'verify'],
      asks: true,
      dryRun: true,
    })
    expect(writes()).toEqual(before)
    expect(await emails(destination)).toEqual(['old'])
  })

  describe('of a destination in use', () => {
    beforeEach(async () => {
      await stack.put(source, usersOf(3))
      await stack.put(destination, [{ email: { S: 'old' } }])
    })

    it.each([
      [['--cleanup'], 'Deleting all items of live-'],
      [[], 'holds items: those with the same keys are replaced'],
    ])('is refused without terminal and --yes (%j)', async (options, why) => {
      const { code, stdout, stderr } = await stack.run(['copy', source, destination, '--json', ...options])

      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toMatch(/^backsync: not confirmed: .* add --yes, or look first with --dry-run\n$/)
      expect(stderr).toContain(why)
      expect(await emails(destination)).toEqual(['old'])
    })

    it('asks for its name on a terminal, and takes no other answer', async () => {
      const wrong = await stack.run(['copy', source, destination, '--cleanup'], { typed: 'local' })
      expect([wrong.code, wrong.stdout]).toEqual([4, ''])
      expect(wrong.stderr).toMatch(/Type live-\S+ to go on: /)
      expect(await emails(destination)).toEqual(['old'])

      const right = await stack.run(['copy', source, destination, '--cleanup'], {
        typed: destination,
        env: { NO_COLOR: '1' },
      })
      expect(right.code).toBe(0)
      expect(right.stdout).toMatch(/^deleted +1\ncopied +3$/m)
      expect(await emails(destination)).toEqual(await emails(source))
    })

    it('replaces what has the same key with --yes, keeps the rest, and says that they differ', async () => {
      const { code, stdout } = await stack.run(['copy', source, destination, '--yes'])

      expect(code).toBe(3)
      expect(stdout).toMatch(
        /^result +they differ\nnext +the destination had items before, .* with --cleanup/m,
      )
      expect(await emails(destination)).toEqual(['old', ...(await emails(source))])
    })

    it('is emptied, and no more, with --no-migrate', async () => {
      const { code, stdout } = await stack.run([
        'copy',
        source,
        destination,
        '--cleanup',
        '--no-migrate',
        '--yes',
      ])

      expect(code).toBe(0)
      expect(stdout).toMatch(/^deleted +1$/m)
      expect(stdout).toMatch(/^result +empty$/m)
      expect(await emails(destination)).toEqual([])
    })
  })

  it('asks before it cleans up a table of the stack, also an empty one', async () => {
    const { code, stderr } = await stack.run(['copy', source, 'users', '--cleanup'])

    expect(code).toBe(4)
    expect(stderr).toContain(`Deleting all items of ${stack.tables.users}, a table of the stack`)
  })

  it.each<[string, (names: { source: string; destination: string }) => string[], RegExp]>([
    ['a table into itself', (of) => [of.source, of.source], /refused: .* can't be copied into itself/],
    [
      'a table that is not there',
      (of) => ['no-such-table', of.destination],
      /refused: There is no table no-such-table/,
    ],
    [
      'into a table that is not there',
      (of) => [of.source, 'no-such-table'],
      /refused: There is no table no-such-table/,
    ],
    [
      'into a table with another key',
      (of) => [of.source, 'users-by-city'],
      /refused: The tables have different keys/,
    ],
  ])('refuses to copy %s, with --dry-run as well', async (_, args, text) => {
    for (const option of ['--yes', '--dry-run']) {
      const { code, stdout, stderr } = await stack.run(['copy', ...args({ source, destination }), option])
      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toMatch(text)
      expect(stderr).toMatch(/; nothing was changed\n$/)
    }
  })

  it('refuses to run a plan that is no longer so, and writes nothing', async () => {
    await stack.put(source, usersOf(3))
    let written = false
    stack.proxy.use(async ({ operation }): Promise<Verdict> => {
      // The plan is made, and the job is looked for: nobody was asked about what comes now.
      if (operation === 'GetItem' && !written) {
        written = true
        await stack.put(destination, [{ email: { S: 'new' } }])
      }
      return 'pass'
    })
    const { code, stdout, stderr } = await stack.run(['copy', source, destination, '--cleanup'])

    expect([code, stdout]).toEqual([4, ''])
    expect(stderr).toMatch(
      /^backsync: refused: live-\S+ had no items when this was planned, and has some now; nothing was changed$/m,
    )
    expect(await emails(destination)).toEqual(['new'])
    expect(await stack.jobs.read(`copy:${source}->${destination}`)).toBeUndefined()
  })

  it.each([
    [['a-table', 'b-table', '--no-migrate'], /--no-migrate without --cleanup is nothing to do/],
    [['a-table', 'b-table', '--source-role', 'admin'], /--source-role is not a role's ARN/],
    [['a-table', 'b-table', '--destination-region', 'mars'], /--destination-region is not a region/],
    [['a-table', 'b-table', '--max-rate', '-1'], /--max-rate "-1" is not a number above 0/],
    [['a-table'], /missing required argument 'destination'/],
  ])('%j is wrong usage', async (args, text) => {
    expect(await stack.run(['copy', ...args])).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(text),
    })
  })

  describe('by roles', () => {
    const ROLES = [
      '--source-role',
      'arn:aws:iam::123456789012:role/reader',
      '--destination-role',
      'arn:aws:iam::210987654321:role/writer',
    ]

    it('reads and writes with the credentials that STS gives', async () => {
      await stack.put(source, usersOf(3))
      const { code, stdout } = await stack.run(['copy', source, destination, ...ROLES, '--json'])

      expect([code, JSON.parse(stdout)]).toEqual([
        0,
        expect.objectContaining({ job: expect.stringMatching(/^copy:arn:.*->arn:/), copied: 3, equal: true }),
      ])
    })

    it('fails when STS gives none, before anything is written', async () => {
      const { AWS_ENDPOINT_URL_STS } = process.env
      process.env.AWS_ENDPOINT_URL_STS = 'http://127.0.0.1:1'
      const { code, stdout, stderr } = await stack.run(['copy', source, destination, ...ROLES])
      process.env.AWS_ENDPOINT_URL_STS = AWS_ENDPOINT_URL_STS

      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(
        /^backsync: arn:aws:iam::123456789012:role\/reader could not be assumed \(role.not-assumed\)/,
      )
    })

    it('is wrong usage on a local stack without STS', async () => {
      await stack.setOutputs({}, { sts: false })
      const answer = await stack.run(['copy', source, destination, ...ROLES])
      await stack.setOutputs({})

      expect([answer.code, answer.stderr]).toEqual([
        2,
        expect.stringContaining('the local stack knows no roles'),
      ])
    })
  })

  it('reports what DynamoDB refuses by key, and ends with 3', async () => {
    await stack.put(source, usersOf(3))
    stack.proxy.use(({ operation, tables, body }) =>
      operation !== 'Scan' && tables.includes(destination) && JSON.stringify(body).includes('user-0001')
        ? 'refuse'
        : 'pass',
    )
    const { code, stdout } = await stack.run(['copy', source, destination])

    expect(code).toBe(3)
    expect(stdout).toMatch(/^result +DynamoDB refused 1 items: they are not at the destination$/m)
    expect(stdout).toMatch(/^\{"email":"user-0001@example.com"\} +\S/m)
    expect(await emails(destination)).toEqual(['user-0000@example.com', 'user-0002@example.com'])
  })

  describe('interrupted', () => {
    /** Copies a table until some pages are written, then Ctrl-C. */
    const interrupted = async (atWrite: number, ...options: string[]) => {
      const interrupt = new AbortController()
      let written = 0
      stack.proxy.use(({ operation }) => {
        if (operation === 'BatchWriteItem' && ++written === atWrite) interrupt.abort()
        return 'pass'
      })
      const args = [
        'copy',
        source,
        destination,
        '--segments',
        '2',
        '--concurrency',
        '1',
        '--max-rate',
        '80',
        ...options,
      ]
      const answer = await stack.run(args, { interrupt })
      stack.proxy.use()
      return answer
    }
    const commandOf = (stderr: string): string[] => {
      const [, command = ''] = /go on with: npx backsync (.*)\n$/.exec(stderr) ?? []
      return command.split(' ')
    }

    it('ends behind whole pages, says what to type, and that goes on to the end without asking again', async () => {
      await stack.put(source, usersOf(120))
      const first = await interrupted(4, '--again')

      expect([first.code, first.stdout]).toEqual([130, ''])
      expect(first.stderr).toMatch(/backsync: interrupted: \d+ items copied; go on with: npx backsync copy /)
      const some = (await emails(destination)).length
      expect(some).toBeGreaterThan(0)
      expect(some).toBeLessThan(120)
      const job = await stack.jobs.read(`copy:${source}->${destination}`)
      expect(job).toMatchObject({ state: 'stopped', step: 'migrate' })

      const command = commandOf(first.stderr)
      expect(command).not.toContain('--again')
      const scans = stack.proxy.calls('Scan')
      const second = await stack.run([...command.slice(0, -2), '--json'])

      expect([second.code, JSON.parse(second.stdout)]).toEqual([
        0,
        expect.objectContaining({ goesOnAt: 'migrate', asks: false, copied: 120, equal: true }),
      ])
      expect(stack.proxy.calls('Scan')).toBeGreaterThan(scans)
      expect(await emails(destination)).toEqual(await emails(source))
    })

    it('during the clean-up asks again, and begins anew with --again', async () => {
      await stack.put(source, usersOf(5))
      await stack.put(destination, usersOf(120))
      const first = await interrupted(2, '--cleanup', '--yes')

      expect(first.code).toBe(130)
      expect(first.stderr).toMatch(/interrupted: \d+ items deleted, 0 items copied; go on with: .* --yes\n$/)
      const asked = await stack.run(['copy', source, destination, '--cleanup'])
      expect(asked.code).toBe(4)

      const other = await stack.run(['copy', source, destination, '--yes'])
      expect([other.code, other.stdout]).toEqual([4, ''])
      expect(other.stderr).toMatch(/was begun with another request .* begin anew with --again\n$/)

      const anew = await stack.run(['copy', source, destination, '--cleanup', '--again', '--yes', '--json'])
      expect([anew.code, JSON.parse(anew.stdout)]).toEqual([
        0,
        expect.objectContaining({ goesOnAt: null, copied: 5, equal: true }),
      ])
    })

    it('before it began, changes nothing', async () => {
      const interrupt = new AbortController()
      stack.proxy.use(({ operation }) => {
        if (operation === 'DescribeTable') interrupt.abort()
        return 'pass'
      })
      const { code, stderr } = await stack.run(['copy', source, destination], { interrupt })

      expect(code).toBe(130)
      expect(stderr).toBe(`backsync: interrupted; go on with: npx backsync copy ${source} ${destination}\n`)
    })
  })

  it('is busy while somebody else copies, and says who', async () => {
    await stack.put(source, usersOf(3))
    const lease = await stack.jobs.take({
      job: `copy:${source}->${destination}`,
      kind: 'copy',
      spec: {},
      segments: 1,
      step: 'migrate',
      by: 'ada@elsewhere, process 1',
    })

    const { code, stdout, stderr } = await stack.run(['copy', source, destination, '--yes'])

    expect([code, stdout]).toEqual([5, ''])
    expect(stderr).toMatch(
      /^backsync: copy:\S+ is busy: ada@elsewhere, process 1 is at it, last seen at \S+Z; it was begun at \S+Z; wait until/,
    )
    expect(await emails(destination)).toEqual([])
    await lease.end('stopped')
  })

  it('shows no colour to whoever asks for none', async () => {
    await stack.put(source, usersOf(1))
    const plain = await stack.run(['copy', source, destination], { isTTY: true, env: { NO_COLOR: '1' } })
    expect(plain.stdout + plain.stderr).not.toContain('\u001b[1m')
    const bold = await stack.run(['copy', source, destination, '--yes'], { isTTY: true })
    expect(bold.stdout).toContain('\u001b[1m')
  })

  it('goes on from a process that was told to stop, in another one', async () => {
    await stack.put(source, usersOf(MOST / 10))
    const running = stack.start('copy', source, destination, '--max-rate', '40', '--segments', '2')
    const job = `copy:${source}->${destination}`
    for (let items = 0; items === 0; ) {
      const progress = await stack.jobs.segmentsOf(job, 'migrate')
      items = progress.reduce((sum, { tally }) => sum + tally.items, 0)
      if (running.child.exitCode !== null) break
    }
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.ended

    expect([code, stdout]).toEqual([130, ''])
    expect(stderr).toMatch(
      /interrupted: \d+ items copied; go on with: npx backsync copy \S+ \S+ --max-rate 40 --segments 2\n$/,
    )
    expect((await stack.run(['copy', source, destination])).code).toBe(0)
    expect(await emails(destination)).toEqual(await emails(source))
  }, 60_000)
})
