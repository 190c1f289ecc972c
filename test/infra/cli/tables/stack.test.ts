import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../../../infra/local/processes/command.ts'
import { withTestLists } from '../../../fixtures/team.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { call, type RunningStack, runStack } from '../../../support/stack.ts'
import { until } from '../../../support/until.ts'

/** The whole way: this repository's stack as `npm start` runs it, and the commands as `npx backsync` does. */
describe('the commands for tables, on a running stack', () => {
  let folder: TemporaryFolder
  let stack: RunningStack

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path)
  }, 150_000)
  afterAll(async () => {
    await stack?.stop()
    await folder.remove()
  }, 30_000)

  const run = (script: string, args: readonly string[]) =>
    runCommand(process.execPath, [resolve(script), ...args], {
      withinMs: 60_000,
      env: { ...process.env, NODE_OPTIONS: withTestLists, BACKSYNC_HOME: folder.path },
    })
  const backsync = (...args: string[]) => run('infra/cli/backsync.mjs', args)
  const json = async (...args: string[]) => JSON.parse((await backsync(...args, '--json')).output)

  it('show and compare what the stream keeps, as soon as the API has written', async () => {
    const user = { email: 'alice@example.com', state: 'WA', city: 'Seattle', zipcode: '98101' }
    const { status } = await call(`${stack.url}/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(user),
    })
    expect(status).toBe(201)
    await until('the replica has it', 30_000, async () => (await json('count', 'users-by-city')).items === 1)

    const shown = await json('replicate', 'status', 'users-by-city', '--verify')
    expect(shown).toMatchObject({ state: 'following', verification: { equal: true, source: 1, target: 1 } })
    expect(shown.lastAppliedAt).toMatch(/^\d{4}-.*Z$/)
  }, 60_000)

  it('bring a restored table back into the live one, and its replica follows', async () => {
    expect((await run('infra/cli/sample.ts', [])).code).toBe(0)
    const copied = await backsync('copy', 'users-restored', 'users', '--cleanup', '--yes')
    expect(copied).toMatchObject({ code: 0, output: expect.stringMatching(/^copied +500$/m) })
    expect(copied.output).toMatch(/^result +equal$/m)

    await until(
      'the replica has all',
      30_000,
      async () => (await json('count', 'users-by-city')).items === 500,
    )
    expect((await backsync('replicate', 'status', '--verify')).code).toBe(0)
  }, 120_000)

  it('fill, compare and finish a new table', async () => {
    const started = await json('reshape', 'start', 'user-preferences-v2')
    expect(started).toMatchObject({ todo: 'begin', items: 1_000, parked: 0 })
    const finished = await backsync('reshape', 'finish', 'user-preferences-v2', '--yes')
    expect(finished).toMatchObject({
      code: 0,
      output: expect.stringContaining('1,000 of user-preferences-v2'),
    })
    expect(await json('reshape', 'status')).toMatchObject({ state: 'finished', items: 1_000 })
  }, 120_000)
})
