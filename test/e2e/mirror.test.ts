import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { Placement } from '../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes } from '../../functions/bridge/routes/dynamo-routes.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import { entities } from '../fixtures/mirrored/entities.ts'
import { mirroredApp, withMirrored } from '../fixtures/mirrored/sources.ts'
import { runCli } from '../infra/cli/harness.ts'
import { definitionIn } from '../infra/fixtures/workflow.ts'
import { call, send } from '../support/stack.ts'
import { startStates } from '../support/states.ts'
import { until } from '../support/until.ts'
import { openWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(async () => undefined, { app: mirroredApp, mirrored: entities })
}, 150_000)
afterAll(() => world?.close(), 30_000)

/** The whole way, by the synthesised template and the bundles: what plain SQL writes is on the modern side by itself. */
describe('a kitchen whose legacy tables are mirrored', () => {
  const run = async (statement: string, values: unknown[] = []): Promise<number> => {
    const [{ insertId }] = await world.legacy.query<ResultSetHeader>(statement, values)
    return insertId
  }
  const chefAt = (side: 'aurora' | 'dynamo', key: string) => call(`${world.stack.url}/${side}/chefs/${key}`)
  const visible = (key: string, firstName: string, withinMs: number): Promise<void> =>
    until(`${key} shows ${firstName}`, withinMs, async () => {
      const { status, json } = await chefAt('dynamo', key)
      return status === 200 && json().firstName === firstName
    })
  const logged = async (): Promise<number> => {
    const [[row]] = await world.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM backsync_changes')
    return Number(row?.n)
  }
  const items = async () => {
    const TableName = world.outputs.ChefTableName
    return (await world.dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? []
  }

  it('shows there what legacy programs and the legacy API write, and is quiet then', async () => {
    const id = String(await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Julia', 'Child')"))
    // Where the relay has ended before that, its schedule is waited for.
    await visible(id, 'Julia', 90_000)

    await run("UPDATE cheftable SET cheffirst = 'Jacques' WHERE id = ?", [id])
    await visible(id, 'Jacques', 20_000)
    const made = await send('POST', `${world.stack.url}/aurora/chefs`, { firstName: 'Api', lastName: 'T' })
    const key = String(made.json().chefId)
    await visible(key, 'Api', 20_000)
    await run('DELETE FROM cheftable WHERE id = ?', [id])
    await until(`${id} is gone`, 20_000, async () => (await chefAt('dynamo', id)).status === 404)

    const refused = await send('PUT', `${world.stack.url}/dynamo/chefs/${key}`, {
      firstName: 'No',
      lastName: 'T',
    })
    expect(refused.status).toBe(409)
    await until('the log is empty', 20_000, async () => (await logged()) === 0)
    const before = await items()
    // Once a later write is there the relay has looked again.
    const later = String(await run("INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Later', 'T')"))
    await visible(later, 'Later', 20_000)
    expect((await items()).filter(({ chefId }) => chefId?.S !== later)).toEqual(before)
    await until('the log is empty again', 20_000, async () => (await logged()) === 0)
    const version = before.find(({ chefId }) => chefId?.S === key)?.version
    expect((await chefAt('aurora', key)).json().version).toBe(Number(version?.N))
  }, 180_000)

  it('carries the other way what is written on the modern side, and refuses plain SQL there', async () => {
    const made = await send('POST', `${world.stack.url}/dynamo/chefs`, { firstName: 'Modern', lastName: 'T' })
    const key = String(made.json().chefId)
    await until(`${key} is in Aurora`, 30_000, async () => (await chefAt('aurora', key)).status === 200)

    const update = run("UPDATE cheftable SET cheffirst = 'Legacy' WHERE backsync_key = ?", [key])
    await expect(update).rejects.toThrow('DynamoDB owns this chef')
    expect(await logged()).toBe(0)
    expect((await chefAt('dynamo', key)).json()).toMatchObject({ firstName: 'Modern', version: 1 })
  }, 60_000)

  it('is filled by the state machine of the template, which the command starts and watches', async () => {
    const file = join(world.home, 'cdk.out', 'Backsync.template.json')
    const template = Template.fromJSON(JSON.parse(await readFile(file, 'utf8')))
    const { name } = world.functions.find((one) => one.name.includes('BackfillFunction')) ?? {}
    const steps: string[] = []
    const states = await startStates(() => ({
      definition: definitionIn(template, 'Backfill'),
      invoke: async (payload) => {
        steps.push(Object(payload).step ?? Object(payload).operation)
        const answer = await world.lambda.send(
          new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }),
        )
        const result = JSON.parse(Buffer.from(answer.Payload ?? []).toString())
        if (answer.FunctionError === undefined) return result
        throw Object.assign(new Error(result.errorMessage), { name: result.errorType })
      },
    }))
    try {
      const { code, stdout, stderr } = await runCli(['resync', 'chef', '--on', 'aws', '--yes', '--json'], {
        ...{ BACKSYNC_HOME: world.home, NODE_OPTIONS: withMirrored, AWS_PROFILE: 'nobody' },
        AWS_ENDPOINT_URL_SFN: states.endpoint,
      })
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^started arn:aws:states:/)])
      const { items, fromAurora, parked } = JSON.parse(stdout)
      expect([items > 0, fromAurora.items > 0, parked]).toEqual([true, true, 0])
      expect([...new Set(steps)]).toEqual(['plan', 'items', 'rows', 'records', 'gone', 'conclude'])
      expect(steps.length).toBeGreaterThan(6)
    } finally {
      await states.close()
    }
  }, 120_000)
})

