import { fc, test } from '@fast-check/jest'
import { describe, expect, it } from '@jest/globals'
import { readHttpEvent } from '../../../../functions/bridge/http/request.ts'
import { createHandler } from '../../../../infra/local/gateway/handle.ts'
import { parseRouteKey } from '../../../../infra/local/gateway/route-key.ts'
import { codePoint } from '../../../support/code-point.ts'
import { runs } from '../../../support/runs.ts'
import { httpApiEvent, loadBalancerEvent, restApiEvent } from '../../fixtures/http-events.ts'

const text = (body: Uint8Array | undefined): string | undefined => body && Buffer.from(body).toString('utf8')

describe('an HTTP API event', () => {
  it('is read: method, path, query, headers and body', () => {
    const request = readHttpEvent(
      httpApiEvent('PUT', '/aurora/chefs/7', {
        query: 'limit=2&cursor=a%3D',
        headers: { 'If-Match': '"3"' },
        body: '{}',
      }),
    )

    expect(request).toMatchObject({
      method: 'PUT',
      path: '/aurora/chefs/7',
      segments: ['aurora', 'chefs', '7'],
      query: { limit: '2', cursor: 'a=' },
    })
    expect(request?.headers['if-match']).toBe('"3"')
    expect(text(request?.body)).toBe('{}')
  })

  it.each([
    ['without the stage, where it has a name', 'prod', '/prod/aurora/chefs', '/aurora/chefs'],
    ['as it is in the default stage', '$default', '/aurora/chefs', '/aurora/chefs'],
    [
      'as it is where the stage is not in it, behind a domain of its own',
      'prod',
      '/aurora/chefs',
      '/aurora/chefs',
    ],
    ['as it is where it only begins like the stage', 'prod', '/products/aurora', '/products/aurora'],
    ['as nothing where it is the stage alone', 'prod', '/prod', ''],
  ])('has its path %s', (_, stage, raw, path) => {
    expect(readHttpEvent(httpApiEvent('GET', raw, { stage }))?.path).toBe(path)
  })

  it('takes the last of several values of a query parameter', () => {
    expect(readHttpEvent(httpApiEvent('GET', '/', { query: 'limit=1&limit=2' }))?.query).toEqual({
      limit: '2',
    })
  })

  it('may lack query, headers and body', () => {
    const event = { version: '2.0', rawPath: '/x', requestContext: { http: { method: 'get' } } }

    expect(readHttpEvent(event)).toEqual({
      method: 'GET',
      path: '/x',
      segments: ['x'],
      query: {},
      headers: {},
      body: undefined,
    })
  })
})

describe('a path with a slash at its end', () => {
  it.each([
    ['/aurora/', '/aurora', ['aurora']],
    ['/aurora/chefs/', '/aurora/chefs', ['aurora', 'chefs']],
    ['/aurora/chefs/7/', '/aurora/chefs/7', ['aurora', 'chefs', '7']],
    ['/', '/', ['']],
    ['/aurora/chefs//', '/aurora/chefs/', ['aurora', 'chefs', '']],
  ])('is read as if it had none: %s', (sent, path, segments) => {
    expect(readHttpEvent(httpApiEvent('GET', sent))).toMatchObject({ path, segments })
    expect(readHttpEvent(restApiEvent('GET', sent))).toMatchObject({ path, segments })
  })
})

