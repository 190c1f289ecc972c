import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { AuroraRecords } from '../../../../functions/bridge/aurora/aurora-records.ts'
import { InvokeError } from '../../../../functions/bridge/drivers/lambda/errors.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import type { LegacyFunctionDefinition } from '../../../../functions/bridge/model/legacy-function.ts'
import { LegacyFunctionError } from '../../../../functions/bridge/model/legacy-function-error.ts'
import { meaningOfApi } from '../../../../functions/bridge/model/legacy-meaning.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { silent } from '../../../support/log.ts'
import { type Opened, openTestFunctions, type TestFunctions } from './harness.ts'
import { AT, isDone, keyOf, platterOf, platterTables, remove, upsert } from './platters.ts'

/** How the tests see an invocation whose answer never comes. */
const unanswered = () =>
  new InvokeError('platters', Object.assign(new Error('no answer'), { name: 'TimeoutError' }))

describe('an entity whose writes a function makes', () => {
  const platter = platterOf()
  let functions: TestFunctions
  let own: Opened
  beforeAll(async () => {
    functions = await openTestFunctions([platter], { platters: { handler: 'platters.handler', timeout: 3 } })
    for (const statement of platterTables) await functions.aurora.legacy.query(statement)
  })
  afterAll(() => functions.close())
  beforeEach(async () => {
    own = functions.open()
    for (const table of [
      'platters',
      'platter_calls',
      'backsync_tombstones',
      'backsync_records',
      'backsync_calls',
    ])
      await functions.aurora.legacy.query(`DELETE FROM ${table}`)
    await functions.aurora.legacy.query('ALTER TABLE platters AUTO_INCREMENT = 1')
  })

  const query = async (sql: string): Promise<RowDataPacket[]> =>
    (await functions.aurora.legacy.query<RowDataPacket[]>(sql))[0]
  const rows = async () =>
    (await query('SELECT title, size, words FROM platters ORDER BY title, id')).map(
      ({ title, size, words }) => [...[title, size, words]],
    )
  const titles = async () => (await rows()).map(([title]) => title)
  /** How often each title was called for. */
  const called = async (title: string) => {
    const found = await query(`SELECT COUNT(*) AS n FROM platter_calls WHERE title = '${title}'`)
    return Number(found[0]?.n)
  }
  /** Keys that are claimed, or were left. */
  const claims = async () =>
    (
      await query('SELECT entity_key AS k, version, until > UTC_TIMESTAMP(3) AS live FROM backsync_calls')
    ).map(({ k, version, live }) => [k, Number(version), Number(live) === 1])
  /** As if so many seconds more had passed since all calls. */
  const later = (seconds: number) =>
    functions.aurora.legacy.query(
      `UPDATE backsync_calls SET until = until - INTERVAL ${seconds} SECOND, since = since - INTERVAL ${seconds} SECOND`,
    )
  const apply = (...changes: Change[]) => own.writer.applyIsolating(platter, changes)
  /** What became of a change that comes with two good ones: the good ones must be applied, whatever it is. */
  const applyAmong = async (change: Change, entity = platter) => {
    const { refused, applied } = await own.writer.applyIsolating(entity, [
      upsert(101, 'Before'),
      change,
      upsert(102, 'Behind'),
    ])
    expect(await titles()).toEqual(expect.arrayContaining(['Before', 'Behind']))
    const [only, ...others] = refused
    expect(others).toEqual([])
    expect(applied).toBe(only === undefined ? 3 : 2)
    const error = only?.error
    return error instanceof LegacyFunctionError
      ? { code: error.code, kind: error.kind, message: error.message, answer: error.evidence }
      : error
  }

  it('is made, replaced and deleted by it, and each version is called for once', async () => {
    const before = functions.invocations()
    expect(await apply(upsert(1, 'Cold meat'), upsert(2, 'Fish'))).toMatchObject({ applied: 2, refused: [] })
    expect(await rows()).toEqual([
      ['Cold meat', 1, 2],
      ['Fish', 2, 1],
    ])
    expect(await own.sink.applyIsolating('platter', [upsert(1, 'Cold meat')])).toMatchObject({
      ...{ applied: 0, skipped: 1, overruled: [] },
    })
    expect(await apply(upsert(1, 'Meat', 3), remove(2, 2))).toMatchObject({ applied: 2, refused: [] })
    expect((await apply(upsert(1, 'Cold', 2))).overruled).toMatchObject([{ held: { version: 3n } }])
    expect(await apply(upsert(2, 'Fish'))).toMatchObject({ applied: 0 })
    expect(await rows()).toEqual([['Meat', 1, 1]])
    expect(await own.store.get(platter, keyOf(1))).toMatchObject({ version: 3n, updatedAt: AT })
    expect(await own.store.get(platter, keyOf(2))).toBeUndefined()
    expect(functions.invocations() - before).toBe(4)
    expect(await claims()).toEqual([])
    expect(await apply(upsert(2, 'Fish', 3))).toMatchObject({ applied: 1 })
    expect(await own.store.get(platter, keyOf(2))).toMatchObject({ version: 3n })
  })

  it('is written from the API, by key and by id, with what the function has made of it', async () => {
    const wish = { entity: 'platter', source: 'api', at: AT } as const
    const row = { title: 'Cold meat', size: new DecimalText('4') }
    const made = await own.store.write(platter, { ...wish, key: keyOf(4), op: 'upsert', version: 1n, row })
    expect(made).toMatchObject({ key: keyOf(4), version: 1n, row: { title: 'Cold meat' } })
    await functions.aurora.legacy.query("INSERT INTO platters (title, size, words) VALUES ('Old', 1, 1)")
    const id = String((await query("SELECT id FROM platters WHERE title = 'Old'"))[0]?.id)

    const changed = await own.store.write(platter, {
      ...{
        ...wish,
        key: id,
        op: 'upsert',
        version: 'next',
        ifMatch: [1n],
        row: { ...row, title: 'Not so old' },
      },
    })
    expect(changed).toMatchObject({ key: id, version: 2n, row: { title: 'Not so old' } })
    expect(await rows()).toEqual([
      ['Cold meat', 4, 2],
      ['Not so old', 4, 3],
    ])
    await own.store.write(platter, { ...wish, key: id, op: 'delete', version: 'next' })
    expect(await titles()).toEqual(['Cold meat'])
    expect(await own.store.get(platter, id)).toBeUndefined()
    expect(await own.store.tombstone(platter, id)).toMatchObject({ version: 3n })
  })

  it.each([
    ['refuse', 422, 'The function has refused it: it answered 422'],
    ['wait', 409, undefined],
    ['throw', 422, undefined],
    ['nonsense', 422, 'The function has refused it: its answer has no statusCode'],
    ['busy', 503, undefined],
  ])('tells a client of %s: %i', async (title, status, detail) => {
    const event = {
      ...{ version: '2.0', rawPath: '/aurora/platters', headers: { 'content-type': 'application/json' } },
      ...{ requestContext: { http: { method: 'POST' } }, body: JSON.stringify({ title, size: 1 }) },
    }
    const at = { entities: [platter], base: 'aurora', now: () => new Date(AT), newKey: () => keyOf(7) }
    const call = normaliseApiEvent(event, at)
    if (call === undefined) throw new Error('no call')
    const answer = await serve(call, own.store, { requestId: 'r', log: silent })

    expect(answer.statusCode).toBe(status)
    const { errors } = JSON.parse(answer.body ?? '')
    expect(errors).toEqual(detail === undefined ? undefined : [{ pointer: '', detail }])
    expect(await own.store.get(platter, keyOf(7))).toBeUndefined()
  })

  it('is called once for a POST that is repeated, which gets the first answer', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'twice' }
    const event = {
      ...{
        version: '2.0',
        rawPath: '/aurora/platters',
        headers,
        requestContext: { http: { method: 'POST' } },
      },
      body: JSON.stringify({ title: 'Once only', size: 1 }),
    }
    const answers = []
    for (const key of [keyOf(7), keyOf(8)]) {
      const at = { entities: [platter], base: 'aurora', now: () => new Date(), newKey: () => key }
      const call = normaliseApiEvent(event, at)
      if (call === undefined) throw new Error('no call')
      answers.push(await serve(call, own.store, { requestId: 'r', log: silent }))
    }

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201])
    expect(answers[1]).toMatchObject({ body: answers[0]?.body, headers: { 'idempotency-replayed': 'true' } })
    expect(await called('Once only')).toBe(1)
    expect(await titles()).toEqual(['Once only'])
  })

  describe('that misbehaves, among good changes', () => {
    it('by throwing: it is called three times, and the change is refused with what was thrown', async () => {
      const refused = await applyAmong(upsert(1, 'throw this'))

      expect(refused).toMatchObject({ code: 'legacy-function.threw', kind: 'data' })
      expect(refused).toMatchObject({ answer: expect.stringContaining("can't have throw this") })
      expect(refused).not.toMatchObject({ message: expect.stringContaining('this') })
      expect(await called('throw this')).toBe(3)
      expect(own.counts()).toEqual({ Called: 3, CallsUnclear: 1 })
    })

    it.each([
      ['by ending its process', 'exit', 'Runtime.ExitError'],
      ['by giving no answer in its time', 'hang', 'Sandbox.Timedout'],
    ])('%s: it is called once, and nobody else calls while it may have an effect', async (_, title, why) => {
      const refused = await applyAmong(upsert(1, title))

      expect(refused).toMatchObject({ code: 'legacy-function.unclear', kind: 'data' })
      expect(refused).toMatchObject({ message: `The function was ended: ${why}` })
      expect(await called(title)).toBe(1)
      expect(await claims()).toEqual([[keyOf(1), 1, true]])
      await expect(apply(upsert(1, 'Better', 2))).rejects.toMatchObject({ code: 'legacy-function.busy' })
      await later(60)
      expect(await apply(upsert(1, 'Better', 2))).toMatchObject({ applied: 1, refused: [] })
    })

    it('by an answer that means nothing: the change is refused with it', async () => {
      expect(await applyAmong(upsert(1, 'nonsense'))).toEqual({
        ...{ code: 'legacy-function.refused', kind: 'data', answer: '["what",7]' },
        message: 'The function has refused it: its answer has no statusCode',
      })
    })

    it('by saying that there is a row which is not: the change is refused, and nothing recorded', async () => {
      expect(await applyAmong(upsert(1, 'nothing'))).toMatchObject({
        code: 'legacy-function.no-row',
        kind: 'data',
      })
      expect(await own.store.get(platter, keyOf(1))).toBeUndefined()
    })

    it('by not saying which row it has made: the change is refused, unless done tells', async () => {
      expect(await applyAmong(upsert(1, 'unnamed'))).toMatchObject({ code: 'legacy-function.no-id' })
      expect(
        await own.writer.applyIsolating(platterOf({ done: isDone }), [upsert(1, 'unnamed')]),
      ).toMatchObject({
        ...{ applied: 1, refused: [] },
      })
      expect(await titles()).toEqual(['Before', 'Behind', 'unnamed'])
      expect(await own.store.get(platter, keyOf(1))).toMatchObject({ version: 1n })
    })

    it('by refusing: the change is refused, and the next version is called for', async () => {
      expect(await applyAmong(upsert(1, 'refuse'))).toMatchObject({
        code: 'legacy-function.refused',
        kind: 'data',
      })
      expect(await claims()).toEqual([])
      expect(await apply(upsert(1, 'Better', 2))).toMatchObject({ applied: 1 })
    })

    it('by waiting: the change waits for something', async () => {
      expect(await applyAmong(upsert(1, 'wait'))).toMatchObject({
        code: 'legacy-function.waits',
        kind: 'dependency',
      })
    })

    it('by being busy for a moment: it is called again, and the change is applied', async () => {
      expect(await applyAmong(upsert(1, 'passing'))).toBeUndefined()
      expect(await called('passing')).toBe(3)
    })

    it('by being busy with this one for ever: the change is refused, since others pass', async () => {
      expect(await applyAmong(upsert(1, 'busy'))).toMatchObject({
        ...{ code: 'legacy-function.unclear', kind: 'data' },
        answer: expect.stringContaining('503'),
      })
    })

    it('by committing half, and throwing then: with done it is applied, once', async () => {
      expect(await applyAmong(upsert(1, 'half done'), platterOf({ done: isDone }))).toBeUndefined()
      expect(await titles()).toEqual(['Before', 'Behind', 'half done'])
      expect(await called('half done')).toBe(1)
      expect(await own.store.get(platter, keyOf(1))).toMatchObject({
        version: 1n,
        row: { title: 'half done' },
      })
    })

    it('by committing half, and throwing then: without done it is refused, and may have been done more than once', async () => {
      expect(await applyAmong(upsert(1, 'half done'))).toMatchObject({ code: 'legacy-function.threw' })
      expect(await titles()).toEqual(['Before', 'Behind', 'half done', 'half done', 'half done'])
      expect(await own.store.get(platter, keyOf(1))).toBeUndefined()
    })

    it('and the definition with it: what throws there is said so, and refused', async () => {
      const broken = new TypeError('no title')
      const fail = (): never => {
        throw broken
      }
      const toEvent = platter.legacyFunction?.toEvent ?? fail
      const failing = platterOf({
        toEvent: (calls) => (calls[0]?.key === keyOf(1) ? fail() : toEvent(calls)),
        meaning: (answer, calls) => (calls[0]?.key === keyOf(102) ? fail() : meaningOfApi(answer, () => 1)),
      })
      const { refused } = await own.writer.applyIsolating(failing, [upsert(1, 'Fish'), upsert(102, 'Meat')])

      expect(refused.map(({ error }) => error)).toMatchObject([
        { code: 'legacy-function.definition', cause: broken },
        { code: 'legacy-function.definition', cause: broken },
      ])
    })
  })

  describe('whose call has no end that is known', () => {
    /** Lambda that runs the function, and whose answer is lost. */
    const losing = (): Opened =>
      functions.open({
        caller: {
          invoke: async (...of) => {
            await functions.caller.invoke(...of)
            throw unanswered()
          },
        },
      })

    it('and is the only one, comes again, and for as long as it may have an effect nobody calls', async () => {
      await expect(losing().writer.applyIsolating(platter, [upsert(1, 'Fish')])).rejects.toMatchObject({
        ...{ code: 'legacy-function.unclear', kind: 'transient' },
      })
      expect(await claims()).toEqual([[keyOf(1), 1, true]])
      await expect(apply(upsert(1, 'Fish'), upsert(2, 'Meat'))).rejects.toMatchObject({
        ...{ code: 'legacy-function.busy', kind: 'transient' },
      })
      expect(await titles()).toEqual(['Fish', 'Meat'])
      expect(await called('Fish')).toBe(1)
    })

    it('is asked about first, once it can have no effect any more: what is done is not done again', async () => {
      const asking = platterOf({ done: isDone })
      await expect(losing().writer.applyIsolating(asking, [upsert(1, 'Fish')])).rejects.toMatchObject({})
      await later(60)

      expect(await own.writer.applyIsolating(asking, [upsert(1, 'Fish')])).toMatchObject({
        applied: 1,
        refused: [],
      })
      expect(await called('Fish')).toBe(1)
      expect(await titles()).toEqual(['Fish'])
      expect(await claims()).toEqual([])
      expect(await own.store.get(platter, keyOf(1))).toMatchObject({ version: 1n })
    })

    it('is made again where nobody can tell, at least once', async () => {
      await expect(losing().writer.applyIsolating(platter, [upsert(1, 'Fish')])).rejects.toMatchObject({})
      await later(60)

      expect(await apply(upsert(1, 'Fish'))).toMatchObject({ applied: 1 })
      expect(await titles()).toEqual(['Fish', 'Fish'])
    })

    it('is asked about also where a later version comes: that replaces what was made', async () => {
      const asking = platterOf({ done: isDone })
      await expect(losing().writer.applyIsolating(asking, [upsert(1, 'Fish')])).rejects.toMatchObject({})
      await later(60)

      expect(await own.writer.applyIsolating(asking, [upsert(1, 'Meat', 2)])).toMatchObject({ applied: 1 })
      expect(await titles()).toEqual(['Meat'])
      expect(await own.store.get(platter, keyOf(1))).toMatchObject({ version: 2n })
      expect(await claims()).toEqual([])
    })

    it('is asked about also where a delete comes: that deletes what was made', async () => {
      const asking = platterOf({ done: isDone })
      await expect(losing().writer.applyIsolating(asking, [upsert(1, 'Fish')])).rejects.toMatchObject({})
      await later(60)

      expect(await own.writer.applyIsolating(asking, [remove(1, 2)])).toMatchObject({ applied: 1 })
      expect(await titles()).toEqual([])
      expect(await claims()).toEqual([])
      expect(await own.store.tombstone(platter, keyOf(1))).toMatchObject({ version: 2n })
    })

    it('is refused alone after a quarter of an hour, so that it holds up nothing behind it', async () => {
      await expect(apply(upsert(1, 'busy'))).rejects.toMatchObject({ kind: 'transient' })
      await expect(apply(upsert(1, 'busy'))).rejects.toMatchObject({ kind: 'transient' })
      await later(15 * 60)

      expect((await apply(upsert(1, 'busy'))).refused).toMatchObject([
        { error: { code: 'legacy-function.unclear', kind: 'data' } },
      ])
    })

    it('answers late, when another one calls already: what it says counts for nothing', async () => {
      let release = (): void => undefined
      const released = new Promise<void>((resolve) => {
        release = resolve
      })
      let second: Promise<unknown> | undefined
      let isCalling = (): void => undefined
      const calling = new Promise<void>((resolve) => {
        isCalling = resolve
      })
      const slow = functions.open({
        caller: {
          invoke: async (...of) => {
            isCalling()
            await released
            return functions.caller.invoke(...of)
          },
        },
      })
      const first = functions.open({
        caller: {
          invoke: async (...of) => {
            const answer = await functions.caller.invoke(...of)
            await later(60)
            second = slow.writer.applyIsolating(platter, [upsert(1, 'Fish')])
            await calling
            return answer
          },
        },
      })

      await expect(first.writer.applyIsolating(platter, [upsert(1, 'Fish')])).rejects.toMatchObject({
        ...{ code: 'legacy-function.busy', kind: 'transient' },
      })
      expect(await claims()).toEqual([[keyOf(1), 1, true]])
      expect(await own.store.get(platter, keyOf(1))).toBeUndefined()
      release()
      expect(await second).toMatchObject({ applied: 1 })
      expect(await own.store.get(platter, keyOf(1))).toMatchObject({ version: 1n })
      expect(await claims()).toEqual([])
    })
  })

  it('is called once where several bring the same at once', async () => {
    const each = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        functions.open().writer.applyIsolating(platter, [upsert(1, 'late 300')]),
      ),
    )

    expect(await called('late 300')).toBe(1)
    const applied = each.map((one) => (one.status === 'fulfilled' ? one.value.applied : one.reason.code))
    expect(applied.filter((one) => one === 1)).toHaveLength(1)
    expect(applied.filter((one) => one !== 1 && one !== 0 && one !== 'legacy-function.busy')).toEqual([])
    expect(await titles()).toEqual(['late 300'])
  })

  it('is not called without time for an answer, and nothing stays claimed', async () => {
    const deadline = new Deadline()
    deadline.within(5_000)
    const hurried = functions.open({ deadline })

    await expect(hurried.writer.applyIsolating(platter, [upsert(1, 'Fish')])).rejects.toMatchObject({
      code: 'deadline.exceeded',
    })
    expect(await claims()).toEqual([])
    expect(await called('Fish')).toBe(0)
  })

  it('fails loudly where it is not there, and nothing stays claimed', async () => {
    const elsewhere = platterOf({}, 'elsewhere')
    await expect(
      own.writer.applyIsolating(elsewhere, [upsert(1, 'Fish'), upsert(2, 'Meat')]),
    ).rejects.toMatchObject({
      ...{ code: 'legacy-function.set-up', kind: 'configuration' },
      message: expect.stringContaining('lambda.ResourceNotFoundException'),
    })
    expect(await claims()).toEqual([])
  })

  it('refuses by name what it has no event for', async () => {
    const inserting = platterOf({
      toEvent: (calls) => (calls[0]?.op === 'create' ? platter.legacyFunction?.toEvent(calls) : undefined),
    })
    await own.writer.applyIsolating(inserting, [upsert(1, 'Fish')])
    const { refused } = await own.writer.applyIsolating(inserting, [upsert(1, 'Meat', 2)])

    expect(refused).toMatchObject([{ error: { code: 'legacy-function.no-event', kind: 'data' } }])
    expect(await titles()).toEqual(['Fish'])
  })

  it("leaves what is the other store's", async () => {
    await apply(upsert(1, 'Fish'))
    await expect(own.writer.apply(platter, [upsert(1, 'Meat', 2)])).rejects.toMatchObject({
      code: 'owner.other',
    })
    expect(await titles()).toEqual(['Fish'])
    expect(await claims()).toEqual([])
  })

  it('is made again where plain SQL has taken its row away, and known by the new one', async () => {
    await apply(upsert(1, 'Fish', 2))
    await functions.aurora.legacy.query('DELETE FROM platters')

    expect(await apply(upsert(1, 'Fish', 2))).toMatchObject({ applied: 1, refused: [] })
    expect(await titles()).toEqual(['Fish'])
    expect(await own.store.get(platter, keyOf(1))).toMatchObject({ key: keyOf(1), version: 2n })
    expect(await claims()).toEqual([])
  })

  it('is not moved while it may be writing', async () => {
    const records = new AuroraRecords({
      ...{ db: functions.aurora.db, store: own.store, sink: own.sink, catalogue: own.writer.catalogue },
    })
    const wish = { entity: 'platter', source: 'api', at: AT } as const
    const row = { title: 'Fish', size: new DecimalText('1') }
    await own.store.write(platter, { ...wish, key: keyOf(1), op: 'upsert', version: 1n, row })
    let moved: unknown
    const moving = functions.open({
      caller: {
        invoke: async (...of) => {
          const to = { owner: 'dynamo', epoch: 1n } as const
          moved = await records.release(platter, keyOf(1), to, { was: 0n }).catch((error: unknown) => error)
          return functions.caller.invoke(...of)
        },
      },
    })

    const changed = {
      ...wish,
      key: keyOf(1),
      op: 'upsert',
      version: 'next',
      row: { ...row, title: 'Meat' },
    } as const
    expect(await moving.store.write(platter, changed)).toMatchObject({ version: 2n, row: { title: 'Meat' } })
    expect(moved).toMatchObject({ code: 'claim.call-under-way', kind: 'transient' })
    const to = { owner: 'dynamo', epoch: 1n } as const
    expect(await records.release(platter, keyOf(1), to, { was: 1n })).toMatchObject({
      ...{ state: 'held', version: 2n, owner: 'dynamo', row: { title: 'Meat' } },
    })
  })

  describe('that takes several at once', () => {
    const asSeveral: Partial<LegacyFunctionDefinition> = {
      batch: 8,
      toEvent: (calls) => ({
        several: calls.map(({ op, legacyId, row }) => ({
          ...{ method: { create: 'POST', replace: 'PUT', delete: 'DELETE' }[op], id: Number(legacyId), row },
        })),
      }),
      meaning: (answer, calls) => {
        const answers: unknown = Reflect.get(Object(answer), 'answers')
        if (!Array.isArray(answers)) return meaningOfApi(answer)
        return calls.map((_, at) => meaningOfApi(answers[at], (body) => Reflect.get(Object(body), 'id')))
      },
    }
    const several = platterOf(asSeveral)

    it('is called for so many, and told of each', async () => {
      const before = functions.invocations()
      const changes = Array.from({ length: 20 }, (_, n) => upsert(n, `Dish ${n}`))

      expect(await own.writer.applyIsolating(several, changes)).toMatchObject({ applied: 20, refused: [] })
      expect(functions.invocations() - before).toBe(3)
      expect(await titles()).toHaveLength(20)
    })

    it('is called in halves for what it has refused as a whole, until only the bad one is left', async () => {
      const changes = Array.from({ length: 8 }, (_, n) => upsert(n, n === 5 ? 'refuse' : `Dish ${n}`))
      const { applied, refused } = await own.writer.applyIsolating(several, changes)

      expect(applied).toBe(7)
      expect(refused).toMatchObject([
        { change: { key: keyOf(5) }, error: { code: 'legacy-function.refused' } },
      ])
      expect(await claims()).toEqual([])
    })

    it('is called in halves where it throws, and each good one is applied once', async () => {
      const asking = platterOf({ ...asSeveral, done: isDone })
      const changes = Array.from({ length: 8 }, (_, n) => upsert(n, n === 3 ? 'throw' : `Dish ${n}`))
      const { applied, refused } = await own.writer.applyIsolating(asking, changes)

      expect(applied).toBe(7)
      expect(refused).toMatchObject([{ change: { key: keyOf(3) }, error: { code: 'legacy-function.threw' } }])
      expect(await titles()).toHaveLength(7)
    })
  })

  it.each([
    [1, 5],
    [25, 5],
    [100, 5],
  ])('costs for %i changes, beside their calls, %i calls of the Data API', async (n, most) => {
    const calls = functions.aurora.calls()
    const before = functions.invocations()
    const changes = Array.from({ length: n }, (_, at) => upsert(at, `Dish ${at}`))

    expect(await apply(...changes)).toMatchObject({ applied: n })
    expect([functions.invocations() - before, functions.aurora.calls() - calls]).toEqual([n, most])
  })
})
