import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import * as records from '../../../../functions/bridge/aurora/idempotency-records.ts'
import { claim } from '../../../../functions/bridge/cutover/claim.ts'
import { readOnce } from '../../../../functions/bridge/http/idempotency-key.ts'
import { derivedKey } from '../../../../functions/bridge/model/derived-key.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'
import { belonging, KINDS, type Kind } from './repeatable.ts'

const problem = (name: string) => `urn:backsync:problem:${name}`
const MINUTE = 60_000

type Answer = Awaited<ReturnType<FacadeWorld['send']>>

/** Aurora keeps a record before it writes a row, and its answer behind that: DynamoDB knows of neither. */
describe.each(KINDS.map((kind) => [kind.name, kind] as const))(
  'a create with an Idempotency-Key of %s, that Aurora’s record has no answer to',
  (_, kind: Kind) => {
    const { entity, path } = kind
    let world: FacadeWorld
    let once: string
    let name: string

    beforeAll(async () => {
      world = await openFacadeWorld()
    })
    afterAll(() => world.close())
    beforeEach(() => {
      once = randomUUID()
      name = `n-${once.slice(0, 12)}`
    })
    afterEach(() => world.sync.aurora.api.faults.clear())

    const post = (more: { readonly title?: string; readonly at?: Date } = {}) => {
      const { title = 'one', at } = more
      const sent = { body: kind.body(name, title), headers: { 'idempotency-key': once } }
      return world.send('POST', path, { ...sent, ...(at && { at }) })
    }
    const onceOf = (title: string) => {
      const request = { method: 'POST', path, segments: [], query: {}, body: undefined }
      const headers = { 'idempotency-key': once }
      const read = readOnce({ ...request, headers }, { entity: entity.name, body: kind.body(name, title) })
      if (read === undefined) throw new Error('no key')
      return read
    }
    const key = () => (entity.identity.kind === 'natural' ? name : derivedKey(onceOf('one').id, 0))
    const moved = async (to: Owner): Promise<void> => {
      const { epoch } = world.move(belonging[to])
      await world.facadeParts.claim(entity, key(), to, epoch)
    }
    /** Aurora fails at a statement, as where its invocation dies. */
    const dies = async (sql: string, at?: Date): Promise<void> => {
      world.move(belonging.aurora)
      world.sync.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException', sql, times: 1 })
      expect((await post(at && { at })).status).toBe(500)
    }
    const rows = async () => {
      const [found] = await world.sync.aurora.legacy.query<RowDataPacket[]>(kind.count, [name])
      return Number(found[0]?.n)
    }
    const given = ({ status, body, headers: { location, etag } }: Answer) => ({
      status,
      body,
      location,
      etag,
    })

    it('is finished by its repeat at DynamoDB, and answered the same from then on', async () => {
      await dies('SET answer')
      await moved('dynamo')
      const answer = await post()
      expect(answer).toMatchObject({
        ...{ status: 201, side: 'dynamo', body: { version: 1 }, headers: { 'idempotency-replayed': 'true' } },
      })
      expect((await post({ title: 'two' })).status).toBe(422)
      await world.send('PUT', `${path}/${key()}`, { body: kind.body(name, 'two') })
      expect(given(await post())).toEqual(given(answer))
      await moved('aurora')
      expect(given(await post())).toEqual(given(answer))
      expect(await rows()).toBe(1)
    })

    it('is told to be in progress, where what is there is another’s by now', async () => {
      await dies('SET answer')
      await world.send('PUT', `${path}/${key()}`, { body: kind.body(name, 'two') })
      await moved('dynamo')
      for (const _ of ['twice', 'so'])
        expect(await post()).toMatchObject({
          status: 409,
          body: { type: problem('idempotency-in-progress') },
        })
      expect((await post({ title: 'three' })).body.type).toBe(problem('idempotency-key-reused'))
    })

    it('is in progress for no longer than anybody can be at work on it', async () => {
      await dies('SET answer', new Date(Date.now() - 2 * MINUTE))
      await world.send('PUT', `${path}/${key()}`, { body: kind.body(name, 'two') })
      await moved('dynamo')
      const answer = await post()
      // A key of the client's own may be anybody's; what has a derived one is what this request has made.
      if (entity.identity.kind === 'natural')
        expect(answer).toMatchObject({ status: 409, body: { type: problem('exists') } })
      else expect(answer).toMatchObject({ status: 201, body: { [entity.keyName]: key() } })
      expect(given(await post())).toEqual(given(answer))
    })

    it('is made at DynamoDB, where its row was not written, and then known at Aurora as well', async () => {
      await dies(`INSERT INTO \`${entity.table}\``)
      world.move(belonging.dynamo)
      const answer = await post()
      expect(answer).toMatchObject({ status: 201, side: 'dynamo' })
      expect(answer.headers).not.toHaveProperty('idempotency-replayed')
      await moved('aurora')
      expect(given(await post())).toEqual(given(answer))
      expect((await post({ title: 'two' })).status).toBe(422)
      expect(given(await post())).toEqual(given(answer))
      expect(await rows()).toBe(1)
    })

    it('since it was refused, is made at DynamoDB, also with another body, and known at Aurora', async () => {
      world.move(belonging.aurora)
      const read = onceOf('zero')
      const { db } = world.sync.aurora
      await records.insert(db, { ...read, entityKey: key(), createdMs: Date.now() })
      await records.release(db, read.id, key())
      world.move(belonging.dynamo)
      const answer = await post()
      expect(answer).toMatchObject({ status: 201, side: 'dynamo' })
      await moved('aurora')
      expect(given(await post())).toEqual(given(answer))
      expect((await post({ title: 'zero' })).status).toBe(422)
      expect(given(await post())).toEqual(given(answer))
      expect(await rows()).toBe(1)
    })
  },
)

