import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { entities } from '../fixtures/mirrored/entities.ts'
import { mirroredApp } from '../fixtures/mirrored/sources.ts'
import { call, send } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { openWorld, type World } from './world.ts'

/** The whole way, by the synthesised template and the bundles: what plain SQL writes is on the modern side by itself. */
describe('a kitchen whose legacy tables are mirrored', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(async () => undefined, { app: mirroredApp, mirrored: entities })
  }, 150_000)
  afterAll(() => world?.close(), 30_000)

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
    // A schedule begins when its first interval has passed.
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
})
