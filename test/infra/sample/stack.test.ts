import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runCommand } from '../../../infra/local/processes/command.ts'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'
import { call, type RunningStack, runStack, send } from '../../support/stack.ts'
import { runStep, settled, transcriptsOf } from '../../support/transcripts.ts'
import { until } from '../../support/until.ts'

/** The pages in the order in which a reader would run them. */
const PAGES = ['README.md', 'infra/cli/README.md']

/** The whole way: this repository's stack as `npm start` runs it, with the sample in it. */
let folder: TemporaryFolder
let stack: RunningStack
beforeAll(async () => {
  folder = await makeFolder()
  stack = await runStack(folder.path, {}, { app: 'infra/app.ts' })
}, 150_000)
afterAll(async () => {
  await stack?.stop()
  await folder.remove()
}, 30_000)

// First, for they say what a stack has that is new.
describe('the transcripts of the pages', () => {
  it.each(PAGES)(
    'of %s are what its commands print',
    async (page) => {
      const steps = transcriptsOf(readFileSync(resolve(page), 'utf8'))
      expect(steps.length).toBeGreaterThan(0)
      for (const { command, expected } of steps) {
        const output = await runStep(command, { url: stack.url, home: folder.path })
        expect({ command, prints: settled(output) }).toEqual({ command, prints: settled(expected) })
      }
    },
    180_000,
  )
})

describe("the sample's stack", () => {
  const itemsAt = async (query: string): Promise<unknown> =>
    (await call(`${stack.url}/users?${query}`)).json().items
  const alice = { email: 'alice@example.com', state: 'WA', city: 'Seattle', zipcode: '98101' }
  const { zipcode: _, ...placed } = alice

  it('passes the walkthrough', async () => {
    const script = resolve('infra/sample/walkthrough.ts')
    const { code, output } = await runCommand(process.execPath, [script, '--url', stack.url], {
      withinMs: 60_000,
      env: { ...process.env, NODE_OPTIONS: '', BACKSYNC_HOME: folder.path },
    })

    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringMatching(
        /mirror: DELETE is in DynamoDB after .*28 calls as expected; 12 back-syncs, lag p50 \d+ ms/s,
      ),
    })
  }, 90_000)

  it('lists users of the table that the pages have copied, from its replica', async () => {
    expect(Object(await itemsAt('state=OR&limit=100'))).toHaveLength(100)
  })

  it('gives a command to paste for a list of users', () => {
    expect(stack.output()).toContain(`curl '${stack.url}/users?state=WA&city=Seattle'`)
  })

  it('lists a user where it lives, once the stream has brought it there', async () => {
    expect((await send('POST', `${stack.url}/users`, alice)).json()).toEqual(alice)
    await until('it is in Seattle', 30_000, async () => Object(await itemsAt('state=WA&city=Seattle'))[0])
    expect(await itemsAt('state=WA&city=Seattle')).toEqual([placed])

    await send('POST', `${stack.url}/users`, { ...alice, city: 'Tacoma' })
    await until('it is in Tacoma', 30_000, async () => Object(await itemsAt('state=WA&city=Tacoma'))[0])
    expect(await itemsAt('state=WA')).toEqual([{ ...placed, city: 'Tacoma' }])

    const url = `${stack.url}/users/${encodeURIComponent(alice.email)}`
    expect((await call(url)).json()).toMatchObject({ city: 'Tacoma' })
    expect((await call(url, { method: 'DELETE' })).status).toBe(204)
    expect((await call(url)).status).toBe(404)
    await until('it is gone', 30_000, async () => Object(await itemsAt('state=WA')).length === 0)
  }, 90_000)

  it.each([
    [{ ...alice, email: 'alice' }, ['/email']],
    [{ email: alice.email, city: '' }, ['/city', '/state', '/zipcode']],
    [{ ...alice, zipcode: 98101, phone: '1' }, ['/phone', '/zipcode']],
  ])('takes nothing from a bad request: %j', async (body, pointers) => {
    const refused = await send('POST', `${stack.url}/users`, body)

    expect(refused.status).toBe(400)
    expect(refused.json()).toMatchObject({ status: 400, instance: '/users' })
    const named = JSON.parse(refused.text).errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(named.sort()).toEqual(pointers)
    expect((await call(`${stack.url}/users/${encodeURIComponent(alice.email)}`)).status).toBe(404)
  })

  it('refuses a list of users that names no state', async () => {
    const refused = await call(`${stack.url}/users?city=Seattle`)

    expect(refused.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(refused.json()).toMatchObject({ status: 400, detail: 'state is required.', instance: '/users' })
  })
})
