import { describe, expect, it } from '@jest/globals'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { explained } from '../../../../functions/bridge/aurora/explain.ts'
import { DataApiError } from '../../../../functions/bridge/drivers/data-api/errors.ts'
import { ForeignItemError } from '../../../../functions/bridge/dynamo/items.ts'
import { encodeCursor } from '../../../../functions/bridge/http/paging.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import {
  type BridgeError,
  ConfigurationError,
  DeadlineError,
  UnreadableAttributesError,
} from '../../../../functions/bridge/model/errors.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import {
  type ApiCall,
  normaliseApiEvent,
  type RefusedCall,
} from '../../../../functions/bridge/normalise/api.ts'
import { keyReused, stillInProgress } from '../../../../functions/bridge/ports/once.ts'
import {
  type EntityStore,
  InvalidPositionError,
  NoSuchKeyError,
  NotTheOwnerError,
  RowTooLargeError,
  StaleVersionError,
} from '../../../../functions/bridge/ports/store.ts'
import type { Stored } from '../../../../functions/bridge/ports/stored.ts'
import type { Log } from '../../../../functions/bridge/runtime/log.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { silent } from '../../../support/log.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'

const KEY = '01990000-0000-7000-8000-000000000001'
const AT = '2026-11-22T03:00:00.123Z'
const BOBBY: Stored = { key: KEY, row: { firstName: 'Bobby', lastName: 'Flay' }, version: 3n, updatedAt: AT }
const bobby = { chefId: KEY, firstName: 'Bobby', lastName: 'Flay', version: 3, updatedAt: AT }

const call = (
  method: string,
  path: string,
  { headers = {}, ...more }: { query?: string; body?: string; headers?: Record<string, string> } = {},
): ApiCall | RefusedCall => {
  const event = httpApiEvent(method, path, {
    headers: { 'content-type': 'application/json', ...headers },
    ...more,
  })
  const normalised = normaliseApiEvent(event, {
    entities: [chef, recipe],
    base: 'aurora',
    now: () => new Date(AT),
    newKey: () => KEY,
  })
  if (normalised === undefined) throw new Error('not an HTTP event')
  return normalised
}
const PUT = call('PUT', `/aurora/chefs/${KEY}`, { body: '{"firstName":"Bobby","lastName":"Flay"}' })
const POST = call('POST', '/aurora/chefs', { body: '{"firstName":"Bobby","lastName":"Flay"}' })

/** A store that holds one chef, and remembers what was asked of it. */
const holding = (stored: Stored | undefined, next?: string, replayed = false) => {
  const asked: unknown[] = []
  const store: EntityStore = {
    get: async (_, key) => {
      asked.push(['get', key])
      return stored
    },
    list: async (_, page) => {
      asked.push(['list', page])
      return { items: stored === undefined ? [] : [stored], next }
    },
    write: async (_, change) => {
      asked.push(['write', change])
      return change.op === 'delete' ? undefined : stored
    },
    createOnce: async (_, change, { answer, ...once }) => {
      asked.push(['createOnce', change, once])
      if (stored === undefined) throw new Error('there is nothing to answer with')
      return { answer: answer(stored), replayed }
    },
  }
  return { store, asked }
}
const failing = (error: unknown): EntityStore => {
  const fail = async (): Promise<never> => {
    throw error
  }
  return { get: fail, list: fail, write: fail, createOnce: fail }
}
const answer = async (to: ApiCall | RefusedCall, store: EntityStore, log: Log = silent) => {
  const { statusCode, headers, body } = await serve(to, store, { requestId: 'req-1', log })
  return { statusCode, headers, body: body === undefined ? undefined : JSON.parse(body) }
}

