import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { LARGEST_BODY } from '../../../../functions/bridge/http/body.ts'
import { openDynamo } from '../../bridge/dynamo/tables.ts'
import { httpApiEvent, loadBalancerEvent, restApiEvent } from '../../fixtures/http-events.ts'

const alice = { email: 'alice@example.com', state: 'WA', city: 'Seattle', zipcode: '98101' }
const contentType = { 'content-type': 'application/json' }
const context = { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 10_000 }

describe('the users', () => {
  const TableName = `users-${randomUUID()}`
  const byCity = `users-by-city-${randomUUID()}`
  let client: DynamoDBClient
  let handler: typeof import('../../../../functions/sample/users/handler.ts').handler

  beforeAll(async () => {
    client = openDynamo()
    await client.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'email', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'email', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    await client.send(
      new CreateTableCommand({
        TableName: byCity,
        AttributeDefinitions: ['state', 'city'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        KeySchema: [
          { AttributeName: 'state', KeyType: 'HASH' },
          { AttributeName: 'city', KeyType: 'RANGE' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
    // What the template and Lambda give it; it reads them when it loads.
    Object.assign(process.env, {
      TABLES: JSON.stringify({ users: TableName, 'users-by-city': byCity }),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: process.env.TEST_DYNAMODB_ENDPOINT,
    })
    ;({ handler } = await import('../../../../functions/sample/users/handler.ts'))
  })
  afterAll(async () => {
    for (const table of [TableName, byCity]) await client.send(new DeleteTableCommand({ TableName: table }))
    client.destroy()
  })

  const items = async () => (await client.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items
  const bodyOf = (answer: { body?: string }): unknown => JSON.parse(answer.body ?? 'null')
  const post = (body: unknown, headers: Record<string, string> = contentType) =>
    handler(
      httpApiEvent('POST', '/users', {
        headers,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
      context,
    )
  const at = (method: string, email: string) =>
    handler(httpApiEvent(method, `/users/${encodeURIComponent(email)}`), context)

  it('are created, replaced, read and deleted under their e-mail address', async () => {
    const created = await post(alice)
    expect([created.statusCode, bodyOf(created), created.headers.location]).toEqual([
      201,
      alice,
      '/users/alice%40example.com',
    ])
    expect(await items()).toEqual([
      {
        email: { S: 'alice@example.com' },
        state: { S: 'WA' },
        city: { S: 'Seattle' },
        zipcode: { S: '98101' },
      },
    ])

    const moved = { ...alice, city: 'Tacoma' }
    expect((await post(moved)).statusCode).toBe(201)
    const read = await at('GET', alice.email)
    expect([read.statusCode, bodyOf(read)]).toEqual([200, moved])

    const removed = await at('DELETE', alice.email)
    expect([removed.statusCode, removed.body]).toEqual([204, undefined])
    expect((await at('DELETE', alice.email)).statusCode).toBe(404)
    expect((await at('GET', alice.email)).statusCode).toBe(404)
    expect(await items()).toEqual([])
  })

  it('come through a REST API as well, behind a prefix', async () => {
    const event = restApiEvent('POST', '/shop/users', { headers: contentType, body: JSON.stringify(alice) })
    const created = await handler(event, context)

    expect([created.statusCode, created.headers.location]).toEqual([201, '/shop/users/alice%40example.com'])
    expect((await at('DELETE', alice.email)).statusCode).toBe(204)
  })

  it.each<[number, string, unknown, Record<string, string>]>([
    [400, 'invalid-body', { ...alice, email: 'alice' }, contentType],
    [400, 'invalid-body', { email: 'a@example.com', state: 'WA' }, contentType],
    [400, 'invalid-body', { ...alice, city: '' }, contentType],
    [400, 'invalid-body', { ...alice, zipcode: 98101 }, contentType],
    [400, 'invalid-body', { ...alice, phone: '1' }, contentType],
    [400, 'invalid-body', [], contentType],
    [400, 'malformed-json', '{"email":', contentType],
    [400, 'malformed-json', '', contentType],
    [413, 'body-too-large', { ...alice, city: 'x'.repeat(LARGEST_BODY) }, contentType],
    [415, 'content-type', alice, { 'content-type': 'text/plain' }],
  ])('are refused with %i %s, and nothing is written (%#)', async (status, code, body, headers) => {
    const refused = await post(body, headers)

    expect(refused.statusCode).toBe(status)
    expect(refused.headers['content-type']).toMatch('application/problem+json')
    expect(bodyOf(refused)).toMatchObject({
      type: `urn:backsync:problem:${code}`,
      status,
      instance: '/users',
      requestId: 'request-1',
    })
    expect(await items()).toEqual([])
  })

  it.each([
    ['PUT', '/users', 405, 'GET, POST'],
    ['PUT', '/users/a%40example.com', 405, 'GET, DELETE'],
    ['GET', '/users//', 404, undefined],
    ['DELETE', '/users/', 405, 'GET, POST'],
    ['GET', `/users/${'a'.repeat(2049)}`, 404, undefined],
    ['GET', '/users/nobody%40example.com', 404, undefined],
    ['GET', '/users/a/b', 404, undefined],
    ['POST', '/user', 404, undefined],
  ])('answer %s %s with %i', async (method, path, status, allow) => {
    const answer = await handler(httpApiEvent(method, path), context)

    expect([answer.statusCode, answer.headers.allow]).toEqual([status, allow])
  })

  describe('of a state', () => {
    const cities = ['Bend', 'Eugene', 'Portland', 'Salem']
    const shown = (city: string) => ({ state: 'OR', city, email: `${city.toLowerCase()}@example.com` })
    const get = (query: string) => handler(httpApiEvent('GET', '/users', { query }), context)

    beforeAll(async () => {
      // As the stream's function writes them.
      const stamp = { backsync_version: { S: '1'.padStart(50, '0') }, backsync_source: { S: 'x' } }
      for (const city of cities) {
        const texts = Object.entries(shown(city)).map(([name, S]) => [name, { S }])
        const Item = { ...Object.fromEntries(texts), ...stamp }
        await client.send(new PutItemCommand({ TableName: byCity, Item }))
      }
      const elsewhere = { state: { S: 'ME' }, city: { S: 'Portland' }, email: { S: 'me@example.com' } }
      await client.send(new PutItemCommand({ TableName: byCity, Item: elsewhere }))
    })

    it('are listed in the order of their cities, from the table that is kept for that', async () => {
      const all = await get('state=OR')
      expect([all.statusCode, bodyOf(all)]).toEqual([200, { items: cities.map(shown) }])
    })

    it('are listed for one of its cities', async () => {
      expect(bodyOf(await get('state=OR&city=Portland'))).toEqual({ items: [shown('Portland')] })
      expect(bodyOf(await get('state=OR&city=Nowhere'))).toEqual({ items: [] })
      expect(bodyOf(await get('state=WY'))).toEqual({ items: [] })
    })

    it.each([1, 2, 3, 4, 5])('are paged by %i, each once, and the last page has no cursor', async (limit) => {
      const seen: unknown[] = []
      const sizes: number[] = []
      for (let query: string | undefined = `state=OR&limit=${limit}`; query !== undefined; ) {
        const page: { items: unknown[]; cursor?: string } = Object(bodyOf(await get(query)))
        seen.push(...page.items)
        sizes.push(page.items.length)
        query = page.cursor === undefined ? undefined : `state=OR&limit=${limit}&cursor=${page.cursor}`
      }
      expect(seen).toEqual(cities.map(shown))
      expect(sizes).toHaveLength(Math.ceil(cities.length / limit))
    })

    it.each([
      ['', 'invalid-query', 'state is required.'],
      ['city=Portland', 'invalid-query', 'state is required.'],
      ['state=', 'invalid-query', 'state must not be empty.'],
      ['state=OR&city=', 'invalid-query', 'city must not be empty.'],
      [`state=${'x'.repeat(101)}`, 'invalid-query', 'state must not be longer than 100 characters.'],
      ['state=OR&limit=0', 'invalid-limit', 'limit must be a whole number from 1 to 100.'],
      ['state=OR&limit=101', 'invalid-limit', 'limit must be a whole number from 1 to 100.'],
      ['state=OR&cursor=!', 'invalid-cursor', 'cursor must be one that an earlier page gave.'],
      ['state=OR&cursor=', 'invalid-cursor', 'cursor must be one that an earlier page gave.'],
    ])('are refused for ?%s with 400 %s', async (query, code, detail) => {
      const refused = await get(query)
      expect(refused.statusCode).toBe(400)
      expect(refused.headers['content-type']).toMatch('application/problem+json')
      expect(bodyOf(refused)).toMatchObject({ type: `urn:backsync:problem:${code}`, status: 400, detail })
    })
  })

  it('are shown as they are, also where somebody else has written the item', async () => {
    const Item = { email: { S: 'old@example.com' }, state: { S: 'WA' }, logins: { N: '7' } }
    await client.send(new PutItemCommand({ TableName, Item }))

    expect(bodyOf(await at('GET', 'old@example.com'))).toEqual({ email: 'old@example.com', state: 'WA' })
    expect((await at('DELETE', 'old@example.com')).statusCode).toBe(204)
  })

  it('are not guessed at from another kind of event', async () => {
    await expect(handler(loadBalancerEvent, context)).rejects.toThrow('The event is neither')
  })

  it('are out of reach when the time is over: 503, and nothing is written', async () => {
    const event = httpApiEvent('POST', '/users', { headers: contentType, body: JSON.stringify(alice) })
    const late = await handler(event, { ...context, getRemainingTimeInMillis: () => 0 })

    expect([late.statusCode, late.headers['retry-after']]).toEqual([503, '1'])
    expect(late.body).not.toMatch(/deadline/i)
    expect(await items()).toEqual([])
  })
})