/** By the synthesised template and the bundles: one path for clients, whichever side has the key. */
describe('the facade of that kitchen', () => {
  const routes = () =>
    new DynamoRoutes({
      client: world.dynamodb,
      table: world.outputs.RoutesTableName ?? '',
      deadline: new Deadline(),
    })
  const legacyChef = async (firstName: string): Promise<string> => {
    const [{ insertId }] = await world.legacy.query<ResultSetHeader>(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, 'T')",
      [firstName],
    )
    return String(insertId)
  }
  const move = (to: Partial<Placement>) =>
    routes().note('chef', (route) =>
      moved(route, placementAt(route, to), { at: new Date().toISOString(), by: 'test' }, 'salt'),
    )
  const at = (key: string) => `${world.stack.url}/chefs/${key}`
  const put = (key: string, firstName: string) => send('PUT', at(key), { firstName, lastName: 'T' })
  const sideOf = ({ headers }: { readonly headers: Headers | Record<string, unknown> }) =>
    headers instanceof Headers ? headers.get('backsync-side') : headers['backsync-side']

  it('serves a chef where he is, there and back again, and no program writes him at the other side', async () => {
    const key = await legacyChef('One')
    const read = await call(at(key))
    expect([read.status, sideOf(read), read.json().firstName]).toEqual([200, 'aurora', 'One'])

    const there = await move({ stage: 'live', percent: 100 })
    // A function that is warm goes by what it knows for a few seconds.
    await until('a write goes to DynamoDB', 20_000, async () => sideOf(await put(key, 'Two')) === 'dynamo')
    const moved = await call(at(key))
    expect(moved.json()).toMatchObject({ firstName: 'Two' })
    expect(sideOf(moved)).toBe('dynamo')
    expect((await call(`${world.stack.url}/dynamo/chefs/${key}`)).json().firstName).toBe('Two')
    await expect(
      world.legacy.query("UPDATE cheftable SET cheffirst = 'Legacy' WHERE id = ?", [key]),
    ).rejects.toThrow('DynamoDB owns this chef')

    const made = await send('POST', `${world.stack.url}/chefs`, { firstName: 'New', lastName: 'T' })
    expect([made.status, sideOf(made)]).toEqual([201, 'dynamo'])

    const back = await move({ stage: 'mirrored' })
    expect(back.epoch).toBe(there.epoch + 1n)
    await until('a write goes to Aurora', 20_000, async () => sideOf(await put(key, 'Three')) === 'aurora')
    await world.legacy.query("UPDATE cheftable SET cheffirst = 'Four' WHERE id = ?", [key])
    expect((await call(at(key))).json().firstName).toBe('Four')
    expect((await call(at(key), { method: 'DELETE' })).status).toBe(204)
    expect((await call(at(key))).status).toBe(404)
    expect((await call(at('nobody'))).status).toBe(404)
  }, 180_000)

  it('has a canary go there and back by the stream and the relay, and sweeps a route that was moved', async () => {
    const run = (...args: string[]) =>
      runCli(['cutover', ...args, '--yes', '--json'], {
        ...{ BACKSYNC_HOME: world.home, NODE_OPTIONS: withMirrored, AWS_PROFILE: 'nobody' },
      })
    const canary = await run('canary', 'chef')
    expect([canary.code, canary.stderr]).toEqual([0, expect.stringContaining('by the relay')])
    expect(JSON.parse(canary.stdout)).toMatchObject({
      toAurora: expect.any(Number),
      toDynamo: expect.any(Number),
    })
    expect((await run('set', 'recipe', 'mirrored')).code).toBe(0)
    // Nothing has ever filled it.
    expect((await run('set', 'recipe', 'shadow')).code).toBe(4)
    const key = await legacyChef('Swept')
    await move({ stage: 'live', percent: 100 })
    const swept = await run('sweep', 'chef')
    expect([swept.code, JSON.parse(swept.stdout)]).toMatchObject([0, { settled: true }])
    const { json } = await call(at(key))
    expect(json()).toMatchObject({ firstName: 'Swept' })
    expect(sideOf(await call(at(key)))).toBe('dynamo')
  }, 240_000)
})
