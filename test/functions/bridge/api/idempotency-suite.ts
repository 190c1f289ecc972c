import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from 'uuidv7'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import type { HttpResponse } from '../../../../functions/bridge/http/response.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { silent } from '../../../support/log.ts'
import { dish } from '../../fixtures/dish.ts'
import { httpApiEvent } from '../../fixtures/http-events.ts'

/** What the suite needs of one side of the bridge. */
export type Side = {
  readonly store: EntityStore
  /** The first names of all chefs. */
  firstNames(): Promise<readonly string[]>
  /** How many records of keys there are. */
  records(): Promise<number>
  /** A store whose first answer to a write that succeeded gets lost. */
  readonly losing: EntityStore
  close(): Promise<void>
}

type Sent = {
  readonly method?: string
  readonly path?: string
  readonly key?: string
  readonly body?: unknown
  readonly subject?: string
  readonly at?: Date
  readonly store?: EntityStore
}

/** Sends requests to a side as its handler would. */
export const clientOf = (
  base: string,
  side: () => Side,
  entities: readonly Entity[] = [chef, recipe, dish],
) => {
  const send = async (sent: Sent): Promise<HttpResponse> => {
    const {
      method = 'POST',
      path = '/chefs',
      key,
      body,
      subject,
      at = new Date(),
      store = side().store,
    } = sent
    const event = httpApiEvent(method, `/${base}${path}`, {
      headers: {
        'content-type': 'application/json',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const requestContext = {
      ...event.requestContext,
      ...(subject !== undefined && { authorizer: { jwt: { claims: { sub: subject } } } }),
    }
    const call = normaliseApiEvent(
      { ...event, requestContext },
      { entities, base, now: () => at, newKey: uuidv7 },
    )
    if (call === undefined) throw new Error('not an HTTP event')
    return serve(call, store, { requestId: randomUUID(), log: silent })
  }
  return { send }
}

const WEEK = 7 * 24 * 60 * 60 * 1000
const REPLAYED = 'idempotency-replayed'
const parsed = ({ body = '' }: HttpResponse) => JSON.parse(body)
/** An answer without the sign that it is a repeat. */
const plain = ({ headers: { [REPLAYED]: _, ...headers }, ...rest }: HttpResponse): HttpResponse => ({
  ...rest,
  headers,
})

/** The promises of Idempotency-Key, the same on both sides. */
export const describeRepeatableCreate = (base: string, open: () => Promise<Side>): void => {
  describe('a create with an Idempotency-Key', () => {
    let side: Side
    beforeAll(async () => {
      side = await open()
    })
    afterAll(() => side.close())
    const { send } = clientOf(base, () => side)

    const count = async (firstName: string) =>
      (await side.firstNames()).filter((name) => name === firstName).length
    const chefNamed = (firstName: string) => ({ firstName, lastName: 'Flay' })
    /** A name of its own for each test: chefs are counted by it. */
    const newName = () => `Bobby ${randomUUID()}`

    it('answers a repeat as the first time, and says so', async () => {
      const [key, firstName] = [randomUUID(), newName()]

      const first = await send({ key, body: chefNamed(firstName) })
      const second = await send({ key, body: chefNamed(firstName) })

      expect(first).toMatchObject({ statusCode: 201, headers: { etag: '"1"' } })
      expect(first.headers).not.toHaveProperty(REPLAYED)
      expect(second).toEqual({ ...first, headers: { ...first.headers, [REPLAYED]: 'true' } })
      expect(first.headers.location).toBe(`/${base}/chefs/${parsed(first).chefId}`)
      expect(await count(firstName)).toBe(1)
    })

    it('makes what GET then shows', async () => {
      const first = await send({ key: randomUUID(), body: chefNamed(newName()) })
      const shown = await send({ method: 'GET', path: `/chefs/${parsed(first).chefId}` })

      expect(parsed(shown)).toEqual(parsed(first))
    })

    it('makes one each without a key, and with another', async () => {
      const firstName = newName()
      for (const key of [undefined, undefined, randomUUID(), randomUUID()])
        expect((await send({ ...(key && { key }), body: chefNamed(firstName) })).statusCode).toBe(201)

      expect(await count(firstName)).toBe(4)
    })

    it('knows the same request in another spelling', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      await send({ key, body: `{"firstName":"${firstName}","lastName":"Flay"}` })

      const second = await send({
        key: `"${key}"`,
        body: ` { "lastName" : "\\u0046lay", "firstName":"${firstName}" }`,
      })

      expect([second.statusCode, second.headers[REPLAYED]]).toEqual([201, 'true'])
      expect(await count(firstName)).toBe(1)
    })

    it('refuses the same key for another request with 422, and writes nothing', async () => {
      const [key, firstName, other] = [randomUUID(), newName(), newName()]
      await send({ key, body: chefNamed(firstName) })

      const refused = await send({ key, body: chefNamed(other) })

      expect(refused.statusCode).toBe(422)
      expect(parsed(refused).type).toBe('urn:backsync:problem:idempotency-key-reused')
      expect(await count(other)).toBe(0)
      expect((await send({ key, body: chefNamed(firstName) })).headers[REPLAYED]).toBe('true')
    })

    it('keeps a key to its caller', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      const body = chefNamed(firstName)
      const ids = []
      for (const subject of [undefined, 'ann', 'ben', 'ann'])
        ids.push(parsed(await send({ key, body, ...(subject && { subject }) })).chefId)

      expect(new Set(ids).size).toBe(3)
      expect(ids[3]).toBe(ids[1])
      expect(await count(firstName)).toBe(3)
    })

    it('answers as the first time when the chef was changed or deleted since', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      const body = chefNamed(firstName)
      const first = await send({ key, body })
      const path = `/chefs/${parsed(first).chefId}`

      expect((await send({ method: 'PUT', path, body: chefNamed(newName()) })).statusCode).toBe(200)
      expect(plain(await send({ key, body }))).toEqual(first)
      expect((await send({ method: 'DELETE', path })).statusCode).toBe(204)
      expect(plain(await send({ key, body }))).toEqual(first)
      expect((await send({ method: 'GET', path })).statusCode).toBe(404)
    })

    it('makes one of twenty at once, and gives all the same answer', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      const body = chefNamed(firstName)

      const at = new Date()
      const answers = await Promise.all(Array.from({ length: 20 }, () => send({ key, body, at })))

      const told = answers.filter(({ statusCode }) => statusCode === 201)
      for (const { statusCode, headers } of answers)
        if (statusCode !== 201) expect([statusCode, headers['retry-after']]).toEqual([409, '1'])
      expect(told.filter(({ headers }) => headers[REPLAYED] === undefined)).toHaveLength(1)
      expect(
        new Set([...told, await send({ key, body })].map((answer) => JSON.stringify(plain(answer)))).size,
      ).toBe(1)
      expect(await count(firstName)).toBe(1)
    })

    it('makes one of ten different ones at once, and refuses the others', async () => {
      const [key, firstName] = [randomUUID(), newName()]

      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, at) => send({ key, body: { firstName, lastName: `Flay ${at}` } })),
      )

      expect(answers.filter(({ statusCode }) => statusCode === 201)).toHaveLength(1)
      for (const { statusCode } of answers) expect([201, 409, 422]).toContain(statusCode)
      expect(await count(firstName)).toBe(1)
    })

    it('makes one when the first answer gets lost after the write', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      const body = chefNamed(firstName)

      const lost = await send({ key, body, store: side.losing })
      const repeated = await send({ key, body })

      expect([201, 503]).toContain(lost.statusCode)
      expect(repeated.statusCode).toBe(201)
      expect(repeated.headers[REPLAYED]).toBe('true')
      if (lost.statusCode === 201) expect(plain(repeated)).toEqual(lost)
      expect(await count(firstName)).toBe(1)
    })

    it('keeps the answer for a week; after that the key counts as new', async () => {
      const [key, firstName] = [randomUUID(), newName()]
      const start = Date.parse('2026-11-22T03:00:00.500Z')
      const later = (milliseconds: number) =>
        send({ key, body: chefNamed(firstName), at: new Date(start + milliseconds) })

      const first = await later(0)
      expect(plain(await later(WEEK - 1))).toEqual(first)
      const second = await later(WEEK + 1000)
      expect(second.headers).not.toHaveProperty(REPLAYED)
      expect(parsed(second).chefId).not.toBe(parsed(first).chefId)
      expect(plain(await later(WEEK + 2000))).toEqual(second)
      expect(await count(firstName)).toBe(2)
    })

    it('forgets the answer also for another request', async () => {
      const key = randomUUID()
      const start = Date.parse('2026-11-22T03:00:00.500Z')
      await send({ key, body: chefNamed(newName()), at: new Date(start) })
      const body = chefNamed(newName())

      expect((await send({ key, body, at: new Date(start + WEEK + 1000) })).statusCode).toBe(201)
    })

    it('takes any visible ASCII characters for a key, told apart by case', async () => {
      const salt = randomUUID()
      const keys = [
        `${salt}'; DROP TABLE backsync_idempotency;--`.replaceAll(' ', '_'),
        `${salt}%00\\`,
        `${salt}a"b`,
        `a${salt}`,
        `A${salt}`,
        salt.padEnd(255, '~'),
        salt.padEnd(254, '~'),
      ]
      const firstName = newName()
      for (const key of [...keys, ...keys])
        expect((await send({ key, body: chefNamed(firstName) })).statusCode).toBe(201)

      expect(await count(firstName)).toBe(keys.length)
    })

    it.each(['', '""', '"a', 'a b', '"a b"', 'é', 'x'.repeat(256), `"${'x'.repeat(256)}"`, '"a"b"', '"\\a"'])(
      'refuses the key %j with 400, and writes nothing',
      async (key) => {
        const firstName = newName()
        const refused = await send({ key, body: chefNamed(firstName) })

        expect(refused.statusCode).toBe(400)
        expect(parsed(refused).type).toBe('urn:backsync:problem:malformed-idempotency-key')
        expect(await count(firstName)).toBe(0)
      },
    )

    it('leaves no record of a request that was refused', async () => {
      const key = randomUUID()
      const before = await side.records()

      expect((await send({ key, body: { firstName: 'Bobby' } })).statusCode).toBe(400)
      expect(await side.records()).toBe(before)
      expect((await send({ key, body: chefNamed(newName()) })).statusCode).toBe(201)
      expect(await side.records()).toBe(before + 1)
    })
  })
}
