/**
 * Waits for hooks that do not end, most of its time.
 *
 * @waits
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { type Hooks, hooksOf } from '../../../../functions/bridge/model/hooks.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { until } from '../../../support/until.ts'
import { chefItem, chefRecord } from '../../fixtures/recipe-records.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }
const LIMIT = 60_000

type Input = Parameters<NonNullable<Hooks['after']>>[0]
/** What a hook does with the changes that it gets. */
type Doing = (
  input: Pick<Input, 'transaction'> & { readonly changes: readonly { readonly key: string }[] },
) => Promise<void>

const names = ['before', 'after', 'instead.upsert'] as const
/** Writes as the bridge would, where it is in its place. */
const hooksDoing = (name: (typeof names)[number] | 'instead.delete', doing: Doing): Hooks => {
  const timeout = 1
  if (name === 'before' || name === 'after') return { [name]: doing, timeout }
  return {
    timeout,
    instead: {
      upsert: async ({ changes, transaction }) => {
        if (name === 'instead.upsert') await doing({ changes, transaction })
        const made = new Map<string, bigint>()
        for (const { key, legacyId, row } of changes) {
          if (legacyId !== undefined) continue
          const insert = sql`INSERT INTO cheftable (cheffirst, cheflast) VALUES (${row.firstName}, ${row.lastName})`
          made.set(key, (await insert.execute(transaction)).insertId ?? 0n)
        }
        return made
      },
      delete: async ({ changes, transaction }) => {
        if (name === 'instead.delete') await doing({ changes, transaction })
        for (const { legacyId } of changes)
          await sql`DELETE FROM cheftable WHERE id = ${legacyId}`.execute(transaction)
      },
    },
  }
}