describe('serving', () => {
  it('names in a list what can not be told, beside what can', async () => {
    const { store } = holding(BOBBY)
    const error = new UnreadableAttributesError('chef', ['born (date) must be a date'])
    const unreadable = [{ key: '7', error }]
    const list = async () => ({ items: [BOBBY], next: undefined, unreadable })

    const { statusCode, body } = await answer(call('GET', '/aurora/chefs'), { ...store, list })

    expect(statusCode).toBe(200)
    expect(body.items).toHaveLength(1)
    expect(body.unreadable).toEqual([
      { chefId: '7', code: 'row.unreadable', detail: "A chef can't be read: born (date) must be a date." },
    ])
  })

  it('lists a page, and gives a cursor where there is more', async () => {
    const { store, asked } = holding(BOBBY, 'behind Bobby')

    const cursor = encodeCursor('before Bobby')
    const query = `limit=1&cursor=${cursor}`

    expect(await answer(call('GET', '/aurora/chefs', { query }), store)).toMatchObject({
      statusCode: 200,
      body: { items: [bobby], cursor: encodeCursor('behind Bobby') },
    })
    expect(asked).toEqual([['list', { limit: 1, position: 'before Bobby' }]])
    expect((await answer(call('GET', '/aurora/chefs'), holding(undefined).store)).body).toEqual({ items: [] })
  })

  it('reads one, with its version as entity tag', async () => {
    expect(await answer(call('GET', `/aurora/chefs/${KEY}`), holding(BOBBY).store)).toMatchObject({
      statusCode: 200,
      headers: { etag: '"3"' },
      body: bobby,
    })
  })

  it('shows null for what a legacy-born row has not', async () => {
    const julia: Stored = {
      key: '7',
      row: { firstName: null, lastName: 'Child' },
      version: 1n,
      updatedAt: null,
    }

    expect((await answer(call('GET', '/aurora/chefs/7'), holding(julia).store)).body).toEqual({
      chefId: '7',
      firstName: null,
      lastName: 'Child',
      version: 1,
      updatedAt: null,
    })
  })

  it('creates, and says where', async () => {
    const { store, asked } = holding(BOBBY)

    expect(await answer(POST, store)).toMatchObject({
      statusCode: 201,
      headers: { etag: '"3"', location: `/aurora/chefs/${KEY}` },
      body: bobby,
    })
    expect(asked).toEqual([['write', POST.changes[0]]])
  })

  it('creates once where the client sent an Idempotency-Key, and tells a replay', async () => {
    const keyed = call('POST', '/aurora/chefs', {
      body: '{"firstName":"Bobby","lastName":"Flay"}',
      headers: { 'idempotency-key': 'k1' },
    })
    const { store, asked } = holding(BOBBY)
    const first = await answer(keyed, store)

    expect(first).toEqual({ ...(await answer(POST, holding(BOBBY).store)) })
    expect(asked).toEqual([
      [
        'createOnce',
        keyed.changes[0],
        {
          id: expect.stringMatching(/^[0-9a-f]{64}$/),
          former: { aurora: expect.any(String), dynamo: expect.any(String), facade: expect.any(String) },
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      ],
    ])
    expect(await answer(keyed, holding(BOBBY, undefined, true).store)).toEqual({
      ...first,
      headers: { ...first.headers, 'idempotency-replayed': 'true' },
    })
  })

  it('shows key, fields as defined, version and time, in this order and each in its JSON form', async () => {
    const stored: Stored = {
      key: '7',
      row: {
        ingredients: [{ unit: null, quantity: new DecimalText('1.5'), name: 'Onion' }],
        thumbnail: new Uint8Array([255, 0]),
        price: new DecimalText('12.5'),
        servings: new DecimalText('2'),
        title: 'Soup',
        chefId: '1',
        notes: { minutes: new DecimalText('45') },
        unknown: 'left out',
      },
      version: 3n,
      updatedAt: AT,
    }
    const { body } = await serve(call('GET', '/aurora/recipes/7'), holding(stored).store, {
      requestId: 'req-1',
      log: silent,
    })

    expect(body).toBe(
      `{"recipeId":"7","chefId":"1","title":"Soup","price":"12.50","publishedOn":null,"vegetarian":null,"servings":2,"difficulty":null,"notes":{"minutes":45},"thumbnail":"/wA=","ingredients":[{"name":"Onion","quantity":"1.500","unit":null}],"version":3,"updatedAt":"${AT}"}`,
    )
  })

  it.each<[bigint, unknown]>([
    [9007199254740991n, 9007199254740991],
    [9007199254740993n, '9007199254740993'],
    [10n ** 49n, `1${'0'.repeat(49)}`],
  ])('shows version %d so that no parser rounds it', async (version, shown) => {
    const { headers, body } = await answer(
      call('GET', `/aurora/chefs/${KEY}`),
      holding({ ...BOBBY, version }).store,
    )

    expect(body.version).toBe(shown)
    expect(headers.etag).toBe(`"${version}"`)
  })

  it('replaces and removes by the change that was wished', async () => {
    const { store, asked } = holding(BOBBY)
    const remove = call('DELETE', `/aurora/chefs/${KEY}`)

    expect(await answer(PUT, store)).toMatchObject({ statusCode: 200, headers: { etag: '"3"' }, body: bobby })
    expect(await answer(remove, store)).toEqual({
      statusCode: 204,
      headers: { 'cache-control': 'no-store' },
      body: undefined,
    })
    expect(asked).toEqual([
      ['write', PUT.changes[0]],
      ['write', remove.changes[0]],
    ])
  })

  it('answers 404 for what the store does not know', async () => {
    expect(await answer(call('GET', '/aurora/chefs/7'), holding(undefined).store)).toMatchObject({
      statusCode: 404,
      body: { detail: 'There is no chef with this chefId.', instance: '/aurora/chefs/7' },
    })
  })

  it('asks the store nothing for a refused request', async () => {
    const { store, asked } = holding(BOBBY)

    expect((await answer(call('POST', '/aurora/chefs', { body: '{}' }), store)).statusCode).toBe(400)
    expect((await answer(call('PATCH', '/aurora/chefs'), store)).statusCode).toBe(405)
    expect((await answer(call('GET', '/aurora/chefs', { query: 'limit=0' }), store)).statusCode).toBe(400)
    expect(asked).toEqual([])
  })
})

describe('a refusal of the store', () => {
  it.each<[BridgeError, number, string]>([
    [new NoSuchKeyError(chef), 404, 'not-found'],
    [new StaleVersionError(chef), 412, 'stale-version'],
    [new InvalidPositionError(), 400, 'invalid-cursor'],
    [keyReused(), 422, 'idempotency-key-reused'],
    [stillInProgress(), 409, 'idempotency-in-progress'],
  ])('%s is the fault of the client, told in HTTP', async (refusal, status, code) => {
    const { statusCode, headers, body } = await answer(PUT, failing(refusal))

    expect(statusCode).toBe(status)
    expect(body).toMatchObject({ type: `urn:backsync:problem:${code}`, instance: `/aurora/chefs/${KEY}` })
    expect(headers['retry-after']).toBe(status === 409 ? '1' : undefined)
  })
})

describe('an error of the store', () => {
  const SECRET = 'hunter2 INSERT INTO cheftable arn:aws:rds:us-east-1:123456789012:cluster:c'
  const service = (name: string, message = SECRET): DataApiError =>
    new DataApiError('ExecuteStatement', Object.assign(new Error(message), { name }))
  const mysql = (errno: number): DataApiError =>
    service('DatabaseErrorException', `${SECRET}; Error code: ${errno}; SQLState: HY000`)

  it('names the member, the column and the rule that a value broke, and never the value', async () => {
    const tooLong = explained(
      chef,
      service(
        'DatabaseErrorException',
        "Data too long for column 'cheffirst' at row 1; Error code: 1406; SQLState: 22001",
      ),
    )
    expect((await answer(POST, failing(tooLong))).body).toMatchObject({
      status: 422,
      errors: [{ pointer: '/firstName', detail: 'firstName (column cheffirst) is too long' }],
    })
    const taken = service(
      'DatabaseErrorException',
      `Duplicate entry '${SECRET}' for key 'cheftable.one_name'; Error code: 1062; SQLState: 23000`,
    )
    const { body } = await answer(POST, failing(taken))
    expect(body).toMatchObject({ status: 409, detail: expect.stringContaining('cheftable.one_name') })
    expect(JSON.stringify(body)).not.toContain(SECRET)
  })

  it.each<[string, unknown, number, string]>([
    ['a unique value taken', mysql(1062), 409, 'conflict'],
    ['a value too long', mysql(1406), 422, 'unprocessable'],
    ['a SIGNAL of a trigger', mysql(1644), 422, 'unprocessable'],
    ['a failover', service('BadRequestException'), 503, 'unavailable'],
    ['a missing parent', mysql(1452), 409, 'dependency'],
    ['a child that is still there', mysql(1451), 409, 'dependency'],
    ['a deadlock', mysql(1213), 503, 'unavailable'],
    ['a cluster that resumes', service('DatabaseResumingException'), 503, 'unavailable'],
    ['no time left', new DeadlineError(SECRET), 503, 'unavailable'],
    ['a missing table', mysql(1146), 500, 'internal'],
    ['no permission', service('ForbiddenException'), 500, 'internal'],
    ['an item that is none of ours', new ForeignItemError(SECRET), 500, 'internal'],
    ['a wrong setting', new ConfigurationError([SECRET]), 500, 'internal'],
    ['an unknown MySQL error', mysql(9999), 500, 'internal'],
    ['a fault of our own', new TypeError(SECRET), 500, 'internal'],
    ['something that is no error', SECRET, 500, 'internal'],
    ['nothing', undefined, 500, 'internal'],
  ])(
    'as %s leaves with its status, the request id and nothing of the error',
    async (_, error, status, code) => {
      for (const to of [call('GET', '/aurora/chefs'), call('GET', '/aurora/chefs/7'), POST, PUT]) {
        const { statusCode, headers, body } = await answer(to, failing(error))

        expect(statusCode).toBe(status)
        expect(body).toMatchObject({ type: `urn:backsync:problem:${code}`, status, requestId: 'req-1' })
        expect(headers['retry-after']).toBe(status === 503 ? '1' : undefined)
        expect(JSON.stringify({ headers, body })).not.toMatch(/hunter2|INSERT|arn:|MySQL|Exception|at .*\.ts/)
      }
    },
  )

  it.each([1216, 1217, 1451, 1452])('as MySQL %d is a conflict with what else is there', async (errno) => {
    const { body } = await answer(PUT, failing(mysql(errno)))

    expect(body).toMatchObject({
      title: 'Conflict',
      detail: 'Something that this refers to is missing, or something still refers to it.',
    })
  })

  it('as a row that can not be told names the attributes to blame, for whoever is to mend it', async () => {
    const error = new UnreadableAttributesError('chef', ['born (date) must be a date, as YYYY-MM-DD'])
    const { statusCode, body } = await answer(call('GET', `/aurora/chefs/${KEY}`), failing(error))

    expect(statusCode).toBe(500)
    expect(body).toMatchObject({
      type: 'urn:backsync:problem:unreadable',
      detail: "A chef can't be read: born (date) must be a date, as YYYY-MM-DD.",
    })
  })

  it('goes to the log whole; a refused request does not', async () => {
    const entries: unknown[][] = []
    const keep =
      (level: string) =>
      (...entry: unknown[]): void =>
        void entries.push([level, ...entry])
    const log: Log = { info: keep('info'), warn: keep('warn'), error: keep('error') }
    const error = mysql(1146)
    const refused = mysql(1406)

    await answer(PUT, failing(error), log)
    await answer(PUT, failing(refused), log)
    await answer(call('GET', '/aurora/nothing'), failing(error), log)

    expect(entries).toEqual([
      ['error', 'request failed', { error }],
      ['warn', 'refused by the store', { error: refused }],
    ])
  })
})

describe('a list with some that can not be shown', () => {
  it('has the others, and names these with the reason', async () => {
    const error = new RowTooLargeError(chef)
    const store: EntityStore = {
      ...holding(BOBBY).store,
      list: async () => ({ items: [BOBBY], unreadable: [{ key: '17', error }], next: undefined }),
    }
    const { statusCode, body } = await serve(call('GET', '/aurora/chefs'), store, {
      requestId: 'r',
      log: silent,
    })

    expect([statusCode, JSON.parse(body ?? '')]).toEqual([
      200,
      {
        items: [bobby],
        unreadable: [
          { chefId: '17', code: 'row.too-large', detail: 'The chef is larger than an answer may be.' },
        ],
      },
    ])
  })

  it('is a problem with a name where it is asked for by itself', async () => {
    const store: EntityStore = {
      ...holding(BOBBY).store,
      get: async () => ({ ...BOBBY, row: { firstName: 'x'.repeat(6_000_000), lastName: null } }),
    }
    const { statusCode, body } = await serve(call('GET', `/aurora/chefs/${KEY}`), store, {
      requestId: 'r',
      log: silent,
    })

    expect(statusCode).toBe(500)
    expect(JSON.parse(body ?? '')).toMatchObject({ type: 'urn:backsync:problem:row-too-large' })
  })

  it('says where a key is to be written that the other side owns, by the path that it has there', async () => {
    const own: Entity = { ...chef, paths: { legacy: '/v1/chefs', modern: '/v2/chefs' } }
    const elsewhere = PUT.action === 'refuse' ? PUT : { ...PUT, entity: own }
    const { statusCode, body } = await serve(elsewhere, failing(new NotTheOwnerError(own, KEY, 'dynamo')), {
      requestId: 'r',
      log: silent,
    })

    expect(statusCode).toBe(409)
    expect(JSON.parse(body ?? '')).toMatchObject({
      type: 'urn:backsync:problem:not-the-owner',
      detail: `DynamoDB owns the chef with this chefId. Write it at /v2/chefs/${KEY}. An operator moves it: npx backsync key chef ${KEY} --claim aurora`,
    })
  })
})
