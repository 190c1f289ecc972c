import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../infra/local/processes/command.ts'
import { functionsApp, withFunctions } from '../fixtures/legacy-functions/sources.ts'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { call, type RunningStack, runStack, send } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** The whole way, by the synthesised template and the bundles: what writes to Aurora is a team's own code. */
describe('entities that functions of a team’s own write', () => {
  let folder: TemporaryFolder
  let stack: RunningStack

  beforeAll(async () => {
    folder = await makeFolder()
    stack = await runStack(folder.path, {}, { app: functionsApp })
  }, 150_000)
  afterAll(async () => {
    await stack?.stop()
    await folder?.remove()
  }, 30_000)

  const get = (path: string) => call(`${stack.url}${path}`)
  const visible = (path: string, expected: Record<string, unknown>): Promise<void> =>
    until(`${path} shows ${JSON.stringify(expected)}`, 20_000, async () => {
      const reply = await get(path)
      if (reply.status !== 200) return false
      const body = reply.json()
      return Object.entries(expected).every(([name, value]) => body[name] === value)
    })
  const run = async (...command: string[]): Promise<string> => {
    const env = { ...process.env, NODE_OPTIONS: withFunctions, BACKSYNC_HOME: folder.path }
    const all = [resolve('infra/cli/backsync.mjs'), ...command]
    return (await runCommand(process.execPath, all, { withinMs: 60_000, env })).output
  }
  const parked = async (entity: string, key: string): Promise<Record<string, unknown>> => {
    await until(`${entity} ${key} is parked`, 20_000, async () =>
      (await run('parked', 'list', '--json')).includes(key),
    )
    return JSON.parse(await run('parked', 'show', entity, key, '--json'))
  }

  it('reach Aurora from both sides, with what the code has made of them', async () => {
    const made = await send('POST', `${stack.url}/dynamo/platters`, { title: 'Cold meat', size: 3 })
    const { platterId: key } = made.json()
    await visible(`/aurora/platters/${key}`, { title: 'Cold meat', size: 3, version: 1 })
    await send('PUT', `${stack.url}/dynamo/platters/${key}`, { title: 'Meat', size: 3 })
    await visible(`/aurora/platters/${key}`, { title: 'Meat', version: 2 })
    await call(`${stack.url}/dynamo/platters/${key}`, { method: 'DELETE' })
    await until(`${key} is gone`, 20_000, async () => (await get(`/aurora/platters/${key}`)).status === 404)

    const own = await send('POST', `${stack.url}/aurora/platters`, { title: 'Fish', size: 1 })
    expect([own.status, own.json()]).toMatchObject([201, { title: 'Fish', version: 1 }])
    const path = `${stack.url}/aurora/platters/${own.json().platterId}`
    expect((await send('PUT', path, { title: 'Big fish', size: 2 })).json()).toMatchObject({ version: 2 })
    const refused = await send('PUT', path, { title: 'refuse', size: 2 })
    expect([refused.status, refused.json().errors]).toEqual([
      ...[422, [{ pointer: '', detail: 'The function has refused it: it answered 422' }]],
    ])
    expect((await call(path, { method: 'DELETE' })).status).toBe(204)
  }, 90_000)

  it('are parked with the answer where the code fails, and tried again by command', async () => {
    const bad = await send('POST', `${stack.url}/dynamo/platters`, { title: 'throw it', size: 3 })
    const early = await send('POST', `${stack.url}/dynamo/platters`, { title: 'later', size: 4 })
    const behind = await send('POST', `${stack.url}/dynamo/platters`, { title: 'Behind', size: 5 })
    await visible(`/aurora/platters/${behind.json().platterId}`, { title: 'Behind' })

    const shown = await parked('platter', String(bad.json().platterId))
    expect(shown).toMatchObject({ code: 'legacy-function.threw', payload: { answer: expect.any(String) } })
    expect(JSON.stringify(shown.payload)).toContain("can't have throw it")
    const key = String(early.json().platterId)
    expect(await parked('platter', key)).toMatchObject({ code: 'legacy-function.refused' })
    await run('parked', 'retry', 'platter', key, '--yes')
    expect((await get(`/aurora/platters/${key}`)).json()).toMatchObject({ title: 'later', version: 1 })
  }, 90_000)

  it('reach Aurora by a handler of 2020 as it is: what that can do is done, and the rest is listed', async () => {
    const made = await send('POST', `${stack.url}/dynamo/chefs`, { firstName: 'Ada', lastName: 'Cook' })
    const { chefId: key } = made.json()
    await visible(`/aurora/chefs/${key}`, { firstName: 'Ada', lastName: 'Cook', version: 1 })
    const own = await send('POST', `${stack.url}/aurora/chefs`, { firstName: 'Bea', lastName: 'Baker' })
    expect([own.status, own.json()]).toMatchObject([201, { firstName: 'Bea', version: 1 }])
    await send('PUT', `${stack.url}/dynamo/chefs/${key}`, { firstName: 'Ada', lastName: 'Baker' })

    expect(await parked('chef', String(key))).toMatchObject({
      code: 'legacy-function.no-event',
      version: '2',
    })
    expect((await get(`/aurora/chefs/${key}`)).json()).toMatchObject({ lastName: 'Cook', version: 1 })
  }, 90_000)

  it('are refused where the function is none of this stack, which says so at its start', async () => {
    const { notes } = JSON.parse(await readFile(join(folder.path, 'stack.json'), 'utf8'))
    expect(JSON.stringify(notes)).toContain(
      'arn:aws:lambda:eu-west-1:123456789012:function:legacy-crates:live',
    )
    const refused = await send('POST', `${stack.url}/aurora/crates`, { label: 'Apples' })
    expect(refused.status).toBe(500)
    expect((await get('/aurora/crates')).json()).toMatchObject({ items: [] })
  })
})
