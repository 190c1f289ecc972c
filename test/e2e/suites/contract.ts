import { InvokeCommand } from '@aws-sdk/client-lambda'
import { beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { call, send } from '../../support/stack.ts'
import { until } from '../../support/until.ts'
import type { World } from '../world.ts'

const UNKNOWN = '01990000-0000-7000-8000-00000000ffff'
const bobby = { firstName: 'Bobby', lastName: 'Flay' }

/** The API of both sides, as clients and legacy code know it. @param world with Gordon Ramsay as its first row */
export const contractSuite = (world: () => World): void => {
  const visible = (path: string, expected: Record<string, unknown>): Promise<void> =>
    until(`${path} shows ${JSON.stringify(expected)}`, 15_000, async () => {
      const reply = await call(world().stack.url + path)
      if (reply.status !== 200) return false
      const body = reply.json()
      return Object.entries(expected).every(([name, value]) => body[name] === value)
    })

  const gone = (path: string): Promise<void> =>
    until(`${path} is gone`, 15_000, async () => (await call(world().stack.url + path)).status === 404)

  it('tells where the migrations stand, with a slash at the end too', async () => {
    const [without, slash] = [
      await call(`${world().stack.url}/aurora`),
      await call(`${world().stack.url}/aurora/`),
    ]

    expect([without.status, slash.status]).toEqual([200, 200])
    expect(slash.json()).toEqual(without.json())
  })

  it('has its functions invoked by any client of Lambda, by name and by ARN', async () => {
    const { functions, lambda } = world()
    const invoke = async (part: string, by: 'name' | 'arn', event: unknown) => {
      const FunctionName = functions.find(({ name }) => name.includes(part))?.[by]
      const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }))
      return { error: answer.FunctionError, ...JSON.parse(Buffer.from(answer.Payload ?? []).toString()) }
    }
    expect(await invoke('Migrate', 'name', { plan: true })).toEqual({ error: undefined, changes: [] })
    expect(await invoke('Migrate', 'arn', {})).toMatchObject({ error: undefined, applied: [] })
    expect(await invoke('CopyTable', 'name', { migrate: true })).toMatchObject({
      error: 'Unhandled',
      errorType: 'CopyRequestError',
      errorMessage: expect.stringContaining('sourceTableName is missing; destinationTableName is missing'),
    })
  })

  describe('adopts what is there', () => {
    it('with the id of a legacy-born row as its key, at once', async () => {
      const reply = await call(`${world().stack.url}/aurora/chefs/1`)

      expect([reply.status, reply.headers.get('etag')]).toEqual([200, '"1"'])
      expect(reply.json()).toEqual({
        chefId: '1',
        firstName: 'Gordon',
        lastName: 'Ramsay',
        version: 1,
        updatedAt: null,
      })
    })

    it('while SELECT * and a bare INSERT of legacy code go on as before', async () => {
      await world().legacy.query("INSERT INTO cheftable VALUES (NULL, 'Julia', 'Child')")
      const [rows] = await world().legacy.query<RowDataPacket[]>(
        "SELECT * FROM cheftable WHERE cheffirst = 'Julia'",
      )
      const id = String(rows[0]?.id)

      expect(rows).toEqual([{ id: expect.anything(), cheffirst: 'Julia', cheflast: 'Child' }])
      expect((await call(`${world().stack.url}/aurora/chefs/${id}`)).json()).toMatchObject({
        chefId: id,
        firstName: 'Julia',
      })
      const replaced = await send('PUT', `${world().stack.url}/aurora/chefs/${id}`, {
        firstName: 'Julie',
        lastName: 'Powell',
      })
      expect(replaced.json()).toMatchObject({ chefId: id, firstName: 'Julie', version: 2 })
      expect((await call(`${world().stack.url}/aurora/chefs/${id}`, { method: 'DELETE' })).status).toBe(204)
      expect((await call(`${world().stack.url}/aurora/chefs/${id}`)).status).toBe(404)
    })

    it('and finds a row with a key of its own also by its id', async () => {
      const created = (await send('POST', `${world().stack.url}/aurora/chefs`, bobby)).json()
      const [rows] = await world().legacy.query<RowDataPacket[]>(
        'SELECT id FROM cheftable WHERE backsync_key = ?',
        [created.chefId],
      )

      expect((await call(`${world().stack.url}/aurora/chefs/${rows[0]?.id}`)).json()).toEqual(created)
    })
  })

  describe('takes a modern write back to Aurora', () => {
    it('with POST, PUT and DELETE', async () => {
      const created = (await send('POST', `${world().stack.url}/dynamo/chefs`, bobby)).json()
      const path = `/chefs/${created.chefId}`
      await visible(`/aurora${path}`, created)

      const replaced = (
        await send('PUT', `${world().stack.url}/dynamo${path}`, {
          firstName: 'Zoë 👩🏽‍🍳',
          lastName: 'e\u0301',
        })
      ).json()
      expect(replaced).toMatchObject({ firstName: 'Zoë 👩🏽‍🍳', lastName: 'e\u0301', version: 2 })
      await visible(`/aurora${path}`, replaced)

      expect((await call(`${world().stack.url}/dynamo${path}`, { method: 'DELETE' })).status).toBe(204)
      await gone(`/aurora${path}`)
    })

    it('in the end with the last of many writes of one key', async () => {
      const { chefId } = (await send('POST', `${world().stack.url}/dynamo/chefs`, bobby)).json()
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          send('PUT', `${world().stack.url}/dynamo/chefs/${chefId}`, { firstName: `n${at}`, lastName: 'x' }),
        ),
      )
      const last = (await call(`${world().stack.url}/dynamo/chefs/${chefId}`)).json()

      expect(last.version).toBe(21)
      await visible(`/aurora/chefs/${chefId}`, last)
    })
  })

  describe.each(['aurora', 'dynamo'])('keeps the contract at /%s/chefs', (side) => {
    const collection = (): string => `${world().stack.url}/${side}/chefs`
    const count = async (): Promise<number> => {
      let total = 0
      for (let cursor: unknown = ''; cursor !== undefined; ) {
        const page = (await call(`${collection()}?limit=100${cursor ? `&cursor=${cursor}` : ''}`)).json()
        total += Array.isArray(page.items) ? page.items.length : 0
        cursor = page.cursor
      }
      return total
    }
    let existing: Record<string, unknown>
    const item = (): string => `${collection()}/${existing.chefId}`

    beforeAll(async () => {
      existing = (await send('POST', collection(), bobby)).json()
    })

    it('creates with a UUIDv7, version 1, a time, an ETag and a Location', async () => {
      const reply = await send('POST', collection(), bobby)

      expect(reply.status).toBe(201)
      expect(reply.json()).toEqual({
        chefId: expect.stringMatching(
          /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        ),
        ...bobby,
        version: 1,
        updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      })
      expect(reply.headers.get('etag')).toBe('"1"')
      expect(reply.headers.get('location')).toBe(`/${side}/chefs/${reply.json().chefId}`)
    })

    const long = (characters: string, times: number) => ({
      firstName: characters.repeat(times),
      lastName: 'x',
    })

    it.each([
      ['emoji and combining characters', { firstName: '👩🏽‍🍳 Zoë', lastName: 'e\u0301\u200d' }],
      ['255 characters outside the BMP', long('👩', 255)],
      ['SQL', { firstName: "'); DROP TABLE cheftable; --", lastName: '" OR ""="' }],
      ['backslashes, colons and control characters', { firstName: '\\n:p1 \u0000\u0007', lastName: '\t' }],
      ['blanks at both ends', { firstName: '  x  ', lastName: ' ' }],
    ])('keeps exactly: %s', async (_, body) => {
      const { chefId } = (await send('POST', collection(), body)).json()

      expect((await call(`${collection()}/${chefId}`)).json()).toMatchObject(body)
    })

    const bad: [string, number, string, RequestInit][] = [
      ['malformed JSON', 400, 'malformed-json', { body: '{"firstName":' }],
      ['no body', 400, 'malformed-json', {}],
      ['an array', 400, 'invalid-body', { body: '[]' }],
      ['a number as a name', 400, 'invalid-body', { body: '{"firstName":1,"lastName":"x"}' }],
      ['null as a name', 400, 'invalid-body', { body: '{"firstName":null,"lastName":"x"}' }],
      ['a missing name', 400, 'invalid-body', { body: '{"firstName":"x"}' }],
      ['an empty name', 400, 'invalid-body', { body: '{"firstName":"","lastName":"x"}' }],
      ['an unknown field', 400, 'invalid-body', { body: '{"firstName":"x","lastName":"y","chefId":"1"}' }],
      ['__proto__', 400, 'invalid-body', { body: '{"firstName":"x","lastName":"y","__proto__":{}}' }],
      ['half a surrogate pair', 400, 'invalid-body', { body: '{"firstName":"\\ud83d","lastName":"y"}' }],
      ['256 characters', 400, 'invalid-body', { body: JSON.stringify(long('x', 256)) }],
      ['a body over 256 KiB', 413, 'body-too-large', { body: JSON.stringify(long('x', 262_144)) }],
      [
        'another content type',
        415,
        'content-type',
        { body: '{}', headers: { 'content-type': 'text/plain' } },
      ],
    ]

    describe.each([
      ['POST', () => collection()],
      ['PUT', () => item()],
    ])('%s', (method, target) => {
      it.each(bad)('refuses %s with %i and writes nothing', async (_, status, code, init) => {
        const before = [await count(), await call(item())]
        const reply = await call(target(), {
          method,
          headers: { 'content-type': 'application/json' },
          ...init,
        })
        const after = [await count(), await call(item())]

        expect(reply.status).toBe(status)
        expect(reply.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
        expect(reply.json()).toMatchObject({
          type: `urn:backsync:problem:${code}`,
          status,
          requestId: expect.any(String),
        })
        expect(after.map((one) => (typeof one === 'number' ? one : one.text))).toEqual(
          before.map((one) => (typeof one === 'number' ? one : one.text)),
        )
      })
    })

    it('serves each path with a slash at its end as without one, and a body without a content type as JSON', async () => {
      const body = Buffer.from(JSON.stringify(bobby))
      const made = await call(`${collection()}/`, { method: 'POST', body })
      const one = `${collection()}/${made.json().chefId}`

      expect(made.status).toBe(201)
      expect((await call(`${one}/`)).json()).toEqual((await call(one)).json())
      expect((await call(`${collection()}/?limit=1`)).json()).toEqual(
        (await call(`${collection()}?limit=1`)).json(),
      )
      expect((await call(`${one}/`, { method: 'PUT', body })).json()).toMatchObject({ version: 2 })
      expect((await call(`${one}/`, { method: 'DELETE' })).status).toBe(204)
      expect((await call(`${one}/`)).status).toBe(404)
      expect((await call(`${one}/more/`)).status).toBe(404)
    })

    it('names every faulty field', async () => {
      const reply = await send('POST', collection(), { firstName: 7, 'a/b~c': 1 })

      expect(reply.json().errors).toEqual([
        { pointer: '/firstName', detail: 'must be a string' },
        { pointer: '/lastName', detail: 'is required' },
        { pointer: '/a~1b~0c', detail: 'is not a known field' },
      ])
    })

    it.each(['GET', 'PUT', 'DELETE'])('%s of an unknown id is 404', async (method) => {
      for (const id of [UNKNOWN, '999999999', 'nobody', "1'%20OR%201=1", '%E0%A4%A']) {
        const body = method === 'PUT' ? JSON.stringify(bobby) : undefined
        const reply = await call(`${collection()}/${id}`, {
          method,
          headers: { 'content-type': 'application/json' },
          ...(body && { body }),
        })
        expect([id, reply.status]).toEqual([id, 404])
      }
    })

    it('answers a method that does not exist with 405 and what is allowed', async () => {
      const many = await call(collection(), { method: 'PATCH' })
      const one = await call(item(), { method: 'POST' })

      expect([many.status, many.headers.get('allow')]).toEqual([405, 'GET, POST'])
      expect([one.status, one.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE'])
    })

    describe('with If-Match', () => {
      const put = (url: string, ifMatch: string) =>
        send('PUT', url, { firstName: 'New', lastName: 'x' }, { 'if-match': ifMatch })

      it('replaces and deletes at the current version only', async () => {
        const { chefId } = (await send('POST', collection(), bobby)).json()
        const url = `${collection()}/${chefId}`

        expect((await put(url, '"1"')).json()).toMatchObject({ version: 2 })
        expect((await put(url, '"1"')).status).toBe(412)
        expect((await put(url, 'W/"2"')).status).toBe(412)
        expect((await put(url, '"nonsense"')).status).toBe(412)
        expect((await put(url, '2')).status).toBe(400)
        expect((await call(url, { method: 'DELETE', headers: { 'if-match': '"1"' } })).status).toBe(412)
        expect((await call(url)).json()).toMatchObject({ firstName: 'New', version: 2 })
        expect((await put(url, '"7", "2"')).status).toBe(200)
        expect((await put(url, '*')).status).toBe(200)
        expect((await call(url, { method: 'DELETE', headers: { 'if-match': '"4"' } })).status).toBe(204)
        expect((await put(url, '"4"')).status).toBe(404)
      })

      it('lets exactly one of many writers of the same version through', async () => {
        const { chefId } = (await send('POST', collection(), bobby)).json()
        const replies = await Promise.all(
          Array.from({ length: 8 }, () => put(`${collection()}/${chefId}`, '"1"')),
        )

        expect(replies.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(412)])
      })
    })

    it('applies every one of many writers that name no version', async () => {
      const { chefId } = (await send('POST', collection(), bobby)).json()
      const url = `${collection()}/${chefId}`
      const replies = await Promise.all(
        Array.from({ length: 4 }, (_, at) => send('PUT', url, { firstName: `n${at}`, lastName: 'x' })),
      )

      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect((await call(url)).json().version).toBe(5)
    })

    it('pages through all, each once', async () => {
      for (let at = 0; at < 3; at++) await send('POST', collection(), bobby)
      const seen: unknown[] = []
      for (let query: string | undefined = '?limit=2'; query !== undefined; ) {
        const page = (await call(collection() + query)).json()
        const items = Array.isArray(page.items) ? page.items : []
        expect(items.length).toBeLessThanOrEqual(2)
        seen.push(...items.map(({ chefId }) => chefId))
        query = page.cursor === undefined ? undefined : `?limit=2&cursor=${page.cursor}`
      }

      expect(new Set(seen).size).toBe(seen.length)
      expect(seen).toContain(existing.chefId)
    })

    it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=%00', 'cursor=', 'cursor=..'])(
      'refuses ?%s',
      async (query) => {
        expect((await call(`${collection()}?${query}`)).status).toBe(400)
      },
    )
  })

  it('knows no other path', async () => {
    for (const path of ['/', '/aurora/cooks', '/aurora/chefs/1/2'])
      expect((await call(world().stack.url + path)).status).toBe(404)
    expect((await call(`${world().stack.url}/aurora`, { method: 'DELETE' })).headers.get('allow')).toBe('GET')
  })
}
