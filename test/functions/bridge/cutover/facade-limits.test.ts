import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { partOf } from '../../../../functions/bridge/model/cohort.ts'
import { chef, type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

const LEGACY = { stage: 'shadow', percent: 0, allow: [], deny: [] } as const
const LIVE = { stage: 'live', percent: 100, allow: [], deny: [] } as const

describe('the facade', () => {
  let world: FacadeWorld
  let code: string
  let path: string

  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())
  beforeEach(() => {
    code = `p-${randomUUID().slice(0, 12)}`
    path = `/plates/${code}`
  })
  const made = (title = 'one') => ({ body: { code, title } })

  describe('of a key that is nowhere', () => {
    it('says so, by both stores, for each call that has to find something', async () => {
      world.move(LIVE)
      expect(await world.send('GET', path)).toMatchObject({ status: 404 })
      expect(await world.send('DELETE', path)).toMatchObject({ status: 404 })
      expect(await world.send('PUT', path, { ...made(), headers: { 'if-match': '"1"' } })).toMatchObject({
        status: 412,
      })
      expect(
        await world.send('PUT', `/chefs/${randomUUID()}`, { body: { firstName: 'a', lastName: 'b' } }),
      ).toMatchObject({ status: 404 })
      expect(await world.record(plate, code)).toEqual({
        aurora: 'aurora 0 v0 absent',
        dynamo: 'dynamo 0 v0 absent',
      })
    })

    it.each(['GET', 'DELETE'])(
      'says by %s that it can not tell, where the route can not be read',
      async (method) => {
        const known = world.move(LIVE)
        expect(await world.send(method, path, {}, world.facadeWith({ known, isBlind: true }))).toMatchObject({
          status: 503,
        })
      },
    )

    it('looks again where the route has been moved meanwhile', async () => {
      const known = world.move(LEGACY)
      world.move(LIVE)
      const { read } = world.facadeParts
      let made = false
      const facade = world.facadeWith(
        { known },
        {
          read: {
            ...read,
            dynamo: async (entity, key) => {
              const record = await read.dynamo(entity, key)
              if (!made) await world.make(plate, 'dynamo', { code, title: 'meanwhile' }, code)
              made = true
              return record
            },
          },
        },
      )
      expect(await world.send('GET', path, {}, facade)).toMatchObject({ status: 200, side: 'dynamo' })
    })

    it('is not told of one that has come to DynamoDB between the two looks', async () => {
      await world.make(plate, 'aurora', { code, title: 'one' }, code)
      const { epoch } = world.move(LIVE)
      const { read } = world.facadeParts
      const facade = world.facadeWith(
        {},
        {
          read: {
            ...read,
            aurora: async (entity, key) => {
              await world.facadeParts.claim(plate, code, 'dynamo', epoch)
              return read.aurora(entity, key)
            },
          },
        },
      )
      expect(await world.send('GET', path, {}, facade)).toMatchObject({
        status: 200,
        side: 'dynamo',
        body: { title: 'one' },
      })
    })
  })

  describe('without the routes’ table', () => {
    it('goes on by the route that it has: serves, and claims', async () => {
      await world.make(plate, 'aurora', { code, title: 'one' }, code)
      const known = world.move(LIVE)
      const blind = world.facadeWith({ known, isBlind: true })
      expect(await world.send('GET', path, {}, blind)).toMatchObject({ status: 200, side: 'aurora' })
      expect(await world.send('PUT', path, made('two'), blind)).toMatchObject({ status: 200, side: 'dynamo' })
      expect(
        await world.send('POST', '/chefs', { body: { firstName: 'a', lastName: 'b' } }, blind),
      ).toMatchObject({ status: 201 })
    })

    it('serves each key at its owner where it never knew one, and makes none', async () => {
      await world.make(plate, 'dynamo', { code, title: 'one' }, code)
      world.move(LIVE)
      const blind = world.facadeWith({ isBlind: true })
      expect(await world.send('GET', path, {}, blind)).toMatchObject({ status: 200, side: 'dynamo' })
      expect(await world.send('PUT', path, made('two'), blind)).toMatchObject({ status: 200, side: 'dynamo' })
      const other = { body: { code: `${code}-2`, title: 'x' } }
      expect(await world.send('POST', '/plates', other, blind)).toMatchObject({
        status: 503,
        headers: { 'retry-after': '1' },
      })
      expect(
        await world.send('POST', '/chefs', { body: { firstName: 'a', lastName: 'b' } }, blind),
      ).toMatchObject({ status: 503 })
    })
  })

  describe('of a key that can not be moved', () => {
    it('serves it where it is, and lists it once', async () => {
      // DynamoDB holds what Aurora lacks, of a key that each side takes for its own.
      await world.make(plate, 'aurora', { code, title: 'here' }, code)
      await world.sync.put(plate, {
        code: { S: code },
        plateKey: { S: code },
        title: { S: 'there' },
        version: { N: '9' },
        backsync_owner: { S: 'aurora' },
        backsync_epoch: { N: '0' },
      })
      world.move(LIVE)
      for (const title of ['two', 'three'])
        expect(await world.send('PUT', path, made(title))).toMatchObject({ status: 200, side: 'aurora' })
      const listed = (await world.sync.parked('plate.conflicts')).filter((one) =>
        String(one).startsWith(code),
      )
      expect(listed).toEqual([[code, 'data', 'claim.conflict']])
      expect(await world.send('GET', path)).toMatchObject({ side: 'aurora', body: { title: 'three' } })
    })
  })

  describe('of a key that is moved again and again', () => {
    it('gives up after three rounds, and has the client come again', async () => {
      await world.make(plate, 'aurora', { code, title: 'one' }, code)
      world.move(LIVE)
      let rounds = 0
      const { claim, read } = world.facadeParts
      const facade = world.facadeWith(
        {},
        {
          claim: async (entity, key, to, epoch) => {
            const claimed = await claim(entity, key, to, epoch)
            rounds += 1
            const { stage, epoch: next } = world.move(world.route().stage === 'live' ? LEGACY : LIVE)
            await claim(entity, key, stage === 'live' ? 'dynamo' : 'aurora', next)
            world.move(stage === 'live' ? LEGACY : LIVE)
            return claimed
          },
          read,
        },
      )
      const given = await world.send('PUT', path, made('two'), facade)
      expect(given).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
      expect(rounds).toBeLessThanOrEqual(3)
      expect(await world.send('GET', path)).toMatchObject({ status: 200, body: { title: 'one' } })
    })
  })

  describe('of keys that are listed, or in the share', () => {
    it('serves each where it belongs', async () => {
      const keys = Array.from({ length: 12 }, (_, at) => `${code}-${at}`)
      const [first = '', second = ''] = keys
      const { salt } = world.move({ stage: 'live', percent: 40, allow: [first], deny: [second] })
      for (const key of keys) {
        const { status, side } = await world.send('POST', '/plates', { body: { code: key, title: 'x' } })
        const isAmong = key === first || (key !== second && partOf(salt, key) < 4_000)
        expect([key, status, side]).toEqual([key, 201, isAmong ? 'dynamo' : 'aurora'])
      }
    })
  })

  describe('of a legacy row', () => {
    const legacyRow = async (lastName: string): Promise<string> => {
      const [{ insertId }] = await world.sync.aurora.legacy
        .query<RowDataPacket[] & { insertId: number }>(
          'INSERT INTO cheftable (cheffirst, cheflast) VALUES (?, ?)',
          [code, lastName],
        )
        .then((answer) => [Object(answer[0])])
      return String(insertId)
    }
    const named = (lastName: string) => ({ body: { firstName: code, lastName } })

    it('is asked by its id, before and behind its move', async () => {
      const id = await legacyRow('One')
      world.move(LEGACY)
      expect(await world.send('GET', `/chefs/${id}`)).toMatchObject({ status: 200, side: 'aurora' })
      world.move(LIVE)
      expect(await world.send('PUT', `/chefs/${id}`, named('Two'))).toMatchObject({
        status: 200,
        side: 'dynamo',
      })
      expect(await world.send('GET', `/chefs/${id}`)).toMatchObject({
        side: 'dynamo',
        body: { lastName: 'Two', chefId: id },
      })
    })

    it('is known by the id that a key of its own has there', async () => {
      world.move(LEGACY)
      const { body } = await world.send('POST', '/chefs', named('One'))
      const [[row]] = await world.sync.aurora.legacy.query<RowDataPacket[]>(
        'SELECT id FROM cheftable WHERE backsync_key = ?',
        [body.chefId],
      )
      const id = String(row?.id)
      world.move(LIVE)
      expect(await world.send('PUT', `/chefs/${id}`, named('Two'))).toMatchObject({
        status: 200,
        side: 'dynamo',
        body: { chefId: body.chefId },
      })
      expect(await world.send('GET', `/chefs/${id}`)).toMatchObject({
        side: 'dynamo',
        body: { lastName: 'Two' },
      })
      expect(await world.send('DELETE', `/chefs/${id}`)).toMatchObject({ status: 204, side: 'dynamo' })
      expect((await world.record(chef, body.chefId)).dynamo).toMatch(/v3 deleted/)
    })
  })

  describe('of a list', () => {
    it('reads the store that owns more, and goes on there by its cursor, also behind a move', async () => {
      for (const side of ['aurora', 'dynamo'] as const)
        for (const at of [1, 2, 3])
          await world.make(
            plate,
            side,
            { code: `${code}-${side}-${at}`, title: side },
            `${code}-${side}-${at}`,
          )
      world.move(LEGACY)
      const first = await world.send('GET', '/plates', { query: 'limit=1' })
      expect(first).toMatchObject({ status: 200, side: 'aurora' })
      world.move(LIVE)
      const query = `limit=1&cursor=${first.body.cursor}`
      const second = await world.send('GET', '/plates', { query })
      expect(second).toMatchObject({ status: 200, side: 'aurora' })
      expect(second.body.items[0].code > first.body.items[0].code).toBe(true)
      expect(await world.send('GET', '/plates', { query: 'limit=100' })).toMatchObject({ side: 'dynamo' })
      expect((await world.send('GET', '/plates', { query: 'cursor=abc' })).status).toBe(400)
    })
  })
})