describe('a REST API event', () => {
  it('is read: method, path, query, headers and body', () => {
    const request = readHttpEvent(
      restApiEvent('PUT', '/aurora/chefs/7', {
        query: { limit: '2', cursor: 'a=' },
        headers: { 'Content-Type': 'application/json' },
        body: '{}',
      }),
    )

    expect(request).toMatchObject({
      method: 'PUT',
      path: '/aurora/chefs/7',
      segments: ['aurora', 'chefs', '7'],
      query: { limit: '2', cursor: 'a=' },
      headers: { 'content-type': 'application/json' },
    })
    expect(text(request?.body)).toBe('{}')
  })

  it('has null where there is nothing', () => {
    expect(readHttpEvent(restApiEvent('GET', '/'))).toEqual({
      method: 'GET',
      path: '/',
      segments: [''],
      query: {},
      headers: {},
      body: undefined,
    })
  })

  it('may lack what it has null for', () => {
    const {
      headers: _,
      multiValueHeaders: __,
      queryStringParameters: ___,
      body: ____,
      ...event
    } = restApiEvent('GET', '/')

    expect(readHttpEvent(event)).toMatchObject({ query: {}, headers: {}, body: undefined })
  })

  it('has all values of a repeated header, joined; the plain map has only the last', () => {
    const event = {
      ...restApiEvent('PUT', '/'),
      headers: { 'If-Match': '"2"', Host: 'a' },
      multiValueHeaders: { 'If-Match': ['"1"', '"2"'] },
    }

    expect(readHttpEvent(event)?.headers).toEqual({ 'if-match': '"1","2"', host: 'a' })
  })

  it('is told from an HTTP API event also where that one is sent in payload 1.0', () => {
    expect(readHttpEvent({ ...restApiEvent('GET', '/a'), version: '1.0' })?.path).toBe('/a')
  })
})

describe('a body', () => {
  it.each([
    ['plain', '{"a":"é"}', false],
    ['base64', Buffer.from('{"a":"é"}').toString('base64'), true],
  ])('is the same whether the gateway sends it %s', (_, body, isBase64Encoded) => {
    for (const event of [httpApiEvent, restApiEvent])
      expect(text(readHttpEvent(event('POST', '/', { body, isBase64Encoded }))?.body)).toBe('{"a":"é"}')
  })

  it('is none when it is empty', () => {
    for (const event of [httpApiEvent, restApiEvent])
      expect(readHttpEvent(event('POST', '/', { body: '' }))?.body).toBeUndefined()
  })

  it('keeps bytes that are no text', () => {
    const body = Buffer.from([0, 255, 128]).toString('base64')

    expect(readHttpEvent(httpApiEvent('POST', '/', { body, isBase64Encoded: true }))?.body).toEqual(
      Buffer.from([0, 255, 128]),
    )
  })
})

describe('a path', () => {
  it.each([
    [
      'decoded a segment at a time, so that an encoded slash divides nothing',
      '/chefs/a%2Fb',
      ['chefs', 'a/b'],
    ],
    ['decoded once only', '/chefs/%2541', ['chefs', '%41']],
    ['left as it is where an escape is malformed', '/chefs/%zz/%41', ['chefs', '%zz', 'A']],
    ['left as it is where an escape is no UTF-8', '/chefs/%ff', ['chefs', '%ff']],
    ['taken with its empty segments', '//chefs//', ['', 'chefs', '']],
    ['taken without meaning in dots', '/a/../chefs', ['a', '..', 'chefs']],
  ])('of payload 1.0 is %s', (_, path, segments) => {
    expect(readHttpEvent(restApiEvent('GET', path))?.segments).toEqual(segments)
  })

  it.each([
    ['taken as it comes, decoded already', '/chefs/%2541', ['chefs', '%41']],
    ['taken with its empty segments', '//chefs//', ['', 'chefs', '']],
    ['taken without meaning in dots', '/a/../chefs', ['a', '..', 'chefs']],
  ])('of payload 2.0 is %s', (_, path, segments) => {
    expect(readHttpEvent(httpApiEvent('GET', path))?.segments).toEqual(segments)
  })

  it('of payload 2.0 has its parameters where its route has them, a slash of theirs divides nothing', () => {
    const event = {
      ...httpApiEvent('GET', '/aurora/chefs/a%2Fb'),
      routeKey: 'GET /aurora/chefs/{chefId}',
      pathParameters: { chefId: 'a/b' },
    }
    expect(readHttpEvent(event)?.segments).toEqual(['aurora', 'chefs', 'a/b'])
  })
})

