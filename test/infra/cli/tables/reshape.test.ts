import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JobLease } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Verdict } from '../../../support/fault-proxy.ts'
import { jsonLines } from '../harness.ts'
import { openTestTableStack, preferencesOf, type TestTableStack } from './harness.ts'

const NAME = 'user-preferences-v2'
const WRITES = ['BatchWriteItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']

describe('backsync reshape', () => {
  let stack: TestTableStack
  let source: string
  let target: string
  beforeEach(async () => {
    stack = await openTestTableStack()
    source = stack.tables['user-preferences'] ?? ''
    target = stack.tables[NAME] ?? ''
  }, 60_000)
  afterEach(() => stack.close())

  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.run([...args, '--json'])
    return { code, stderr, answer: stdout === '' ? undefined : JSON.parse(stdout) }
  }
  const writes = () => WRITES.map((name) => stack.proxy.calls(name))
  const status = async () => (await json('reshape', 'status', NAME)).answer

  describe('start', () => {
    it('fills the new table with what the source has, and says what to do next', async () => {
      await stack.put(source, preferencesOf(30))

      const { code, stdout, stderr } = await stack.run(['reshape', 'start', NAME])

      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(
        /^items read +30\napplied +30\nskipped +0 \(there already, or newer\)\nparked +0$/m,
      )
      expect(stdout).toMatch(/^next +npx backsync reshape status user-preferences-v2 --verify$/m)
      const all = await stack.ground.all(target)
      expect(all).toHaveLength(30)
      expect(all[0]).toMatchObject({ schemaVersion: { N: '2' }, preferenceValue: expect.anything() })
    })

    it('is one JSON document for scripts, and does nothing the second time, unless told --again', async () => {
      await stack.put(source, preferencesOf(3))
      const facts = {
        name: NAME,
        kind: 'reshape',
        from: 'user-preferences',
        estimate: expect.any(Number),
        dryRun: false,
      }
      const forecast = { items: 3, bytes: expect.any(Number), exact: true, atLeastSeconds: 1, seconds: null }
      const filled = {
        ...{ segments: 2, segmentsDone: 2, items: 3, parked: 0, seconds: expect.any(Number) },
        forecast,
      }

      expect(await json('reshape', 'start', NAME, '--segments', '2')).toEqual({
        code: 0,
        stderr: expect.any(String),
        answer: { ...facts, ...filled, todo: 'begin', applied: 3, skipped: 0 },
      })
      const before = writes()
      expect(await json('reshape', 'start', NAME)).toEqual({
        code: 0,
        stderr: '',
        answer: { ...facts, todo: 'nothing', segments: 2, segmentsDone: 2 },
      })
      expect(writes()).toEqual(before)
      const again = await json('reshape', 'start', NAME, '--again', '--segments', '2')
      // What is read a second later ranks higher, and is written once more.
      const written = expect.any(Number)
      expect(again.answer).toEqual({ ...facts, ...filled, todo: 'begin', applied: written, skipped: written })
    })

    it('shows with --dry-run what it would do, and writes nothing', async () => {
      await stack.put(source, preferencesOf(3))
      const before = writes()

      const { code, stdout, stderr } = await stack.run([
        'reshape',
        'start',
        NAME,
        '--dry-run',
        '--segments',
        '5',
      ])

      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(new RegExp(`^to do +scan ${source}, about [\\d,]+ items, in 5 segments$`, 'm'))
      expect((await json('reshape', 'start', NAME, '--dry-run')).answer).toMatchObject({
        todo: 'begin',
        dryRun: true,
      })
      expect(writes()).toEqual(before)
    })

    it('sets aside what has no form in the new table, fills in the rest, and ends with 3', async () => {
      await stack.put(source, preferencesOf(3))
      // Its guard would have to take the place of an item that something else wrote.
      await stack.put(target, [{ id: { S: 'u1' }, preferenceType: { S: 'theme' } }])

      const { code, stdout } = await stack.run(['reshape', 'start', NAME])

      expect(code).toBe(3)
      expect(stdout).toMatch(/^parked +1$/m)
      expect(stdout).toMatch(/^next +npx backsync parked list --entity user-preferences-v2$/m)
      const listed = await json('parked', 'list', '--entity', NAME)
      expect(listed.answer).toMatchObject({ entity: NAME, key: '["u1","theme"]', code: 'target.foreign' })
      const shown = await stack.run(['parked', 'show', NAME, '["u1","theme"]'])
      expect(shown.stdout).toContain('"legacyFlag"')
      // All that is parked, in Aurora and in tables: what isn't needed is not opened.
      expect(await json('parked', 'retry', '--yes')).toMatchObject({
        code: 3,
        answer: { outcome: 'parked' },
      })

      await stack.ground.client.send(
        new DeleteItemCommand({
          TableName: target,
          Key: { id: { S: 'u1' }, preferenceType: { S: 'theme' } },
        }),
      )
      const retried = await json('parked', 'retry', NAME, '["u1","theme"]', '--yes')
      expect(retried).toMatchObject({ code: 0, answer: { outcome: 'applied' } })
      expect((await json('reshape', 'status', NAME, '--verify')).answer.verification.equal).toBe(true)
    })

    it('stops at Ctrl-C behind whole pages, and the command that it shows goes on to the end', async () => {
      await stack.put(source, preferencesOf(80))
      const interrupt = new AbortController()
      let pages = 0
      stack.proxy.use(({ operation, tables }) => {
        if (operation === 'Scan' && tables.includes(source) && ++pages === 4) interrupt.abort()
        return 'pass'
      })
      const first = await stack.run(
        ['reshape', 'start', NAME, '--again', '--segments', '2', '--concurrency', '1', '--max-rate', '40'],
        { interrupt },
      )
      stack.proxy.use()

      expect([first.code, first.stdout]).toEqual([130, ''])
      const [, command = ''] =
        /^backsync: interrupted: \d+ items are filled in, \d of 2 segments are done; go on with: npx backsync (.*)\n$/.exec(
          first.stderr,
        ) ?? []
      expect(command).toBe(`reshape start ${NAME} --segments 2 --concurrency 1 --max-rate 40`)
      const some = (await stack.ground.all(target)).length
      expect([some > 0, some < 80]).toEqual([true, true])
      expect(await status()).toMatchObject({
        state: 'stopped',
        segments: 2,
        items: some,
        nextSteps: [`npx backsync reshape start ${NAME}`],
      })
      const dry = await stack.run(['reshape', 'start', NAME, '--dry-run'])
      expect(dry.stdout).toMatch(/^to do +go on with .* \d of 2 segments are done$/m)

      const second = await json(...command.split(' ').slice(0, -2))
      expect([second.code, second.answer]).toEqual([
        0,
        expect.objectContaining({ todo: 'go on', segmentsDone: 2, items: 80, applied: 80 }),
      ])
      expect(await stack.ground.all(target)).toHaveLength(80)
      expect(await status()).toMatchObject({ state: 'filled', percent: 100, items: 80 })
    }, 60_000)

    it('is busy while somebody else is at it, and takes over from one that is gone', async () => {
      const take = (jobs = stack.jobs) =>
        jobs.take({
          job: `fill:${NAME}`,
          kind: 'fill',
          spec: { from: source, to: target },
          segments: 2,
          step: 'fill',
          by: 'ada@elsewhere, process 1',
        })
      const lease = await take()
      const { code, stdout, stderr } = await stack.run(['reshape', 'start', NAME])

      expect([code, stdout]).toEqual([5, ''])
      expect(stderr).toMatch(
        /^backsync: fill:user-preferences-v2 is busy: ada@elsewhere, process 1 is at it, last seen at /,
      )
      expect(await status()).toMatchObject({
        state: 'filling',
        by: 'ada@elsewhere, process 1',
        nextSteps: [],
      })
      await lease.end('failed', { message: 'the roof is on fire' })
      const failed = await stack.run(['reshape', 'status'])
      expect(failed.stdout).toMatch(/^user-preferences-v2 failed: the roof is on fire$/m)
      expect((await stack.run(['reshape', 'start', NAME])).code).toBe(0)
    })

    it('gives way to whoever has taken the job over, and leaves it to them', async () => {
      await stack.put(source, preferencesOf(40))
      const job = `fill:${NAME}`
      let pages = 0
      const others: JobLease[] = []
      stack.proxy.use(async ({ operation, tables }): Promise<Verdict> => {
        if (operation !== 'Scan' || !tables.includes(source) || ++pages !== 3) return 'pass'
        // As if this process had been held up for a minute.
        await stack.ground.client.send(
          new UpdateItemCommand({
            TableName: stack.jobsTable,
            Key: { job: { S: job }, part: { S: 'head' } },
            UpdateExpression: 'SET leasedUntil = :none',
            ExpressionAttributeValues: { ':none': { N: '0' } },
          }),
        )
        const spec = { from: source, to: target }
        const request = { job, kind: 'fill', spec, segments: 1, step: 'fill', by: 'ada@elsewhere' }
        others.push(await stack.jobs.take(request))
        return 'pass'
      })
      const { code, stderr } = await stack.run([
        'reshape',
        'start',
        NAME,
        '--segments',
        '1',
        '--max-rate',
        '40',
      ])
      stack.proxy.use()

      expect(code).toBe(5)
      expect(stderr).toMatch(/is busy: ada@elsewhere is at it/)
      expect(await stack.jobs.read(job)).toMatchObject({ state: 'running', by: 'ada@elsewhere' })
      await others[0]?.end('stopped')
      expect((await stack.run(['reshape', 'start', NAME])).code).toBe(0)
      expect(await stack.ground.all(target)).toHaveLength(40)
    })

    it.each(['TombstonesTableName', 'JobsTableName', 'UserPreferencesV2TableName'])(
      'is refused where no stream keeps the table: no output %s',
      async (output) => {
        await stack.setOutputs({ [output]: undefined })
        const { code, stdout, stderr } = await stack.run(['reshape', 'start', NAME])

        expect([code, stdout]).toEqual([4, ''])
        expect(stderr).toMatch(
          new RegExp(`no stream keeps ${NAME}: .* has no output ${output}; deploy \\(or start\\)`),
        )
      },
    )
  })

  describe('status', () => {
    it('shows where each new table stands, as a table and for scripts', async () => {
      await stack.put(source, preferencesOf(3))
      await stack.parts().states.beat(NAME, '2026-11-22T10:00:00.000Z', new Date('2026-11-22T10:00:01.000Z'))

      const { code, stdout, stderr } = await stack.run(['reshape', 'status'])

      expect([code, stderr]).toEqual([0, ''])
      expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
        [
          'table',
          'from',
          'state',
          'segments',
          'items',
          'applied',
          'skipped',
          'parked',
          'last applied',
          'next',
        ],
        [
          NAME,
          'user-preferences',
          'following',
          '-',
          '0',
          '0',
          '0',
          '0',
          '2026-11-22T10:00:01.000Z',
          `npx backsync reshape start ${NAME}`,
        ],
        [''],
      ])
      expect(jsonLines((await stack.run(['reshape', 'status', '--json'])).stdout)).toEqual([
        {
          name: NAME,
          kind: 'reshape',
          from: 'user-preferences',
          state: 'following',
          segments: 0,
          segmentsDone: 0,
          items: 0,
          applied: 0,
          skipped: 0,
          parked: 0,
          lastAppliedAt: '2026-11-22T10:00:01.000Z',
          nextSteps: [`npx backsync reshape start ${NAME}`],
        },
      ])
    })

    it('lists differences with --verify, the first ones for people, and ends with 3', async () => {
      await stack.put(source, preferencesOf(30))
      const { code, stdout } = await stack.run(['reshape', 'status', NAME, '--verify'])

      expect(code).toBe(3)
      expect(stdout).toMatch(
        /^user-preferences-v2: 30 differ \(30 only in the source; 30 items of user-preferences, 0 of /m,
      )
      expect(stdout.match(/^only in the source +\["u\d+","theme"\]/gm)).toHaveLength(20)
      expect(stdout).toMatch(/^and 10 more$/m)
      const scripts = await json('reshape', 'status', NAME, '--verify')
      expect(scripts.answer.verification).toMatchObject({
        equal: false,
        source: 30,
        target: 0,
        counts: { onlySource: 30 },
      })
      expect(scripts.answer.verification.differences).toHaveLength(30)

      await stack.run(['reshape', 'start', NAME])
      const equal = await stack.run(['reshape', 'status', NAME, '--verify'])
      expect([equal.code, equal.stdout]).toEqual([
        0,
        expect.stringMatching(
          /^user-preferences-v2: equal \(30 items of user-preferences, 30 of user-preferences-v2\)$/m,
        ),
      ])
    }, 60_000)

    it('--verify goes on where it was interrupted', async () => {
      await stack.put(source, preferencesOf(30))
      await stack.run(['reshape', 'start', NAME])
      const interrupt = new AbortController()
      stack.proxy.use(({ operation, tables }) => {
        if (operation === 'Scan' && tables.includes(source)) interrupt.abort()
        return 'pass'
      })
      const { code, stderr } = await stack.run(['reshape', 'status', NAME, '--verify'], { interrupt })
      expect([code, stderr]).toEqual([
        130,
        `backsync: interrupted; go on with: npx backsync reshape status ${NAME} --verify\n`,
      ])
      const scanned = new Set<string>()
      stack.proxy.use(({ operation, tables }) => {
        if (operation === 'Scan') for (const table of tables) scanned.add(table)
        return 'pass'
      })

      const again = await stack.run(['reshape', 'status', NAME, '--verify'])

      expect([again.code, [...scanned]]).toEqual([0, [source]])
    }, 60_000)
  })

  describe('repair', () => {
    it('is refused before anything was verified; shows with --dry-run both items, and makes them the same', async () => {
      await stack.put(source, preferencesOf(3))
      await stack.run(['reshape', 'start', NAME])
      const never = await stack.run(['reshape', 'repair', NAME, '--yes'])
      expect([never.code, never.stderr]).toEqual([
        4,
        `backsync: it is not known which items of ${NAME} differ; npx backsync reshape status ${NAME} --verify\n`,
      ])
      const [item] = await stack.ground.all(target)
      await stack.put(target, [
        { ...item, enabled: { S: 'perhaps' } },
        { id: { S: 'x' }, preferenceType: { S: 'theme' } },
      ])
      expect((await stack.run(['reshape', 'status', NAME, '--verify'])).code).toBe(3)

      const dry = await json('reshape', 'repair', NAME, '--dry-run')
      expect(dry).toMatchObject({ code: 0, answer: { bring: 1, takeAway: 0, leave: 1, dryRun: true } })
      expect(dry.answer.differences).toContainEqual(
        expect.objectContaining({
          ...{ is: 'targetBehind', fields: ['enabled'], action: 'bring' },
          before: {
            source: {
              version: null,
              item: expect.objectContaining({ enabled: { BOOL: expect.any(Boolean) } }),
            },
            target: {
              version: expect.any(String),
              item: expect.objectContaining({ enabled: { S: 'perhaps' } }),
            },
          },
        }),
      )
      expect((await stack.run(['reshape', 'repair', NAME])).code).toBe(4)
      const { code, stdout } = await stack.run(['reshape', 'repair', NAME, '--yes'])
      expect(code).toBe(3)
      expect(stdout).toMatch(/^repaired +1$/m)
      expect(stdout).toMatch(/^left \["x","theme"\] of -: foreign$/m)
      expect(await stack.ground.all(target)).toContainEqual({ ...item, backsync_version: expect.anything() })
      const status = await json('reshape', 'status', NAME, '--verify')
      expect(status.answer.verification).toMatchObject({ counts: { foreign: 1, targetBehind: 0 } })
    }, 60_000)
  })

  describe('finish', () => {
    it('compares, asks for the name, and ends the following; start --again takes it back', async () => {
      await stack.put(source, preferencesOf(3))
      await stack.run(['reshape', 'start', NAME])

      // What a verification has found out is noted with its job, and nothing else is written.
      const written = new Set<string>()
      stack.proxy.use(({ operation, tables }) => {
        if (WRITES.includes(operation)) for (const table of tables) written.add(table)
        return 'pass'
      })
      const dry = await stack.run(['reshape', 'finish', NAME, '--dry-run'])
      expect([dry.code, dry.stdout]).toEqual([
        0,
        expect.stringMatching(/: equal \(.*\)\nuser-preferences-v2 would be finished\n$/),
      ])
      const refused = await stack.run(['reshape', 'finish', NAME])
      expect(refused.code).toBe(4)
      expect(refused.stderr).toMatch(
        /not confirmed: Finishing user-preferences-v2 .* writes to user-preferences are no longer carried over after this/,
      )
      expect((await stack.run(['reshape', 'finish', NAME], { typed: 'local' })).code).toBe(4)
      expect([...written]).toEqual([stack.jobsTable])
      expect(await stack.parts().states.finished([NAME])).toEqual(new Set())

      const { code, stdout } = await stack.run(['reshape', 'finish', NAME], { typed: NAME })
      expect(code).toBe(0)
      expect(stdout).toMatch(/^user-preferences-v2 is finished: /m)
      expect(await stack.parts().states.finished([NAME])).toEqual(new Set([NAME]))
      expect(await status()).toMatchObject({
        state: 'finished',
        finishedAt: expect.any(String),
        nextSteps: [],
      })

      for (const command of ['start', 'finish']) {
        const late = await stack.run(['reshape', command, NAME, '--yes'])
        expect(late.code).toBe(4)
        expect(late.stderr).toMatch(
          /is finished since \S+Z \(by .*\): .*; npx backsync reshape start user-preferences-v2 --again/,
        )
      }
      const dryAgain = await stack.run(['reshape', 'start', NAME, '--again', '--dry-run'])
      expect(dryAgain.stdout).toMatch(/^to do +follow the stream again, then scan /m)
      expect((await status()).state).toBe('finished')
      expect((await stack.run(['reshape', 'start', NAME, '--again'])).code).toBe(0)
      expect((await status()).state).toBe('filled')
    }, 60_000)

    it('is for scripts with --yes and --json', async () => {
      await stack.run(['reshape', 'start', NAME])
      expect(await json('reshape', 'finish', NAME, '--yes')).toEqual({
        code: 0,
        stderr: expect.any(String),
        answer: {
          name: NAME,
          finished: true,
          dryRun: false,
          verification: expect.objectContaining({ equal: true, source: 0, target: 0, differences: [] }),
        },
      })
    })

    it('is refused before the table is filled', async () => {
      const never = await stack.run(['reshape', 'finish', NAME, '--yes'])
      expect(never).toEqual({
        code: 4,
        stdout: '',
        stderr: `backsync: ${NAME} can't be finished: it is not filled yet; fill it: npx backsync reshape start ${NAME}\n`,
      })
    })

    it('is refused while something is parked', async () => {
      await stack.put(source, preferencesOf(2))
      await stack.put(target, [{ id: { S: 'u1' }, preferenceType: { S: 'theme' } }])
      await stack.run(['reshape', 'start', NAME])

      const { code, stderr } = await stack.run(['reshape', 'finish', NAME, '--yes'])

      expect(code).toBe(4)
      expect(stderr).toMatch(
        /can't be finished: 1 of its changes are parked; see npx backsync parked list --entity/,
      )
    })

    it('finishes nothing that differs, and ends with 3', async () => {
      await stack.run(['reshape', 'start', NAME])
      await stack.put(source, preferencesOf(1))

      const people = await stack.run(['reshape', 'finish', NAME, '--yes'])
      expect([people.code, people.stdout]).toEqual([
        3,
        expect.stringMatching(/only in the source[\s\S]*\nuser-preferences-v2 is not finished\n$/),
      ])
      const scripts = await json('reshape', 'finish', NAME, '--yes')
      expect(scripts).toMatchObject({ code: 3, answer: { finished: false, verification: { equal: false } } })
      expect((await status()).state).toBe('filled')
    }, 60_000)

    it('is not done when it is interrupted while it compares', async () => {
      await stack.run(['reshape', 'start', NAME])
      await stack.put(source, preferencesOf(1))
      const interrupt = new AbortController()
      stack.proxy.use(({ operation, tables }) => {
        if (operation === 'Scan' && tables.includes(target)) interrupt.abort()
        return 'pass'
      })
      const { code, stdout, stderr } = await stack.run(['reshape', 'finish', NAME, '--yes'], { interrupt })

      expect([code, stdout]).toEqual([130, ''])
      expect(stderr).toBe(`backsync: interrupted; go on with: npx backsync reshape finish ${NAME} --yes\n`)
      expect(await stack.parts().states.finished([NAME])).toEqual(new Set())
    })
  })

  it.each([
    [
      ['reshape', 'start', 'dishes'],
      /unknown table dishes; known are user-preferences-v2; see backsync reshape start/,
    ],
    [['reshape', 'start', 'users-by-city'], /users-by-city is kept by replicate, not by reshape/],
    [['replicate', 'fill', NAME], /user-preferences-v2 is kept by reshape, not by replicate/],
    [['reshape', 'start', NAME, '--max-rate', 'x'], /--max-rate "x" is not a number/],
    [['reshape', 'finish'], /missing required argument 'table'/],
  ])('%j is wrong usage', async (args, text) => {
    expect(await stack.run(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringMatching(text) })
  })
})