describe('a create with an Idempotency-Key', () => {
  let world: FacadeWorld
  beforeAll(async () => {
    world = await openFacadeWorld()
  })
  afterAll(() => world.close())

  it.each(KINDS)(
    'is not said to be made at Aurora of $name, whose place is kept for DynamoDB',
    async (kind) => {
      const { entity, path } = kind
      const [once, name] = [randomUUID(), `n-${randomUUID().slice(0, 12)}`]
      const headers = { 'idempotency-key': once }
      const request = { method: 'POST', path, segments: [], query: {}, headers, body: undefined }
      const id = readOnce(request, { entity: entity.name, body: null })?.id ?? ''
      const key = entity.identity.kind === 'natural' ? name : derivedKey(id, 0)
      await claim(entity, key, 'dynamo', world.sides, { epoch: world.move({}).epoch })
      const sent = { body: kind.body(name, 'one'), headers }

      expect((await world.sendTo('aurora', 'POST', path, sent)).statusCode).toBe(409)
      expect((await world.sendTo('dynamo', 'POST', path, sent)).statusCode).toBe(201)
      expect(await world.sides.dynamo.read(entity, key)).toMatchObject({ state: 'held' })
    },
  )

  it('is not done again at DynamoDB over the delete of what Aurora has made, nor the other way', async () => {
    for (const [first, second] of [
      ['aurora', 'dynamo'],
      ['dynamo', 'aurora'],
    ] as const) {
      const [code, once] = [`c-${randomUUID().slice(0, 12)}`, randomUUID()]
      const post = () =>
        world.send('POST', '/plates', { body: { code, title: 'one' }, headers: { 'idempotency-key': once } })
      world.move(belonging[first])
      const made = await post()
      expect((await world.send('DELETE', `/plates/${code}`)).status).toBe(204)
      const { epoch } = world.move(belonging[second])
      await world.facadeParts.claim(plate, code, second, epoch)
      expect(await post()).toMatchObject({ status: 201, side: second, body: made.body })
      expect((await world.record(plate, code))[second]).toMatch(/v2 deleted$/)
    }
  })

  it.each(
    KINDS.filter(({ entity }) => entity.identity.kind !== 'natural').flatMap((kind) =>
      (['aurora', 'dynamo'] as const).map((side) => ({ ...kind, side })),
    ),
  )(
    'makes another of $name at $side, where the record of the former is gone, whoever wrote that over since',
    async (kind) => {
      const { entity, path, side } = kind
      const [once, name] = [randomUUID(), `n-${randomUUID().slice(0, 12)}`]
      const headers = { 'idempotency-key': once }
      const request = { method: 'POST', path, segments: [], query: {}, headers, body: undefined }
      const id = readOnce(request, { entity: entity.name, body: null })?.id ?? ''
      const [former, next] = [derivedKey(id, 0), derivedKey(id, 1)]
      const post = () => world.send('POST', path, { body: kind.body(name, 'one'), headers })
      const putOver = () => world.send('PUT', `${path}/${former}`, { body: kind.body(name, 'two') })
      world.move(belonging[side])
      expect((await post()).body[entity.keyName]).toBe(former)
      await world.forget(id)
      expect((await putOver()).status).toBe(200)
      if (side === 'aurora') {
        const sql = `INSERT INTO \`${entity.table}\``
        world.sync.aurora.api.faults.add({ kind: 'error', error: 'ForbiddenException', sql, times: 1 })
        expect((await post()).status).toBe(500)
        expect((await putOver()).status).toBe(200)
      }

      const made = await post()
      expect(made).toMatchObject({ status: 201, side, body: { [entity.keyName]: next, version: 1 } })
      expect((await post()).body).toEqual(made.body)
      expect(await world.record(entity, former)).toMatchObject({ [side]: expect.stringMatching(/two$/) })
    },
  )

  it('of a UUID that was refused at Aurora leaves its key to DynamoDB, where that is by now', async () => {
    const [, kind] = KINDS
    if (kind === undefined) throw new Error('no kind')
    const { entity, path } = kind
    const [once, name] = [randomUUID(), `n-${randomUUID().slice(0, 12)}`]
    const headers = { 'idempotency-key': once }
    const request = { method: 'POST', path, segments: [], query: {}, headers, body: undefined }
    const read = readOnce(request, { entity: entity.name, body: kind.body(name, 'one') })
    if (read === undefined) throw new Error('no key')
    const { id, fingerprint } = read
    const [former, next] = [derivedKey(id, 0), derivedKey(id, 1)]
    const post = (at = new Date()) => world.send('POST', path, { body: kind.body(name, 'one'), headers, at })
    world.move(belonging.aurora)
    await post(new Date(Date.now() - 8 * 24 * 60 * MINUTE))
    await world.forget(id)
    const { db } = world.sync.aurora
    await records.insert(db, { id, fingerprint, entityKey: next, createdMs: Date.now() })
    await records.release(db, id, next)
    const { epoch } = world.move(belonging.dynamo)
    await claim(entity, next, 'dynamo', world.sides, { epoch })

    expect(await post()).toMatchObject({ status: 201, side: 'dynamo', body: { [entity.keyName]: next } })
    expect(await world.record(entity, former)).toMatchObject({ aurora: expect.stringMatching(/^aurora/) })
  })
})