describe('a route that takes a slash at the end', () => {
  it.each([
    ['/aurora/chefs/', { entities: 'chefs', slash: '' }, ['aurora', 'chefs']],
    ['/aurora/chefs/7/', { entities: 'chefs', slash: '7/' }, ['aurora', 'chefs', '7']],
    ['/aurora/chefs/a%2Fb/', { entities: 'chefs', slash: 'a/b/' }, ['aurora', 'chefs', 'a/b']],
    ['/aurora/chefs/7/more', { entities: 'chefs', slash: '7/more' }, ['aurora', 'chefs', '7', 'more']],
  ])('names what the path without it names: %s', (path, pathParameters, segments) => {
    const event = {
      ...httpApiEvent('GET', path),
      routeKey: 'ANY /aurora/{entities}/{slash+}',
      pathParameters,
    }
    expect(readHttpEvent(event)?.segments).toEqual(segments)
  })
})

describe('no HTTP event', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'GET /'],
    ['an empty object', {}],
    ['a stream event', { Records: [{ eventSource: 'aws:dynamodb' }] }],
    ["a load balancer's event", loadBalancerEvent],
    ['a future payload', { ...httpApiEvent('GET', '/'), version: '3.0' }],
    [
      'a scheduled event',
      { version: '0', source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
    ],
  ])('is %s', (_, event) => {
    expect(readHttpEvent(event)).toBeUndefined()
  })
})

describe('a key in a path', () => {
  /** Any text that a URL can carry; a lone surrogate has no such form. */
  const keys = fc.oneof(
    fc.string({ minLength: 1, unit: codePoint }).filter((text) => text.isWellFormed()),
    fc.string({
      minLength: 1,
      unit: fc.constantFrom('/', '%', '4', '1', 'a', '2', 'F', '?', '#', '+', ' ', 'é'),
    }),
  )
  const path = (key: string) => `/dynamo/chefs/${encodeURIComponent(key)}`
  const ROUTE = 'DELETE /dynamo/chefs/{chefId}'

  /** The event that the local gateway makes of a request. */
  const throughGateway = async (target: string): Promise<unknown> => {
    const events: unknown[] = []
    const route = {
      key: parseRouteKey(ROUTE),
      functionArn: 'arn:fn',
      timeoutMs: 1_000,
      authorization: 'NONE' as const,
    }
    const handle = createHandler({ id: 'api', stage: '$default', routes: [route] }, async (_, event) => {
      events.push(event)
      return { ok: true, payload: '{"statusCode":204}' }
    })
    await handle({
      method: 'DELETE',
      target,
      headers: {},
      body: Buffer.alloc(0),
      sourceIp: '127.0.0.1',
      protocol: 'HTTP/1.1',
      requestId: 'r',
      time: 0,
    })
    return events[0]
  }

  test.prop([keys], runs(300))('reaches the handler as itself in payload 1.0', (key) => {
    expect(readHttpEvent(restApiEvent('DELETE', path(key)))?.segments).toEqual(['dynamo', 'chefs', key])
  })

  test.prop([keys], runs(300))(
    'reaches the handler as itself in payload 2.0, whose path is decoded',
    (key) => {
      const event = {
        ...httpApiEvent('DELETE', path(key)),
        routeKey: ROUTE,
        pathParameters: { chefId: key },
      }
      expect(readHttpEvent(event)?.segments).toEqual(['dynamo', 'chefs', key])
    },
  )

  test.prop([keys], runs(300))('reaches the handler as itself through the local gateway', async (key) => {
    expect(readHttpEvent(await throughGateway(path(key)))?.segments).toEqual(['dynamo', 'chefs', key])
  })

  it('is not decoded twice where no route names it', () => {
    expect(readHttpEvent(httpApiEvent('GET', '/dynamo/chefs/x%2541'))?.segments).toEqual([
      'dynamo',
      'chefs',
      'x%41',
    ])
  })
})
