import { describe, expect, it } from '@jest/globals'
import type { Problem } from '../../../../functions/bridge/http/problem.ts'
import {
  type ApiCall,
  normaliseApiEvent,
  type RefusedCall,
} from '../../../../functions/bridge/normalise/api.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { dish } from '../../fixtures/dish.ts'
import { httpApiEvent, restApiEvent } from '../../fixtures/http-events.ts'

const NOW = '2026-11-22T03:00:00.123Z'
const NEW_KEY = '01990000-0000-7000-8000-00000000000f'
const KEY = '01990000-0000-7000-8000-000000000001'
const row = { firstName: 'Bobby', lastName: 'Flay' }

const context = { entities: [chef, dish], base: 'aurora', now: () => new Date(NOW), newKey: () => NEW_KEY }
const identified = { entity: 'chef', source: 'api', at: NOW }

describe.each([
  ['HTTP API, payload 2.0', httpApiEvent],
  ['REST API, payload 1.0', restApiEvent],
])('an event of an %s', (_, event) => {
  type More = { headers?: Record<string, string>; body?: string; isBase64Encoded?: boolean }
  const call = (method: string, path: string, more: More = {}): ApiCall | RefusedCall => {
    const normalised = normaliseApiEvent(event(method, path, more), context)
    if (normalised === undefined) throw new Error('not taken for an HTTP event')
    return normalised
  }
  const write = (method: string, path: string, headers: Record<string, string> = {}): ApiCall | RefusedCall =>
    call(method, path, {
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(row),
    })
  const refusal = (refused: ApiCall | RefusedCall): Problem => {
    if (refused.action !== 'refuse') throw new Error(`it was taken for a ${refused.action}`)
    expect(refused.changes).toEqual([])
    return refused.problem
  }

  it('lists', () => {
    expect(call('GET', '/aurora/chefs')).toMatchObject({
      from: 'api',
      action: 'list',
      entity: chef,
      changes: [],
    })
  })

  it.each([KEY, '7'])('reads %s', (key) => {
    expect(call('GET', `/aurora/chefs/${key}`)).toMatchObject({
      action: 'read',
      entity: chef,
      key,
      changes: [],
    })
  })

  it('creates under a new key at version 1', () => {
    const created = write('POST', '/aurora/chefs')

    expect(created.action).toBe('create')
    expect(created.changes).toEqual([{ ...identified, key: NEW_KEY, op: 'upsert', version: 1n, row }])
  })

  it('makes a create repeatable by its Idempotency-Key, and nothing else', () => {
    const created = write('POST', '/aurora/chefs', { 'Idempotency-Key': '"k1"' })
    const bare = write('POST', '/aurora/chefs', { 'idempotency-key': 'k1' })

    expect(created).toMatchObject({ action: 'create', once: { id: expect.any(String) } })
    expect(bare).toMatchObject({ once: Object(created).once })
    expect(write('POST', '/aurora/chefs')).not.toHaveProperty('once')
    expect(write('PUT', '/aurora/chefs/7', { 'Idempotency-Key': 'k1' })).not.toHaveProperty('once')
  })

  it('refuses a malformed Idempotency-Key', () => {
    expect(refusal(write('POST', '/aurora/chefs', { 'Idempotency-Key': 'a b' }))).toMatchObject({
      status: 400,
    })
  })

  it('replaces at the next version', () => {
    const replaced = write('PUT', `/aurora/chefs/${KEY}`)

    expect(replaced.action).toBe('replace')
    expect(replaced.changes).toEqual([{ ...identified, key: KEY, op: 'upsert', version: 'next', row }])
  })

  it('removes at the next version', () => {
    const removed = call('DELETE', '/aurora/chefs/7')

    expect(removed.action).toBe('remove')
    expect(removed.changes).toEqual([{ ...identified, key: '7', op: 'delete', version: 'next' }])
  })

  it('hands on which versions the client accepts', () => {
    expect(write('PUT', '/aurora/chefs/7', { 'If-Match': '"3", "4"' }).changes).toEqual([
      { ...identified, key: '7', op: 'upsert', version: 'next', row, ifMatch: [3n, 4n] },
    ])
    expect(call('DELETE', '/aurora/chefs/7', { headers: { 'if-match': 'W/"3"' } }).changes).toEqual([
      { ...identified, key: '7', op: 'delete', version: 'next', ifMatch: [] },
    ])
    expect(call('DELETE', '/aurora/chefs/7', { headers: { 'IF-MATCH': '*' } }).changes).toEqual([
      { ...identified, key: '7', op: 'delete', version: 'next' },
    ])
  })

  it.each([
    ['POST', '/aurora/chefs'],
    ['PUT', '/aurora/chefs/7'],
  ])('takes the same body in base64: %s', (method, path) => {
    const body = Buffer.from(JSON.stringify(row)).toString('base64')
    const headers = { 'content-type': 'application/json' }

    expect(call(method, path, { headers, body, isBase64Encoded: true }).changes).toEqual(
      write(method, path).changes,
    )
  })

  it('finds the route behind a prefix, and each entity under its own name', () => {
    expect(call('GET', '/v1/aurora/chefs')).toMatchObject({ action: 'list', entity: chef })
    expect(call('GET', '/aurora/dishes')).toMatchObject({ action: 'list', entity: dish })
    expect(call('GET', '/aurora/%63hefs')).toMatchObject({ action: 'list', entity: chef })
  })

  it.each([
    ['PUT', '/aurora/chefs', 'GET, POST'],
    ['DELETE', '/aurora/chefs', 'GET, POST'],
    ['PATCH', '/aurora/chefs', 'GET, POST'],
    ['POST', `/aurora/chefs/${KEY}`, 'GET, PUT, DELETE'],
    ['PATCH', `/aurora/chefs/${KEY}`, 'GET, PUT, DELETE'],
    ['OPTIONS', '/aurora/chefs/7', 'GET, PUT, DELETE'],
  ])('refuses %s %s with 405 and what is allowed', (method, path, allowed) => {
    expect(refusal(write(method, path))).toMatchObject({ status: 405, headers: { allow: allowed } })
  })

  it.each([
    '/',
    '/aurora',
    '/aurora/',
    '/aurora/waiters',
    '/chefs',
    '/dynamo/chefs',
    '/aurora/chefs/7/dishes',
    '/Aurora/chefs',
  ])('knows nothing at %s', (path) => {
    expect(refusal(call('GET', path))).toMatchObject({
      status: 404,
      message: 'There is nothing at this path.',
    })
  })

  it.each(['GET', 'PUT', 'DELETE'])('answers %s of what can be no key with 404', (method) => {
    for (const key of ['/', '7%20', 'x'.repeat(256)])
      expect(refusal(write(method, `/aurora/chefs/${key}`))).toMatchObject({
        status: 404,
        message: 'There is no chef with this chefId.',
      })
  })

  it.each<[string, () => ApiCall | RefusedCall, number, string]>([
    [
      'another content type',
      () => write('POST', '/aurora/chefs', { 'Content-Type': 'text/plain' }),
      415,
      'content-type',
    ],
    [
      'no body',
      () => call('PUT', '/aurora/chefs/7', { headers: { 'content-type': 'application/json' } }),
      400,
      'malformed-json',
    ],
    [
      'too large a body',
      () =>
        call('POST', '/aurora/chefs', {
          headers: { 'content-type': 'application/json' },
          body: 'x'.repeat(300_000),
        }),
      413,
      'body-too-large',
    ],
    [
      'an invalid body',
      () => call('PUT', '/aurora/chefs/7', { headers: { 'content-type': 'application/json' }, body: '{}' }),
      400,
      'invalid-body',
    ],
    [
      'a malformed If-Match',
      () => write('PUT', '/aurora/chefs/7', { 'if-match': '3' }),
      400,
      'malformed-if-match',
    ],
    [
      'a malformed If-Match of a delete',
      () => call('DELETE', '/aurora/chefs/7', { headers: { 'if-match': '3' } }),
      400,
      'malformed-if-match',
    ],
  ])('refuses %s', (_, refused, status, code) => {
    expect(refusal(refused())).toMatchObject({ status, code })
  })

  it('takes no key for a request that it refuses', () => {
    const newKey = (): string => {
      throw new Error('a key was taken')
    }
    const normalised = normaliseApiEvent(event('POST', '/aurora/chefs', { body: '{}' }), {
      ...context,
      newKey,
    })

    expect(normalised?.action).toBe('refuse')
  })
})

describe('another event', () => {
  it('is no call', () => {
    expect(normaliseApiEvent({ Records: [] }, context)).toBeUndefined()
  })

  it('is not a 400 when our own code fails', () => {
    const now = (): Date => {
      throw new TypeError('no clock')
    }

    expect(() => normaliseApiEvent(httpApiEvent('GET', '/aurora/chefs'), { ...context, now })).toThrow(
      TypeError,
    )
  })
})
