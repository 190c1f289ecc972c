import { randomUUID } from 'node:crypto'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { uuidv7 } from 'uuidv7'
import { readLegacyId } from '../../../../functions/bridge/aurora/legacy-id.ts'
import { serveRoute } from '../../../../functions/bridge/cutover/serve-route.ts'
import { SideAnswers } from '../../../../functions/bridge/cutover/side-answers.ts'
import { SideCaller } from '../../../../functions/bridge/cutover/side-caller.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { sideFunction } from '../../../../functions/bridge/model/side-function.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import type { Invoked } from '../../../../functions/bridge/ports/function-caller.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chefDefinition } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'
import { openTestTables } from '../dynamo/tables.ts'
import { type FacadeWorld, openFacadeWorld } from './facade-world.ts'

const arn = (name: string) => `arn:aws:lambda:eu-west-1:123456789012:function:${name}:live`
const chef = defineEntity({
  ...chefDefinition,
  mirror: {},
  sides: {
    aurora: sideFunction({ functionArn: arn('old-chefs'), path: '/v1/chefs', names: 'id' }),
    dynamo: sideFunction({ functionArn: arn('new-chefs'), payload: '1.0' }),
  },
})

type Event = {
  readonly rawPath?: string
  readonly path?: string
  readonly httpMethod?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | null
  readonly pathParameters?: Readonly<Record<string, string>> | null
  readonly requestContext: { readonly http?: { readonly method: string }; readonly authorizer?: unknown }
}
type Answer = { readonly statusCode: number; readonly body?: string }

