import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../infra/local/processes/command.ts'
import { sidesApp, sidesPlayed, withSides } from '../fixtures/side-functions/sources.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call, type Reply, type RunningStack, runStack, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The whole way, by the synthesised template and the bundles: what serves the aurora side is a function that is there already. */
describe('the facade of an entity whose aurora side a function of the team’s own serves', () => {
  let folder: TemporaryFolder
  let stack: RunningStack
  const run = async (...command: string[]): Promise<string> => {
    const env = { ...process.env, NODE_OPTIONS: withSides, BACKSYNC_HOME: folder.path }
    const all = [resolve('infra/cli/backsync.mjs'), ...command]
    return (await runCommand(process.execPath, all, { withinMs: 60_000, env })).output
  }
  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path, { BACKSYNC_FUNCTIONS: sidesPlayed }, { app: sidesApp })
    expect(await run('mirror', 'install', 'chef', '--yes')).toMatch(/6 triggers were made/)
  }, 180_000)
  afterAll(async () => {
    await stack?.stop()
    await folder?.remove()
  }, 30_000)

  const chefs = (path = '') => `${stack.url}/chefs${path}`
  const told = ({ status, headers, json }: Reply) => ({
    ...{ status, side: headers.get('backsync-side'), by: headers.get('x-served-by'), body: json() },
  })

  it('serves its keys there, repeats what it has answered, and moves a key away under the route', async () => {
    const once = { 'idempotency-key': 'a-chef-of-mine' }
    const made = await send('POST', chefs(), { firstName: 'Ada', lastName: 'Cook' }, once)
    const again = await send('POST', chefs(), { firstName: 'Ada', lastName: 'Cook' }, once)
    expect(told(made)).toMatchObject({ status: 201, side: 'aurora', by: 'old-chefs' })
    expect([again.headers.get('idempotency-replayed'), again.text]).toEqual(['true', made.text])
    const path = `/${made.json().id}`
    expect(told(await call(chefs(path)))).toMatchObject({
      ...{ status: 200, side: 'aurora', by: 'old-chefs', body: { firstName: 'Ada' } },
    })
    expect(told(await call(chefs('/9999')))).toMatchObject({ status: 404, by: null })

    for (const stage of ['mirrored', 'shadow', 'live'])
      await run('cutover', 'set', 'chef', stage, '--percent', '100', '--force', '--why', 'a test', '--yes')
    // The facade knows its route for five seconds.
    await until('the facade has moved it', 20_000, async () => {
      const moved = told(await send('PUT', chefs(path), { firstName: 'Ada', lastName: 'Baker' }))
      expect(moved).toMatchObject({ status: 200, body: { lastName: 'Baker' } })
      return moved.side === 'dynamo' && moved.by === null
    })
    await run('cutover', 'set', 'chef', 'shadow', '--why', 'a test', '--yes')
    await until('the facade has it back', 20_000, async () => {
      const back = told(await send('PUT', chefs(path), { firstName: 'Ada', lastName: 'Cook' }))
      expect(back).toMatchObject({ status: 200, body: { lastName: 'Cook' } })
      return back.side === 'aurora' && back.by === 'old-chefs'
    })
  }, 120_000)

  it('answers 502 where it throws, or answers nonsense', async () => {
    for (const firstName of ['throw', 'nonsense']) {
      const { status, body } = told(await send('POST', chefs(), { firstName, lastName: 'x' }))
      expect([firstName, status, body.type]).toEqual([firstName, 502, 'urn:backsync:problem:side-failed'])
    }
  })
})
