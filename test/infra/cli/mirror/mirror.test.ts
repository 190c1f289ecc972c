import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoMarks } from '../../../../functions/bridge/jobs/dynamo-marks.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openMarks } from '../../../../functions/bridge/sync/open-marks.ts'
import { runRouteStatus } from '../../../../infra/cli/commands/cutover/run-status.ts'
import { runStatus } from '../../../../infra/cli/commands/mirror/run-status.ts'
import { runTriggers, type TriggerOptions } from '../../../../infra/cli/commands/mirror/run-triggers.ts'
import type { Context } from '../../../../infra/cli/conventions/command.ts'
import { localTarget } from '../../../../infra/cli/target/local.ts'
import { mirroredChef } from '../../../functions/bridge/aurora/triggers/legacy.ts'
import { openClient } from '../../../functions/bridge/jobs/job-tables.ts'
import { fakeTerminal } from '../conventions/terminal.ts'
import { type Answer, jsonLines, openTestStack, type TestStack } from '../harness.ts'

const chef = mirroredChef()
const { mirror: _, ...plain } = chef

describe('backsync mirror', () => {
  let stack: TestStack
  let direct: URL
  beforeAll(async () => {
    stack = await openTestStack()
    direct = new URL(`mysql://root@${stack.aurora.host}:${stack.aurora.port}`)
  }, 60_000)
  afterAll(() => stack.close())

  /** As the command does it; the tests' lists have nothing that is mirrored. */
  const called = async (
    run: (context: Context) => Promise<number>,
    given: Partial<Context> = {},
  ): Promise<Answer> => {
    const terminal = fakeTerminal(false)
    const target = await localTarget({ ...process.env, BACKSYNC_HOME: stack.home })
    const code = await run({
      io: terminal.io,
      interrupt: new AbortController().signal,
      target,
      ...{ json: false, debug: false, dryRun: false, yes: false, goOn: '' },
      ...given,
    })
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() }
  }
  const status = (entity: Entity = chef, given?: Partial<Context>) =>
    called((context) => runStatus(context, [entity]), given)
  const change = (
    verb: 'install' | 'remove',
    options: TriggerOptions = { direct },
    given?: Partial<Context>,
  ) => called((context) => runTriggers(context, verb, [chef], options), given)

  it('says of a stack without mirrored entities that there is nothing to see', async () => {
    const { code, stdout } = await stack.run('mirror', 'status')
    expect([code, stdout]).toEqual([0, 'no entity is mirrored: its definition says mirror: {}\n'])
  })

  it('status says of each trigger what is missing and what to type', async () => {
    const { code, stdout } = await status()
    expect(code).toBe(3)
    expect(stdout).toMatch(/^chef +cheftable +backsync_chef_bi +missing +npx backsync mirror install chef$/m)
  })

  it('install shows with --dry-run what it would do, and asks before it does', async () => {
    const dry = await change('install', {}, { dryRun: true })
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(/^chef +cheftable +backsync_chef_bu +make$/m)
    await expect(change('install')).rejects.toMatchObject({ exit: 4 })
    expect((await status()).code).toBe(3)
  })

  it('install says how to get on where it is not known where the database itself is', async () => {
    await expect(change('install', {}, { yes: true })).rejects.toMatchObject({
      code: 'mirror.needs-direct',
      exit: 4,
      hint: expect.stringContaining('--direct mysql://HOST:3306'),
    })
  })

  it('install prints with --print the SQL, and does nothing', async () => {
    const { code, stdout } = await change('install', { print: true })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^DELIMITER \$\$\n/)
    expect(stdout).toContain('CREATE TRIGGER `backsync_chef_au` AFTER UPDATE ON `cheftable` FOR EACH ROW')
    expect((await status()).code).toBe(3)
  })

  it('install makes them, and has nothing to do then', async () => {
    const made = await change('install', { direct }, { yes: true, json: true })
    expect(made.code).toBe(0)
    expect([JSON.parse(made.stdout)]).toMatchObject([
      { tables: [{ entity: 'chef', tables: ['cheftable'], drops: [] }], dryRun: false },
    ])
    expect((await status()).code).toBe(0)
    expect((await change('install', { direct }, { yes: true })).stdout).toBe('all triggers are there\n')
  })

  it('status, and that of routes, say that a store was restored, and what to type', async () => {
    const routes = (given?: Partial<Context>) => called((context) => runRouteStatus(context, [chef]), given)
    const { JobsTableName } = (await localTarget({ ...process.env, BACKSYNC_HOME: stack.home })).outputs
    const client = openClient()
    const marks = new DynamoMarks({ client, table: JobsTableName ?? '', deadline: new Deadline() })
    expect([(await status()).code, (await routes()).code]).toEqual([0, 0])
    await marks.tell([{ entity: 'chef', was: undefined, next: { mark: 7n, token: 'a' } }])

    const cure = 'npx backsync cutover recover chef --restored aurora'
    const said = await status(chef, { json: true })
    expect([said.code, jsonLines(said.stdout).at(-1)]).toEqual([
      3,
      {
        ...{ entity: 'chef', trigger: null, table: 'cheftable', state: 'restored', next: cure },
        why: expect.stringMatching(/^Aurora lacks what the mirror of chef had come to/),
      },
    ])
    const { code, stdout } = await routes()
    expect(code).toBe(3)
    expect(stdout).toMatch(new RegExp(`^chef +legacy, Aurora was restored .* ${cure}$`, 'm'))

    await openMarks({
      db: stack.aurora.db,
      client,
      table: JobsTableName ?? '',
      deadline: new Deadline(),
    }).renew('chef')
    expect([(await status()).code, (await routes()).code]).toEqual([0, 0])
    client.destroy()
  })

  it('status says of triggers that nothing asks for any more how they go, and remove has them go', async () => {
    const needless = await status(plain, { json: true })
    expect(needless.code).toBe(3)
    expect(jsonLines(needless.stdout)[0]).toEqual({
      entity: 'chef',
      trigger: expect.stringMatching(/^backsync_chef_/),
      table: 'cheftable',
      state: 'needless',
      why: null,
      next: 'npx backsync mirror remove chef',
    })
    expect((await change('remove', { direct }, { yes: true })).stdout).toBe(
      'chef: 6 triggers were taken away\n',
    )
    expect((await status(plain)).code).toBe(0)
  })

  it('refuses a URL that is none of a database, and an entity that there is not', async () => {
    expect((await stack.run('mirror', 'install', '--direct', 'http://x')).code).toBe(2)
    expect((await stack.run('mirror', 'status', 'nobody')).code).toBe(2)
  })
})
