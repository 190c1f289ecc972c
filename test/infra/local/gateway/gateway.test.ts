import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import type { HttpApi } from '../../../../infra/local/gateway/api.ts'
import { createHandler, type Invoke } from '../../../../infra/local/gateway/handle.ts'
import { parseRouteKey } from '../../../../infra/local/gateway/route-key.ts'
import { type Gateway, listen } from '../../../../infra/local/gateway/server.ts'
import { InvokeError } from '../../../../infra/local/lambda/errors.ts'
import { openLogFile } from '../../../../infra/local/lambda/log-file.ts'

const apiOf = (changes: Partial<HttpApi> = {}, route: Partial<HttpApi['routes'][number]> = {}): HttpApi => ({
  id: 'api1',
  stage: '$default',
  routes: ['ANY /things', 'ANY /things/{id}'].map((key) => ({
    key: parseRouteKey(key),
    authorization: 'NONE' as const,
    functionArn: 'fn',
    timeoutMs: 30_000,
    ...route,
  })),
  ...changes,
})

describe('the gateway', () => {
  let folder: string
  let gateway: Gateway
  let events: APIGatewayProxyEventV2[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-gateway-'))
    gateway = await listen(
      0,
      openLogFile(join(folder, 'access.log'), () => {}),
    )
    events = []
  })
  afterEach(async () => {
    await gateway.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Serves an API whose function gives this answer, as JSON. */
  const serve = (answer: unknown, api = apiOf(), now?: () => number): void => {
    const invoke: Invoke = async (_, event) => {
      events.push(event as APIGatewayProxyEventV2)
      return { ok: true, payload: JSON.stringify(answer) ?? 'null' }
    }
    gateway.serve(createHandler(api, invoke, now))
  }
  const call = (path = '/things', init: RequestInit = {}) => fetch(gateway.url + path, init)

  it('sends the event of payload format 2.0', async () => {
    serve(null)

    await call('/things/a%20b?x=1&x=2&y=%C3%A9', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json', 'X-Custom': 'Yes', Cookie: 'a=1; b=2' },
      body: '{"name":"é"}',
    })

    const [event] = events
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'ANY /things/{id}',
      rawPath: '/things/a b',
      rawQueryString: 'x=1&x=2&y=%C3%A9',
      cookies: ['a=1', 'b=2'],
      queryStringParameters: { x: '1,2', y: 'é' },
      pathParameters: { id: 'a b' },
      body: '{"name":"é"}',
      isBase64Encoded: false,
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1',
        domainName: '127.0.0.1',
        http: { method: 'PUT', path: '/things/a b', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
        routeKey: 'ANY /things/{id}',
        stage: '$default',
      },
    })
    expect(event?.headers).toMatchObject({ 'content-type': 'application/json', 'x-custom': 'Yes' })
    expect(event?.headers).not.toHaveProperty('cookie')
    expect(event?.requestContext.time).toMatch(/^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000$/)
  })

  it('leaves out what is absent', async () => {
    serve(null)
    await call()
    for (const name of ['queryStringParameters', 'pathParameters', 'cookies', 'body', 'stageVariables']) {
      expect(events[0]).not.toHaveProperty(name)
    }
  })

  it('passes other types than text as base64', async () => {
    serve(null)
    await call('/things', {
      method: 'POST',
      body: new Uint8Array([0, 255, 128]),
      headers: { 'content-type': 'image/png' },
    })
    expect(events[0]).toMatchObject({ body: 'AP+A', isBase64Encoded: true })
  })

  it.each<[string, unknown, number, string, string]>([
    [
      'a structured answer',
      { statusCode: 418, headers: { 'Content-Type': 'text/x' }, body: 'é' },
      418,
      'text/x',
      'é',
    ],
    [
      'a base64 body',
      { statusCode: 200, body: 'aGk=', isBase64Encoded: true },
      200,
      'text/plain;charset=UTF-8',
      'hi',
    ],
    ['a bare object', { a: 1 }, 200, 'application/json', '{"a":1}'],
    ['a bare list', [1], 200, 'application/json', '[1]'],
    ['a bare text', 'hi', 200, 'application/json', 'hi'],
    [
      'a malformed answer',
      { statusCode: 200, body: { a: 1 } },
      500,
      'application/json',
      '{"message":"Internal Server Error"}',
    ],
    ['no valid status', { statusCode: 'x' }, 500, 'application/json', '{"message":"Internal Server Error"}'],
  ])('answers %s', async (_, answer, status, type, body) => {
    serve(answer)
    const response = await call()
    expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
      status,
      type,
      body,
    ])
  })

  it('sets cookies', async () => {
    serve({ statusCode: 204, cookies: ['a=1', 'b=2; Secure'] })
    expect((await call()).headers.getSetCookie()).toEqual(['a=1', 'b=2; Secure'])
  })

  it('answers 404 for an unknown path, outside a named stage too, and 413 over 10 MB', async () => {
    serve(null, apiOf({ stage: 'v1' }))
    expect((await call('/v1/things/7')).status).toBe(200)
    expect(events[0]?.rawPath).toBe('/v1/things/7')
    const outside = await call('/things/7')
    expect([outside.status, await outside.text()]).toEqual([404, '{"message":"Not Found"}'])
    expect((await call('/v1/things', { method: 'POST', body: new Uint8Array(10_485_761) })).status).toBe(413)
    expect(events).toHaveLength(1)
  })

  it('answers 500 for a failed function without its words, 503 for a throttled one and for a late one', async () => {
    const errors: Invoke[] = [
      async () => ({ ok: false, error: { errorType: 'Error', errorMessage: 'secret' } }),
      async () => {
        throw new InvokeError('lambda.throttled', 'Rate Exceeded')
      },
      () => new Promise(() => {}),
    ]
    gateway.serve(
      createHandler(apiOf({}, { timeoutMs: 20 }), (...call) => errors.shift()?.(...call) ?? Promise.reject()),
    )
    const answers = [await call(), await call(), await call()]
    expect(answers.map(({ status }) => status)).toEqual([500, 503, 503])
    expect(await answers[0]?.text()).toBe('{"message":"Internal Server Error"}')
    await gateway.close()
    expect(await readFile(join(folder, 'access.log'), 'utf8')).toMatch(/"status":500,.*"note":"secret"/)
  })

  it('throttles by rate and burst', async () => {
    let now = 0
    serve(null, apiOf({}, { throttle: { ratePerSecond: 10, burst: 2 } }), () => now)
    const statuses = async (n: number) => {
      const result: number[] = []
      for (let i = 0; i < n; i++) result.push((await call()).status)
      return result
    }
    expect(await statuses(3)).toEqual([200, 200, 429])
    now += 100
    expect(await statuses(2)).toEqual([200, 429])
  })

  it.each([
    ['AWS_IAM', 403],
    ['JWT', 401],
  ] as const)('refuses everybody on a route with %s', async (authorization, status) => {
    serve(null, apiOf({}, { authorization }))
    const response = await call()
    expect(response.status).toBe(status)
    expect(await response.text()).toContain('not checked by the local gateway')
    expect(events).toEqual([])
  })

  it('answers preflights itself and adds CORS headers, in place of those of the function', async () => {
    const cors = {
      allowOrigins: ['https://a.example'],
      allowMethods: ['PUT'],
      allowHeaders: ['x-a'],
      exposeHeaders: ['etag'],
      allowCredentials: false,
      maxAgeSeconds: 60,
    }
    serve({ statusCode: 200, headers: { 'Access-Control-Allow-Origin': '*' } }, apiOf({ cors }))

    const headers = { origin: 'https://a.example', 'access-control-request-method': 'PUT' }
    const preflight = await call('/things', { method: 'OPTIONS', headers })
    const mine = await call('/things', { headers: { origin: 'https://a.example' } })
    const foreign = await call('/things', { headers: { origin: 'https://b.example' } })

    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-methods')).toBe('PUT')
    expect(preflight.headers.get('access-control-max-age')).toBe('60')
    expect(mine.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(mine.headers.get('access-control-expose-headers')).toBe('etag')
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
    expect(events).toHaveLength(2)
  })

  it('lets a request that comes too early wait for the stack', async () => {
    const early = call()
    serve('now')
    expect(await (await early).text()).toBe('now')
  })

  it('survives a client that goes away in mid-body', async () => {
    serve('still here')
    await new Promise<void>((resolve) => {
      const half = request(`${gateway.url}/things`, { method: 'POST', headers: { 'content-length': '10' } })
      half.on('error', () => resolve())
      half.write('12345', () => half.destroy(new Error('gone')))
    })
    expect(await (await call()).text()).toBe('still here')
  })

  it('takes a free port instead of a taken one', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const taken = typeof address === 'object' ? (address?.port ?? 0) : 0

    const second = await listen(
      taken,
      openLogFile(join(folder, 'b.log'), () => {}),
    )

    expect(second.port).not.toBe(taken)
    await second.close()
    other.close()
  })
})
