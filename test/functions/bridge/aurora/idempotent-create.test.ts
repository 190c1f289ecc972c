import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { AuroraStore } from '../../../../functions/bridge/aurora/aurora-store.ts'
import * as records from '../../../../functions/bridge/aurora/idempotency-records.ts'
import { readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { KEPT_FOR } from '../../../../functions/bridge/ports/once.ts'
import type { EntityStore } from '../../../../functions/bridge/ports/store.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { clientOf, describeRepeatableCreate, type Side } from '../api/idempotency-suite.ts'

const rowsOf = async (aurora: TestAurora, query: string, values: unknown[] = []) => {
  const [rows] = await aurora.legacy.query(query, values)
  if (!Array.isArray(rows)) throw new Error('not a query')
  return rows.map((row): Record<string, unknown> => ({ ...row }))
}

/** A store whose first write gets the answer lost, after MySQL has done it. */
const losing = (aurora: TestAurora, sql: string): EntityStore => ({
  get: (...args) => aurora.store.get(...args),
  list: (...args) => aurora.store.list(...args),
  write: (...args) => aurora.store.write(...args),
  createOnce: (...args) => {
    aurora.api.faults.add({ kind: 'drop-after', sql, times: 1 })
    return aurora.store.createOnce(...args)
  },
})

const open = async (): Promise<Side & { aurora: TestAurora }> => {
  const aurora = await openTestAurora()
  return {
    aurora,
    store: aurora.store,
    firstNames: async () =>
      (await rowsOf(aurora, 'SELECT cheffirst FROM cheftable')).map(({ cheffirst }) => String(cheffirst)),
    records: async () => (await rowsOf(aurora, 'SELECT id FROM backsync_idempotency')).length,
    losing: losing(aurora, 'SET answer'),
    close: () => aurora.close(),
  }
}

const onceOf = (lastName: string, key: string) => {
  const request = {
    method: 'POST',
    segments: [],
    path: '',
    query: {},
    headers: { 'idempotency-key': key },
  }
  const once = readOnce({ ...request, body: undefined }, { entity: 'chef', body: lastName })
  if (once === undefined) throw new Error('no key')
  return {
    ...once,
    answer: (stored: object) => JSON.stringify(stored, text),
  }
}
const text = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

describe('on Aurora', () => {
  describeRepeatableCreate('aurora', open)

  describe('a create with an Idempotency-Key', () => {
    let side: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      side = await open()
    })
    afterAll(() => side.close())
    afterEach(() => side.aurora.api.faults.clear())
    const { send } = clientOf('aurora', () => side)
    const newBody = () => ({ firstName: `Bobby ${randomUUID()}`, lastName: 'Flay' })
    const count = async ({ firstName }: { firstName: string }) =>
      (await side.firstNames()).filter((name) => name === firstName).length

    it.each([
      ['the claim', 'INSERT IGNORE INTO backsync_idempotency'],
      ['the row', 'INSERT INTO `cheftable`'],
      ['the answer', 'SET answer'],
    ])('makes one when the word of %s gets lost', async (_, sql) => {
      const [key, body] = [randomUUID(), newBody()]

      const answer = await send({ key, body, store: losing(side.aurora, sql) })

      expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([201, undefined])
      expect((await send({ key, body })).headers['idempotency-replayed']).toBe('true')
      expect(await count(body)).toBe(1)
    })

    it.each([
      ['before the row was written', 'INSERT INTO `cheftable`'],
      ['before the answer was kept', 'SET answer'],
    ])('is taken up by its repeat when its invocation died %s', async (_, sql) => {
      const [key, body] = [randomUUID(), newBody()]
      side.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException', sql, times: 1 })
      const at = new Date(Date.now() - 60_000)

      expect((await send({ key, body, at })).statusCode).toBe(500)
      const repeated = await send({ key, body })

      expect([repeated.statusCode, await count(body)]).toEqual([201, 1])
      expect(JSON.parse(repeated.body ?? '').updatedAt).toBe(at.toISOString())
      const { chefId } = JSON.parse(repeated.body ?? '')
      expect(repeated.headers.location).toBe(`/aurora/chefs/${chefId}`)
      expect((await send({ method: 'GET', path: `/chefs/${chefId}` })).statusCode).toBe(200)
    })

    it('is not taken up by another request', async () => {
      const [key, body, other] = [randomUUID(), newBody(), newBody()]
      side.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException', sql: '`cheftable`', times: 1 })

      expect((await send({ key, body })).statusCode).toBe(500)
      expect((await send({ key, body: other })).statusCode).toBe(422)
      expect([await count(body), await count(other)]).toEqual([0, 0])
    })

    it('is taken up with the first answer although the row was deleted since', async () => {
      const [key, body] = [randomUUID(), newBody()]
      side.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException', sql: 'SET answer', times: 1 })
      expect((await send({ key, body })).statusCode).toBe(500)
      const [row] = await rowsOf(side.aurora, 'SELECT backsync_key FROM cheftable WHERE cheffirst = ?', [
        body.firstName,
      ])
      const path = `/chefs/${String(row?.backsync_key)}`
      expect((await send({ method: 'DELETE', path })).statusCode).toBe(204)

      const repeated = await send({ key, body })

      expect(repeated).toMatchObject({
        statusCode: 201,
        headers: { etag: '"1"', location: `/aurora${path}` },
      })
      expect(await count(body)).toBe(0)
    })

    describe('that the store refuses', () => {
      const soup = (chefId: string) => ({ chefId, title: 'Onion soup', ingredients: [{ name: 'Onion' }] })
      const sendRecipe = (key: string, chefId: string) => send({ path: '/recipes', key, body: soup(chefId) })

      it('leaves its key free, for the same request and for another', async () => {
        const key = randomUUID()
        const body = newBody()
        const { chefId } = JSON.parse((await send({ body })).body ?? '')

        expect((await sendRecipe(key, randomUUID())).statusCode).toBe(409)
        expect((await sendRecipe(key, randomUUID())).statusCode).toBe(409)
        const made = await sendRecipe(key, chefId)
        expect([made.statusCode, made.headers['idempotency-replayed']]).toEqual([201, undefined])
        const again = await sendRecipe(key, chefId)
        expect([again.body, again.headers['idempotency-replayed']]).toEqual([made.body, 'true'])
        expect(await rowsOf(side.aurora, 'SELECT id FROM recipetable')).toHaveLength(1)
        expect((await sendRecipe(key, randomUUID())).statusCode).toBe(422)
      })
    })

    it('keeps an answer of any size', async () => {
      const key = randomUUID()
      const { chefId } = JSON.parse((await send({ body: newBody() })).body ?? '')
      const body = {
        chefId,
        title: '👩'.repeat(200),
        notes: { text: '👩‍🍳é'.repeat(8_000) },
        thumbnail: Buffer.alloc(65_535, 7).toString('base64'),
      }
      const first = await send({ path: '/recipes', key, body })
      const second = await send({ path: '/recipes', key, body })

      expect([first.statusCode, second.statusCode]).toEqual([201, 201])
      expect(Buffer.byteLength(first.body ?? '')).toBeGreaterThan(170_000)
      expect(second.body).toBe(first.body)
    })
  })

  describe('two requests over one record', () => {
    let side: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      side = await open()
    })
    afterAll(() => side.close())

    const change = (lastName: string): Change => ({
      entity: 'chef',
      key: randomUUID(),
      op: 'upsert',
      version: 1n,
      source: 'api',
      at: new Date().toISOString(),
      row: { firstName: 'Bobby', lastName },
    })
    /** The store, with something done between two of its steps. */
    const storeWith = (steps: {
      beforeWrite?: () => Promise<unknown>
      afterWrite?: () => Promise<unknown>
      refusing?: Error
    }) => {
      const { aurora } = side
      const apply = aurora.writer.apply.bind(aurora.writer)
      const writer = Object.assign(Object.create(aurora.writer), {
        apply: async (entity: Entity, changes: readonly Change[]) => {
          await steps.beforeWrite?.()
          if (steps.refusing !== undefined) throw steps.refusing
          const outcome = await apply(entity, changes)
          await steps.afterWrite?.()
          return outcome
        },
      })
      return new AuroraStore(aurora.db, writer)
    }
    const rows = (lastName: string) =>
      rowsOf(side.aurora, 'SELECT cheflast, backsync_key FROM cheftable WHERE cheflast = ?', [lastName])

    it('make one row when the second takes up the first, which then goes on', async () => {
      const lastName = randomUUID()
      const [once, mine, theirs] = [onceOf(lastName, lastName), change(lastName), change(lastName)]
      let second: unknown
      const slow = storeWith({
        beforeWrite: async () => {
          second = await side.aurora.store.createOnce(chef, theirs, once)
        },
      })

      const first = await slow.createOnce(chef, mine, once)

      expect(second).toMatchObject({ replayed: true })
      expect(first).toMatchObject({ replayed: false })
      expect(Object(second).answer).toBe(first.answer)
      expect(await rows(lastName)).toEqual([{ cheflast: lastName, backsync_key: mine.key }])
    })

    it('get one answer, the one that is kept first', async () => {
      const lastName = randomUUID()
      const once = onceOf(lastName, lastName)
      const answering = (answer: string) => ({ ...once, answer: () => answer })
      const slow = storeWith({
        afterWrite: () => side.aurora.store.createOnce(chef, change(lastName), answering('second')),
      })

      expect(await slow.createOnce(chef, change(lastName), answering('first'))).toMatchObject({
        answer: 'second',
      })
      expect(await side.aurora.store.createOnce(chef, change(lastName), answering('third'))).toMatchObject({
        answer: 'second',
      })
    })

    it('make one row when the first is refused while its twin gets through, and a third comes', async () => {
      const key = randomUUID()
      const [name, other] = [`twin ${key}`, `third ${key}`]
      const [once, third] = [onceOf(name, key), onceOf(other, key)]
      const mine = change(name)
      let thirds: unknown
      const { aurora } = side
      const twin = storeWith({
        // The twin's row is written; the first, refused a moment before, gives the record free; a third request takes it.
        afterWrite: async () => {
          await records.release(aurora.db, once.id, mine.key)
          thirds = await aurora.store.createOnce(chef, change(other), third).catch((error: unknown) => error)
        },
      })
      await records.insert(aurora.db, { ...once, entityKey: mine.key, createdMs: Date.parse(mine.at) })

      const twins = await twin.createOnce(chef, change(name), once)

      expect(thirds).toMatchObject({ name: 'KeyReusedError' })
      expect(JSON.parse(twins.answer)).toMatchObject({ key: mine.key })
      expect([await rows(name), await rows(other)]).toEqual([
        [{ cheflast: name, backsync_key: mine.key }],
        [],
      ])
      expect(await aurora.store.createOnce(chef, change(name), once)).toEqual({
        answer: twins.answer,
        replayed: true,
      })
    })

    it('keep the claim when nobody knows what became of the write', async () => {
      const lastName = randomUUID()
      const once = onceOf(lastName, lastName)
      const failing = storeWith({ refusing: new Error('the connection was lost') })
      await expect(failing.createOnce(chef, change(lastName), once)).rejects.toThrow('lost')

      expect(await records.find(side.aurora.db, once.id)).toMatchObject({ fingerprint: once.fingerprint })
      expect(await side.aurora.store.createOnce(chef, change(lastName), once)).toMatchObject({
        replayed: true,
      })
    })
  })

  describe('expired records', () => {
    let side: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      side = await open()
    })
    afterAll(() => side.close())

    it('are removed by the requests that come, some at a time, and no other', async () => {
      const { aurora } = side
      const now = Date.parse('2026-11-22T03:00:00.500Z')
      const put = (id: string, createdMs: number) =>
        aurora.legacy.query(
          'INSERT INTO backsync_idempotency (id, fingerprint, entity_key, created_ms) VALUES (?, ?, ?, ?)',
          [id.padEnd(64, '-'), 'f'.repeat(64), 'k', createdMs],
        )
      for (let at = 0; at < 60; at++) await put(`old${at}`, now - KEPT_FOR - at)
      await put('young', now - KEPT_FOR + 1)

      await records.removeExpired(aurora.db, now)
      expect(await side.records()).toBe(11)
      await records.removeExpired(aurora.db, now)
      await records.removeExpired(aurora.db, now)
      const left = await rowsOf(aurora, 'SELECT id FROM backsync_idempotency')
      expect(left).toEqual([{ id: 'young'.padEnd(64, '-') }])
    })

    it('go with one request in sixteen, told by its id', async () => {
      const { send } = clientOf('aurora', () => side)
      const body = { firstName: 'Bobby', lastName: 'Flay' }
      const keys = Array.from({ length: 200 }, (_, at) => `key ${at}`.replace(' ', '-'))
      const idOf = (key: string) => onceOf('', key).id
      const removing = keys.find((key) => idOf(key).startsWith('0'))
      const other = keys.find((key) => !idOf(key).startsWith('0'))
      const at = new Date('2026-11-22T03:00:00.500Z')
      const later = new Date(at.getTime() + KEPT_FOR)
      const old = async () =>
        (
          await rowsOf(side.aurora, 'SELECT id FROM backsync_idempotency WHERE created_ms <= ?', [
            at.getTime(),
          ])
        ).length
      for (let request = 0; request < 5; request++) await send({ key: randomUUID(), body, at })

      await send({ key: other ?? '', body, at: later })
      expect(await old()).toBeGreaterThanOrEqual(5)
      await send({ key: removing ?? '', body, at: later })
      expect(await old()).toBe(0)
    })
  })
})
