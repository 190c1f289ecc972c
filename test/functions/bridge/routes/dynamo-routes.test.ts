import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { type Route, unmoved } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes, RouteChangedError } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { losingAnswers } from '../jobs/faulty-dynamo.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'

const note = { at: '2026-11-30T10:00:00.000Z', by: 'ann' }

describe('the routes in DynamoDB', () => {
  let tables: JobTables
  let table: string
  let routes: DynamoRoutes
  let entity: string

  beforeAll(async () => {
    tables = await openJobTables()
    table = await tables.create(keySchema({ partition: routeTable.partition }, 'routes'))
    routes = new DynamoRoutes({ client: tables.client, table, deadline: new Deadline() })
  })
  afterAll(() => tables.close())
  beforeEach(() => {
    entity = `chef${randomUUID().slice(0, 8)}`
  })

  const ahead = (route: Route, why?: string): Route =>
    moved(route, placementAt(route, { stage: 'mirrored' }), { ...note, why }, 'salt')

  it('are where nobody has moved them, as long as nothing is written', async () => {
    expect(await routes.read(entity)).toEqual({ route: unmoved(entity), revision: 0, token: '' })
  })

  it('keep all that is known of one', async () => {
    const whole: Route = {
      ...moved(
        ahead(unmoved(entity), 'begin'),
        { stage: 'live', percent: 12.34, allow: ['a', 'kä/€'], deny: ['b'] },
        { ...note, forced: ['lag', 'parked'] },
        '',
      ),
      epoch: 2n ** 62n,
      frozen: { ...note, why: 'look' },
      settled: { epoch: 5n, at: note.at },
      canary: { at: note.at, key: 'c', toAurora: 12, epoch: 7n },
    }
    await routes.replace(await routes.read(entity), whole)
    const { route, revision } = await routes.read(entity)

    expect(route).toEqual(whole)
    expect(revision).toBe(1)
    expect(await routes.list()).toContainEqual(whole)
  })

  it('are changed by one of two who have read the same', async () => {
    const was = await routes.read(entity)
    await routes.replace(was, ahead(was.route, 'first'))
    await expect(routes.replace(was, ahead(was.route, 'second'))).rejects.toThrow(RouteChangedError)
    const then = await routes.read(entity)
    await routes.replace(then, ahead(then.route, 'third'))
    await expect(routes.replace(then, ahead(then.route, 'fourth'))).rejects.toThrow(RouteChangedError)

    expect((await routes.read(entity)).route.history.map(({ why }) => why)).toEqual(['third', 'first'])
  })

  it('are changed once by who loses the answer and asks again', async () => {
    const client = losingAnswers(1, 'PutItemCommand')
    const losing = new DynamoRoutes({ client, table, deadline: new Deadline() })
    const was = await losing.read(entity)
    await losing.replace(was, ahead(was.route))

    expect([client.lost(), (await routes.read(entity)).route.epoch]).toEqual([1, 1n])
    client.destroy()
  })

  it('take notes of all that write at once', async () => {
    const counted = (route: Route): Route => ({
      ...route,
      canary: { at: note.at, toAurora: 1, key: String(Number(route.canary?.key ?? 0) + 1) },
    })
    await Promise.all(Array.from({ length: 4 }, () => routes.note(entity, counted)))
    expect((await routes.read(entity)).route.canary?.key).toBe('4')
    expect(await routes.note(entity, () => undefined)).toMatchObject({ canary: { key: '4' } })
    expect((await routes.read(entity)).revision).toBe(4)
  })

  it.each([
    ['no stage', { stage: { S: 'nowhere' } }],
    ['no number of its move', { epoch: { S: 'x' } }],
    ['no history', { history: { S: '[{}]' } }],
  ])('tell of an item that has %s, and take it for no route', async (_, broken) => {
    const item = {
      entity: { S: entity },
      ...{ revision: { N: '1' }, token: { S: 't' }, epoch: { N: '1' }, stage: { S: 'mirrored' } },
      ...{ percent: { N: '0' }, salt: { S: 's' }, allow: { L: [] }, deny: { L: [] }, history: { S: '[]' } },
    }
    await tables.client.send(new PutItemCommand({ TableName: table, Item: item }))
    expect((await routes.read(entity)).route.stage).toBe('mirrored')
    await tables.client.send(new PutItemCommand({ TableName: table, Item: { ...item, ...broken } }))
    await expect(routes.read(entity)).rejects.toMatchObject({
      code: 'route.foreign-item',
      kind: 'configuration',
    })
    await tables.client.send(new PutItemCommand({ TableName: table, Item: item }))
  })
})
