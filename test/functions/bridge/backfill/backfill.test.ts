import { randomUUID } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { UnsettledPageError } from '../../../../functions/bridge/backfill/apply-items.ts'
import { runBackfill } from '../../../../functions/bridge/backfill/backfill.ts'
import { type BackfillParts, planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from '../sync/harness.ts'
import { openTestFills, type TestFills } from './harness.ts'

type Attributes = Record<string, AttributeValue>

const AT = '2026-11-20T10:00:00.123Z'
const person = (version: number, firstName = 'Ida', more: Attributes = {}): Attributes => ({
  firstName: { S: firstName },
  lastName: { S: 'Test' },
  version: { N: String(version) },
  updatedAt: { S: AT },
  ...more,
})

describe('filling Aurora with the items of an entity', () => {
  let sync: TestSync
  let fills: TestFills
  let parts: BackfillParts
  beforeAll(async () => {
    sync = await openTestSync([chef, recipe], { chef: 'Chefs', recipe: 'Recipes' })
    fills = await openTestFills(sync, [chef, recipe])
    parts = fills.parts
  }, 60_000)
  afterAll(() => Promise.all([sync.close(), fills.close()]))
  const made: (readonly [Entity, string])[] = []
  beforeEach(async () => {
    for (const [entity, key] of made.splice(0)) await sync.remove(entity, key)
    await sync.aurora.empty()
  })

  const put = async (entity: Entity, key: string, attributes: Attributes): Promise<string> => {
    made.push([entity, key])
    await sync.put(entity, { [entity.keyName]: { S: key }, ...attributes })
    return key
  }
  const fill = async (
    entity: Entity = chef,
    more: Partial<Parameters<typeof runBackfill>[1]> = {},
    options: Parameters<typeof planBackfill>[2] = { again: true },
  ) => runBackfill(await planBackfill(entity, parts, options), { ...parts, by: 'test', ...more })
  /** Key, version, name and owner of each row of a chef. */
  const rows = async (): Promise<unknown[]> => {
    const [found] = await sync.aurora.legacy.query<RowDataPacket[]>(
      `SELECT COALESCE(backsync_key, id) AS k, backsync_version AS v, cheffirst AS name, backsync_owner AS owner
         FROM cheftable ORDER BY backsync_key`,
    )
    return found.map(({ k, v, name, owner }) => [k, Number(v), name, owner])
  }
  /** What the stream brings of a write. */
  const stream = (key: string, newImage: Attributes | undefined, oldImage?: Attributes) => {
    const keyed = (image: Attributes) => ({ chefId: { S: key }, ...image })
    const record = streamRecord({
      table: 'Chefs',
      eventName: newImage === undefined ? 'REMOVE' : oldImage === undefined ? 'INSERT' : 'MODIFY',
      ...(newImage && { newImage: keyed(newImage) }),
      ...(oldImage && { oldImage: keyed(oldImage) }),
    })
    return sync.deliver({ ...record, dynamodb: { ...record.dynamodb, Keys: { chefId: { S: key } } } })
  }

  it('writes what no stream has told of, at its own version, as DynamoDB’s', async () => {
    const key = await put(chef, `old-${randomUUID()}`, person(7))

    const { done, items: tally } = await fill()

    expect(done).toBe(true)
    expect(tally).toMatchObject({ items: 1, applied: 1, skipped: 0, refused: 0 })
    expect(await rows()).toEqual([[key, 7, 'Ida', 'dynamo']])
  })

  it('leaves what is held, writes once more what is missing, and says of both how many', async () => {
    const [held, missing] = [await put(chef, 'a-held', person(2)), await put(chef, 'b-missing', person(3))]
    await stream(held, person(2))

    expect((await fill()).items).toMatchObject({ items: 2, applied: 1, skipped: 1, refused: 0 })
    expect(await rows()).toEqual([
      [held, 2, 'Ida', 'dynamo'],
      [missing, 3, 'Ida', 'dynamo'],
    ])
    expect((await fill()).items).toMatchObject({ items: 2, applied: 0, skipped: 2, refused: 0 })
  })

  it('overwrites nothing that the stream brings between the read and the write', async () => {
    const key = await put(chef, `raced-${randomUUID()}`, person(1, 'Sooner'))
    const { sink } = sync.parts
    const overtaken: typeof sink = {
      ...sink,
      names: sink.names,
      isLater: (change) => sink.isLater(change),
      applyIsolating: async (name, changes) => {
        if (changes.some((change) => change.version === 1n)) {
          await put(chef, key, person(2, 'Later'))
          await stream(key, person(2, 'Later'), person(1, 'Sooner'))
        }
        return sink.applyIsolating(name, changes)
      },
    }

    expect((await fill(chef, { mirror: { ...sync.parts, sink: overtaken } })).items).toMatchObject({
      applied: 0,
      refused: 0,
    })
    expect(await rows()).toEqual([[key, 2, 'Later', 'dynamo']])
  })

  it('brings nothing back that is deleted between the read and the write', async () => {
    const key = await put(chef, `deleted-${randomUUID()}`, person(4))
    const { sink } = sync.parts
    const deleted: typeof sink = {
      ...sink,
      names: sink.names,
      isLater: (change) => sink.isLater(change),
      applyIsolating: async (name, changes) => {
        if (changes.some(({ op }) => op === 'upsert')) {
          await sync.remove(chef, key)
          await stream(key, undefined, person(4))
        }
        return sink.applyIsolating(name, changes)
      },
    }

    await fill(chef, { mirror: { ...sync.parts, sink: deleted } })

    expect(await rows()).toEqual([])
    expect(await sync.parked('chef')).toEqual([])
  })

  it('passes over what Aurora owns, and tombstones of keys that never were', async () => {
    await put(
      chef,
      'auroras',
      person(3, 'Hers', { backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '1' } }),
    )
    await put(chef, 'never', { version: { N: '0' }, backsync_deleted: { S: AT }, updatedAt: { S: AT } })

    expect((await fill()).items).toMatchObject({ items: 2, applied: 0, skipped: 2, refused: 0 })
    expect(await rows()).toEqual([])
  })

  it('deletes the row of a key whose item is a tombstone', async () => {
    const key = `gone-${randomUUID()}`
    await stream(key, person(1))
    expect(await rows()).toHaveLength(1)
    await put(chef, key, { version: { N: '2' }, backsync_deleted: { S: AT }, updatedAt: { S: AT } })

    await fill()

    expect(await rows()).toEqual([])
  })

  it('parks what can’t be a row, by name, and fills in all others', async () => {
    for (let n = 0; n < 20; n++) await put(chef, `good-${String(n).padStart(2, '0')}`, person(1))
    const bad = await put(chef, 'bad-name', person(1, 'Ida', { firstName: { N: '7' } }))
    const none = await put(chef, 'bad-version', person(1, 'Ida', { version: { S: 'one' } }))

    const { items: tally } = await fill()

    expect(tally).toMatchObject({ items: 22, applied: 20, refused: 2 })
    expect(await rows()).toHaveLength(20)
    expect(await sync.parked('chef')).toEqual([
      [bad, 'data', 'record.invalid'],
      [none, 'data', 'record.invalid'],
    ])
  })

  it('lets what refers to rows that are not there yet wait, and brings it in with these', async () => {
    const key = await put(chef, `parent-${randomUUID()}`, person(1))
    await put(recipe, 'early', {
      chefId: { S: key },
      title: { S: 'Soup' },
      version: { N: '1' },
      updatedAt: { S: AT },
    })
    expect((await planBackfill(recipe, parts, { again: true })).refersTo).toEqual(['chef'])

    expect((await fill(recipe)).items).toMatchObject({ applied: 0, refused: 1 })
    expect(await sync.parked('recipe')).toEqual([['early', 'dependency', 'parent.missing']])
    await fill(chef)

    expect(await sync.parked('recipe')).toEqual([])
    const [found] = await sync.aurora.legacy.query<RowDataPacket[]>(
      'SELECT backsync_key AS k FROM recipetable',
    )
    expect(found.map(({ k }) => k)).toEqual(['early'])
  })

  it('notes no page of which something could neither be applied nor parked, and goes on with that', async () => {
    const key = await put(chef, `again-${randomUUID()}`, person(1, 'Ida', { firstName: { N: '7' } }))
    const { parking } = sync.parts
    const full: typeof parking = Object.assign(Object.create(parking), {
      park: async () => {
        throw new Error('no capacity')
      },
    })

    await expect(fill(chef, { mirror: { ...sync.parts, parking: full } })).rejects.toThrow(UnsettledPageError)
    expect(await planBackfill(chef, parts)).toMatchObject({ todo: 'go on', segmentsDone: 0 })
    expect((await fill(chef, {}, {})).items).toMatchObject({ items: 1, refused: 1 })
    expect(await sync.parked('chef')).toContainEqual([key, 'data', 'record.invalid'])
    expect(await planBackfill(chef, parts)).toMatchObject({ todo: 'nothing', endedAt: expect.any(String) })
  })

  it('goes on behind whole pages where it was interrupted', async () => {
    for (let n = 0; n < 30; n++) await put(chef, `k${String(n).padStart(2, '0')}`, person(1))
    const stop = new AbortController()
    const first = await fill(
      chef,
      { signal: stop.signal, concurrency: 1, onProgress: () => stop.abort() },
      { again: true, segments: 6 },
    )
    expect(first.done).toBe(false)
    const before = (await rows()).length
    expect(before).toBeLessThan(30)

    const second = await fill(chef, {}, {})

    expect(second).toMatchObject({ done: true, segments: 6, items: { items: 30, applied: 30 } })
    expect(await rows()).toHaveLength(30)
  })

  describe('and deleting what is gone', () => {
    const resync = (more: Partial<Parameters<typeof runBackfill>[1]> = {}) =>
      fill(chef, more, { mode: 'resync', again: true })

    it('takes away rows whose items went without the stream’s telling, and no other one', async () => {
      const [kept, gone] = [await put(chef, 'a-kept', person(1)), `b-gone-${randomUUID()}`]
      await stream(kept, person(1))
      await stream(gone, person(5))
      await sync.aurora.legacy.query(
        "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')",
      )

      const { done, items, rows: looked } = await resync()

      expect(done).toBe(true)
      expect(items).toMatchObject({ items: 1, applied: 0, skipped: 1 })
      expect(looked).toMatchObject({ items: 3, applied: 1, skipped: 2, refused: 0 })
      expect((await rows()).map((row) => [row].flat(2)[2])).toEqual(['Auguste', 'Ida'])
      // It can't come back by what is older.
      await stream(gone, person(5))
      expect(await rows()).toHaveLength(2)
      await put(chef, gone, person(7, 'Anew'))
      await stream(gone, person(7, 'Anew'))
      expect(await rows()).toContainEqual([gone, 7, 'Anew', 'dynamo'])
    })

    it('leaves keys that were moved: half a move has no item yet', async () => {
      const key = `moving-${randomUUID()}`
      await stream(key, person(1))
      await sync.aurora.legacy.query('UPDATE cheftable SET backsync_epoch = 2 WHERE backsync_key = ?', [key])

      expect((await resync()).rows).toMatchObject({ items: 1, applied: 0, skipped: 1 })
      expect(await rows()).toEqual([[key, 1, 'Ida', 'dynamo']])
    })

    it('leaves a key that is written anew between the look and the delete', async () => {
      const key = `anew-${randomUUID()}`
      await stream(key, person(2))
      const { source } = sync.parts
      const late: typeof source = {
        current: async (subject, at) => {
          const found = await source.current(subject, at)
          if (found.some(({ op }) => op === 'delete')) {
            await put(chef, key, person(3, 'Anew'))
            await stream(key, person(3, 'Anew'))
          }
          return found
        },
        lift: (...of) => source.lift?.(...of) ?? Promise.resolve('kept'),
      }

      await resync({ mirror: { ...sync.parts, source: late } })
      // What the delete has met was lifted, and comes as any other write.
      for (const { item } of sync.takeLifted()) await stream(key, item, person(3, 'Anew'))

      expect((await rows()).map((row) => [row].flat(2).slice(0, 3))).toEqual([
        [key, expect.any(Number), 'Anew'],
      ])
      expect(await sync.parked('chef')).not.toContainEqual([key, expect.anything(), expect.anything()])
    })

    it('goes over more rows than a page has, and goes on among them where it was interrupted', async () => {
      const many = Array.from({ length: 2_300 }, (_, n) => [
        `many-${String(n).padStart(4, '0')}`,
        ...['Ida', 'Test', 1, 'dynamo'],
      ])
      await sync.aurora.legacy.query(
        'INSERT INTO cheftable (backsync_key, cheffirst, cheflast, backsync_version, backsync_owner) VALUES ?',
        [many],
      )
      const stop = new AbortController()
      const first = await resync({
        signal: stop.signal,
        onProgress: (step) => step === 'rows' && stop.abort(),
      })
      expect(first).toMatchObject({ done: false, step: 'rows', rows: { items: 1_000, applied: 1_000 } })
      expect(await planBackfill(chef, parts, { mode: 'resync' })).toMatchObject({
        todo: 'go on',
        step: 'rows',
      })

      const second = await fill(chef, {}, { mode: 'resync' })

      expect(second).toMatchObject({ done: true, rows: { items: 2_300, applied: 2_300 } })
      expect(await rows()).toEqual([])
    })
  })
})