describe('code of an entity’s own that does not end', () => {
  let sync: TestSync
  let of = 0
  beforeAll(async () => {
    sync = await openTestSync([chef], { chef: 'Chefs' })
    await sync.aurora.legacy.query('CREATE TABLE noted (note VARCHAR(40))')
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    of += 1
    for (const table of ['cheftable', 'noted', 'backsync_tombstones'])
      await sync.aurora.legacy.query(`DELETE FROM ${table}`)
    for (const head of (await sync.parts.parking.parkedOf('chef')).values())
      await sync.parts.parking.resolve(head, { upTo: head, how: 'applied', at: new Date() })
  })

  const key = (at: number) => `${of}-${at}`
  const places = Array.from({ length: 10 }, (_, at) => at)
  const put = async (at: number, version = 1) => {
    const item = chefItem(key(at), version, `${at} v${version}`)
    await sync.put(chef, item)
    return chefRecord(item)
  }
  const putAll = (some = places, version = 1) => Promise.all(some.map((at) => put(at, version)))
  /** An invocation that has so many ms, with hooks. */
  const partsOf = (write: Hooks, time = 60_000) => {
    const deadline = new Deadline()
    deadline.within(time)
    const entity = { ...chef, write }
    const { aurora } = sync
    const sink = new AuroraSink([entity], {
      writer: new GuardedWriter(aurora.db, deadline, { patience: 1_000 }),
      store: aurora.store,
    })
    return { sink, deadline }
  }
  const versions = async () =>
    new Map(
      await Promise.all(
        places.map(async (at) => [at, (await sync.aurora.store.get(chef, key(at)))?.version] as const),
      ),
    )
  const held = (some: readonly number[], version = 1n) =>
    new Map(places.map((at) => [at, some.includes(at) ? version : undefined]))
  const noted = async () => {
    const [rows] = await sync.aurora.legacy.query<RowDataPacket[]>('SELECT note FROM noted ORDER BY note')
    return rows.map(({ note }) => note)
  }
  const hangingOver =
    (...some: number[]): Doing =>
    async ({ changes }) => {
      if (changes.some((one) => some.some((at) => one.key === key(at)))) await new Promise(() => {})
    }
  const waiting = (...some: number[]) => some.map((at) => [key(at), 'dependency', 'hook.timeout'])

  it.each(names)(
    'over one of a batch, in %s: is found in one delivery, waits by name, and holds up none',
    async (name) => {
      const records = await putAll()
      expect(await sync.deliverWith(partsOf(hooksDoing(name, hangingOver(4))), ...records)).toEqual(nothing)
      expect(await versions()).toEqual(held(places.filter((at) => at !== 4)))
      expect(await sync.parked('chef')).toEqual(waiting(4))

      const heads = [...(await sync.parts.parking.parkedOf('chef')).values()]
      expect(heads[0]?.message).toMatch(/^write\.[\w.]+ of chef has not ended within \d+ ms$/)
      const mended = { ...sync.parts, ...partsOf(hooksDoing(name, async () => {})) }
      expect(await retryParked(mended, 'chef', heads)).toMatchObject([{ outcome: 'applied' }])
      expect(await versions()).toEqual(held(places))
    },
    LIMIT,
  )

  it(
    'over a delete, in instead.delete: likewise',
    async () => {
      const records = await putAll()
      await sync.deliver(...records)
      await Promise.all([3, 4].map((at) => sync.remove(chef, key(at))))
      const deletes = [3, 4].map((at) => {
        const { dynamodb, ...record } = chefRecord(chefItem(key(at), 1, `${at} v1`))
        const { NewImage: OldImage, ...rest } = dynamodb
        return { ...record, eventName: 'REMOVE', dynamodb: { ...rest, OldImage } }
      })
      const parts = partsOf(hooksDoing('instead.delete', hangingOver(4)))
      expect(await sync.deliverWith(parts, ...deletes)).toEqual(nothing)
      expect(await versions()).toEqual(held(places.filter((at) => at !== 3)))
      expect(await sync.parked('chef')).toEqual(waiting(4))
    },
    LIMIT,
  )

  it(
    'over several, or in invocations with little time: after a few deliveries each is applied or waits',
    async () => {
      const records = await putAll()
      let left: readonly unknown[] = records
      let deliveries = 0
      while (left.length > 0 && deliveries < 5) {
        deliveries += 1
        const parts = partsOf(hooksDoing('after', hangingOver(1, 6)), 14_000)
        const { batchItemFailures } = await sync.deliverWith(parts, ...left)
        left = batchItemFailures.length > 0 ? left : []
      }
      expect(deliveries).toBe(1)
      expect((await sync.parked('chef')).length).toBeGreaterThanOrEqual(2)
      const heads = [...(await sync.parts.parking.parkedOf('chef')).values()]
      await retryParked({ ...sync.parts, ...partsOf(hooksDoing('after', hangingOver(1, 6))) }, 'chef', heads)
      expect(await versions()).toEqual(held(places.filter((at) => at !== 1 && at !== 6)))
      expect(await sync.parked('chef')).toEqual(waiting(1, 6))
    },
    LIMIT,
  )

  it(
    'over all of a batch: all of them wait, and the next batch comes through',
    async () => {
      const records = await putAll([1, 2, 3])
      const parts = partsOf(hooksDoing('before', hangingOver(1, 2, 3)))
      expect(await sync.deliverWith(parts, ...records)).toEqual(nothing)
      expect(await sync.parked('chef')).toEqual(waiting(1, 2, 3))
      const next = await putAll([1, 5], 2)
      expect(await sync.deliverWith(partsOf(hooksDoing('before', async () => {})), ...next)).toEqual(nothing)
      expect(await versions()).toEqual(held([1, 5], 2n))
      expect(await sync.parked('chef')).toEqual(waiting(2, 3))
    },
    LIMIT,
  )

  it(
    'in a statement that does not, whose locks stay until it has: each is applied or waits, and nothing comes again',
    async () => {
      const records = await putAll([1, 2])
      const sleeping: Doing = async ({ changes, transaction }) => {
        if (changes.some((one) => one.key === key(2))) await sql`SELECT SLEEP(4)`.execute(transaction)
      }
      const parts = partsOf(hooksDoing('before', sleeping))
      expect(await sync.deliverWith(parts, ...records)).toEqual(nothing)
      const heads = [...(await sync.parts.parking.parkedOf('chef')).values()]
      expect(heads.map((head) => [head.class, head.key])).toContainEqual(['dependency', key(2)])
      const mended = { ...sync.parts, ...partsOf(hooksDoing('before', async () => {})) }
      await until('the locks are let go', 20_000, async () => {
        await retryParked(mended, 'chef', [...(await sync.parts.parking.parkedOf('chef')).values()])
        return (await sync.parked('chef')).length === 0
      })
      expect(await versions()).toEqual(held([1, 2]))
    },
    LIMIT,
  )

  it(
    'and does so after it was given up: nothing of it lands, and the change is applied once',
    async () => {
      const records = await putAll([1, 2])
      const go = Promise.withResolvers<void>()
      const late = Promise.withResolvers<string>()
      const lateOver: Doing = async ({ changes, transaction }) => {
        if (!changes.some((one) => one.key === key(2)) || changes.length > 1) return
        await go.promise
        const write = sql`INSERT INTO noted VALUES ('late')`.execute(transaction)
        await write.then(
          () => late.resolve('written'),
          () => late.resolve('refused'),
        )
      }
      const wish = hooksDoing('after', async (input) => {
        for (const one of input.changes)
          await sql`INSERT INTO noted VALUES (${one.key})`.execute(input.transaction)
        if (input.changes.length > 1) await new Promise(() => {})
        await lateOver(input)
      })
      expect(await sync.deliverWith(partsOf(wish), ...records)).toEqual(nothing)
      go.resolve()
      expect(await late.promise).toBe('refused')
      expect(await noted()).toEqual([key(1)])
      expect(await sync.parked('chef')).toEqual(waiting(2))

      const noting = hooksDoing('after', async ({ changes, transaction }) => {
        for (const one of changes) await sql`INSERT INTO noted VALUES (${one.key})`.execute(transaction)
      })
      // The record comes once more, too.
      expect(await sync.deliverWith(partsOf(noting), ...records)).toEqual(nothing)
      expect(await noted()).toEqual([key(1), key(2)])
      expect(await versions()).toEqual(held([1, 2]))
    },
    LIMIT,
  )

  it('is a client’s own as long as the client waits', async () => {
    const slow = {
      ...chef,
      write: hooksDoing('after', () => new Promise((resolve) => setTimeout(resolve, 1_200))),
    }
    const change = {
      entity: 'chef',
      key: key(1),
      version: 1n,
      source: 'api',
      at: new Date().toISOString(),
    } as const
    const row = { firstName: 'A', lastName: 'B' }
    expect(await sync.aurora.writer.apply(slow, [{ ...change, op: 'upsert', row }])).toMatchObject({
      applied: 1,
    })
  })

  it.each([0, 16, 1.5, -1])('has a timeout of %s: is refused when the definition is loaded', (timeout) => {
    const of = { identity: chef.identity, record: 'row' } as const
    expect(() => hooksOf({ after: async () => {}, timeout }, of)).toThrow(/write\.timeout is a whole number/)
  })
})