/** Code of a team's own, as it is deployed: it knows nothing of the bridge. */
describe('the facade, of an entity whose sides functions of the team’s own serve', () => {
  let world: FacadeWorld
  let records: Awaited<ReturnType<typeof openTestTables>>
  let seen: { readonly function: string; readonly event: Event }[]
  /** Comes before what a function does; what it gives is what the invocation ends with. */
  let before: (name: string) => Promise<Invoked | undefined>

  beforeAll(async () => {
    world = await openFacadeWorld()
    records = await openTestTables('records', 'id')
    await installMirror(world.sync.aurora, [chef])
  }, 60_000)
  afterAll(async () => {
    await records.close()
    await world.close()
  })
  beforeEach(() => {
    seen = []
    before = async () => undefined
    world.move({ stage: 'mirrored', percent: 0 })
  })

  /** The old one: plain SQL, and whatever goes wrong is a 500 with its text. */
  const oldChefs = async ({ rawPath = '', requestContext, body }: Event): Promise<Answer> => {
    const { legacy } = world.sync.aurora
    const id = /^\/v1\/chefs\/(.+)$/.exec(rawPath)?.[1]
    const read = async () => {
      const [[row]] = await legacy.query<RowDataPacket[]>('SELECT * FROM cheftable WHERE id = ?', [id])
      return row
    }
    const names = JSON.parse(body ?? '{}')
    const [f, l] = [names.firstName, names.lastName]
    try {
      switch (requestContext.http?.method) {
        case 'POST': {
          const [{ insertId }] = await legacy.query<ResultSetHeader>(
            'INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, ?)',
            [f, l],
          )
          return { statusCode: 201, body: JSON.stringify({ id: insertId, by: 'old' }) }
        }
        case 'PUT':
          await legacy.query('UPDATE cheftable SET cheffirst = ?, cheflast = ? WHERE id = ?', [f, l, id])
          return { statusCode: 200, body: JSON.stringify({ id, name: f, by: 'old' }) }
        case 'DELETE':
          await legacy.query('DELETE FROM cheftable WHERE id = ?', [id])
          return { statusCode: 204 }
        default: {
          const row = await read()
          return row === undefined
            ? { statusCode: 404 }
            : { statusCode: 200, body: JSON.stringify({ name: row.cheffirst, by: 'old' }) }
        }
      }
    } catch (error) {
      return { statusCode: 500, body: String(error) }
    }
  }

  /** The new one keeps the contract: each write asks for owner and version, and makes the version larger. */
  const newChefs = async ({ path = '', httpMethod, headers, body }: Event): Promise<Answer> => {
    const { client, tables } = world.sync
    const TableName = tables.of('chef')
    const key = /^\/dynamo\/chefs\/(.+)$/.exec(path)?.[1] ?? headers['backsync-key'] ?? ''
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: { chefId: { S: key } }, ConsistentRead: true }),
    )
    if (httpMethod === 'GET')
      return Item === undefined
        ? { statusCode: 404 }
        : { statusCode: 200, body: JSON.stringify({ name: Item.firstName?.S, by: 'new' }) }
    const { firstName, lastName } = JSON.parse(body ?? '{}')
    await client.send(
      new PutItemCommand({
        TableName,
        Item: {
          ...{ ...Item, chefId: { S: key }, firstName: { S: firstName }, lastName: { S: lastName } },
          version: { N: String(Number(Item?.version?.N ?? 0) + 1) },
          updatedAt: { S: new Date().toISOString() },
        },
        ...(Item === undefined
          ? { ConditionExpression: 'attribute_not_exists(chefId)' }
          : {
              ConditionExpression:
                'version = :v AND (attribute_not_exists(backsync_owner) OR backsync_owner = :own)',
              ExpressionAttributeValues: { ':v': Item.version ?? { N: '0' }, ':own': { S: 'dynamo' } },
            }),
      }),
    )
    return {
      statusCode: httpMethod === 'POST' ? 201 : 200,
      body: JSON.stringify({ key, name: firstName, by: 'new' }),
    }
  }

  const caller = {
    invoke: async (name: string, text: string): Promise<Invoked> => {
      const event: Event = JSON.parse(text)
      seen.push({ function: name, event })
      const instead = await before(name)
      if (instead !== undefined) return instead
      const answer = await (name === arn('old-chefs') ? oldChefs(event) : newChefs(event))
      return { is: 'answered', answer, text: JSON.stringify(answer) }
    },
  }
  const send = async (
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
    facade = world.facadeWith(),
  ) => {
    const event = httpApiEvent(method, `/facade${path}`, {
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const context = { entities: [chef], base: 'facade', now: () => new Date(), newKey: uuidv7 }
    const call = normaliseApiEvent(event, context)
    if (call === undefined) throw new Error('not an HTTP event')
    const requestId = randomUUID()
    const sides = {
      caller: new SideCaller({
        ...{ caller, log: silent },
        idOf: (entity, key) => readLegacyId(world.sync.aurora.db, entity, key),
      }),
      answers: new SideAnswers({
        ...{ client: world.sync.client, table: records.records, deadline: new Deadline() },
      }),
      call: { request: call.request, requestId, authorizer: { jwt: 'whose' }, at: Date.now() },
    }
    const answer = await serveRoute(call, facade, { requestId, log: silent }, sides)
    const { statusCode: status, headers: said, body: text = 'null' } = answer
    return { status, side: said['backsync-side'], headers: said, body: JSON.parse(text) }
  }
  const called = () => seen.map((one) => one.function.split(':').at(-2))
  const julia = { firstName: 'Julia', lastName: 'Child' }
  const live = () => world.move({ stage: 'live', percent: 100 })
  const failed = (text: string): Invoked => ({ is: 'failed', type: 'Error', text })

  const made = async (): Promise<string> => {
    const { body } = await send('POST', '/chefs', { body: julia })
    return String(body.id)
  }

  it('has a key served by the function of its owner’s side, with its own path, and says so', async () => {
    const key = await made()
    expect(await send('GET', `/chefs/${key}`)).toMatchObject({
      ...{ status: 200, side: 'aurora', body: { name: 'Julia', by: 'old' } },
    })
    expect(seen.at(-1)?.event).toMatchObject({
      ...{ rawPath: `/v1/chefs/${key}`, pathParameters: { chefId: key } },
      requestContext: { http: { method: 'GET' }, authorizer: { jwt: 'whose' } },
    })
    live()
    expect(await send('PUT', `/chefs/${key}`, { body: { ...julia, firstName: 'J' } })).toMatchObject({
      ...{ status: 200, side: 'dynamo', body: { name: 'J', by: 'new' } },
    })
    expect(seen.at(-1)?.event).toMatchObject({ httpMethod: 'PUT', path: `/dynamo/chefs/${key}` })
    expect(await send('GET', `/chefs/${key}`)).toMatchObject({ side: 'dynamo', body: { by: 'new' } })
    expect(await world.record(chef, key)).toMatchObject({ dynamo: expect.stringMatching(/^dynamo .*Child$/) })
  })

  it('names a row by its id to a function that knows no keys', async () => {
    const key = uuidv7()
    await world.make(chef, 'aurora', julia, key)
    expect(await send('GET', `/chefs/${key}`)).toMatchObject({ status: 200, body: { name: 'Julia' } })
    expect(seen.at(-1)?.event.rawPath).toMatch(/^\/v1\/chefs\/\d+$/)
  })

  it('answers 404 for what is nowhere, and asks no function', async () => {
    expect(await send('GET', `/chefs/${uuidv7()}`)).toMatchObject({ status: 404 })
    expect(called()).toEqual([])
  })

  it('goes to the other side where a trigger refuses what the function writes, since the key was moved meanwhile', async () => {
    const key = await made()
    const stale = world.facadeWith({ known: world.route() })
    live()
    before = async (name) => {
      if (name === arn('old-chefs')) await world.claim(chef, key, 'dynamo')
      return undefined
    }
    seen = []
    expect(
      await send('PUT', `/chefs/${key}`, { body: { ...julia, firstName: 'Moved' } }, stale),
    ).toMatchObject({
      ...{ status: 200, side: 'dynamo', body: { name: 'Moved', by: 'new' } },
    })
    expect(called()).toEqual(['old-chefs', 'new-chefs'])
  })

  it('takes no customer’s words for a trigger’s', async () => {
    const words = 'backsync: not-the-owner: DynamoDB owns this chef'
    const { status, body } = await send('POST', '/chefs', { body: { ...julia, firstName: words } })
    expect([status, body.by]).toEqual([201, 'old'])
    const answer = { statusCode: 422, body: JSON.stringify({ said: words }) }
    before = async () => ({ is: 'answered', answer, text: JSON.stringify(answer) })
    const again = await send('PUT', `/chefs/${body.id}`, { body: { ...julia, firstName: words } })
    expect(again).toMatchObject({ status: 422, body: { said: words } })
  })

  it.each<readonly [string, Invoked]>([
    ['that fails', failed('{"errorMessage":"boom"}')],
    ['that answers nothing', { is: 'answered', answer: null, text: 'null' }],
    ['that answers text', { is: 'answered', answer: 'fine', text: '"fine"' }],
    ['whose answer has no status', { is: 'answered', answer: { body: '{}' }, text: '{"body":"{}"}' }],
    ['whose status is none', { is: 'answered', answer: { statusCode: 42 }, text: '{"statusCode":42}' }],
    ['whose body is none', { is: 'answered', answer: { statusCode: 200, body: { a: 1 } }, text: '{}' }],
  ])('answers 502 for a function %s', async (_, invoked) => {
    const key = await made()
    before = async () => invoked
    expect(await send('GET', `/chefs/${key}`)).toMatchObject({
      ...{ status: 502, body: { type: 'urn:backsync:problem:side-failed' } },
    })
    expect((await send('PUT', `/chefs/${key}`, { body: julia })).body.detail).toMatch(/is not known: read it/)
  })

  it('passes on what a function refuses', async () => {
    const key = await made()
    before = async () => ({ is: 'answered', answer: { statusCode: 422, body: '{"no":1}' }, text: '' })
    expect(await send('PUT', `/chefs/${key}`, { body: julia })).toMatchObject({
      status: 422,
      body: { no: 1 },
    })
  })

  it('refuses what no event can hold, before a function is called', async () => {
    const key = await made()
    const calls = called().length
    const { status } = await send('PUT', `/chefs/${key}`, {
      ...{ body: julia, headers: { 'x-large': 'x'.repeat(6_000_000) } },
    })
    expect([status, called().length]).toEqual([413, calls])
  })

  describe('with an Idempotency-Key', () => {
    const post = (key: string, body: unknown = julia) =>
      send('POST', '/chefs', { body, headers: { 'idempotency-key': key } })

    it('calls the function once, and answers a repeat as it did first, also after a move', async () => {
      const key = randomUUID()
      const first = await post(key)
      expect(first).toMatchObject({ status: 201, body: { by: 'old' } })
      live()
      const again = await post(key)
      expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
        ...[201, first.body, 'true'],
      ])
      expect(called()).toEqual(['old-chefs'])
      expect(await post(key, { ...julia, firstName: 'Other' })).toMatchObject({ status: 422 })
    })

    it('gives it free where the function has refused it', async () => {
      const key = randomUUID()
      before = async () => ({ is: 'answered', answer: { statusCode: 422 }, text: '' })
      expect(await post(key)).toMatchObject({ status: 422 })
      before = async () => undefined
      expect(await post(key)).toMatchObject({ status: 201 })
    })

    it('does not do it again where nobody knows whether it was done', async () => {
      const key = randomUUID()
      before = async () => failed('cut off')
      expect(await post(key)).toMatchObject({ status: 502 })
      before = async () => undefined
      expect(await post(key)).toMatchObject({
        status: 409,
        body: { type: expect.stringMatching(/in-progress/) },
      })
      expect(called()).toEqual(['old-chefs'])
    })

    it('gives the new function the key that what it makes is to have', async () => {
      live()
      const { status, body } = await post(randomUUID())
      expect([status, body.by]).toEqual([201, 'new'])
      expect(await world.item(chef, String(body.key))).toMatchObject({ firstName: { S: 'Julia' } })
    })
  })
})
