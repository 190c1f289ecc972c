import { fc } from '@fast-check/jest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { joinRows, toDocumentRow } from '../../../../functions/bridge/aurora/document.ts'
import type { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { KeyTakenError } from '../../../../functions/bridge/aurora/refusals.ts'
import { insertMissing, updateOlder } from '../../../../functions/bridge/aurora/statements.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { runs, times } from '../../../support/runs.ts'

const KEY = '01990000-0000-7000-8000-000000000001'
const AT = '2026-11-22T03:00:00.123Z'

const upsert = (version: number, firstName: string, key = KEY): Change => ({
  entity: 'chef',
  key,
  op: 'upsert',
  version: BigInt(version),
  source: 'stream',
  at: AT,
  row: { firstName, lastName: 'Test' },
})

const remove = (version: number, key = KEY): Change => ({
  entity: 'chef',
  key,
  op: 'delete',
  version: BigInt(version),
  source: 'stream',
  at: AT,
})

describe('the guarded writer', () => {
  let aurora: TestAurora
  let writer: GuardedWriter

  beforeAll(async () => {
    aurora = await openTestAurora()
    writer = aurora.writer
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.empty()
  })
  afterEach(() => aurora.api.faults.clear())

  const rows = async (): Promise<unknown[]> => {
    const [found] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT COALESCE(backsync_key, CAST(id AS CHAR)) AS k, cheffirst AS f, backsync_version AS v FROM cheftable ORDER BY id',
    )
    return found.map(({ k, f, v }) => [k, f, Number(v)])
  }

  it('inserts, updates and deletes, each by one larger version', async () => {
    expect(await writer.apply(chef, [upsert(1, 'Bobby')])).toEqual({
      applied: 1,
      skipped: 0,
      repeated: false,
    })
    expect(await writer.apply(chef, [upsert(2, 'Robert')])).toEqual({
      applied: 1,
      skipped: 0,
      repeated: false,
    })
    expect(await rows()).toEqual([[KEY, 'Robert', 2]])
    expect(await writer.apply(chef, [remove(3)])).toEqual({ applied: 1, skipped: 0, repeated: false })
    expect(await rows()).toEqual([])
  })

  it('changes nothing when a change comes twice', async () => {
    await writer.apply(chef, [upsert(1, 'Bobby')])

    expect(await writer.apply(chef, [upsert(1, 'Bobby')])).toEqual({
      applied: 0,
      skipped: 1,
      repeated: false,
    })
    expect(await rows()).toEqual([[KEY, 'Bobby', 1]])
  })

  it('keeps the newer row when an older write arrives late', async () => {
    await writer.apply(chef, [upsert(3, 'New')])

    expect(await writer.apply(chef, [upsert(2, 'Old')])).toEqual({ applied: 0, skipped: 1, repeated: false })
    expect(await writer.apply(chef, [remove(2)])).toEqual({ applied: 0, skipped: 1, repeated: false })
    expect(await rows()).toEqual([[KEY, 'New', 3]])
  })

  it('does not bring a deleted row back when an older write arrives late', async () => {
    await writer.apply(chef, [upsert(1, 'Bobby')])
    await writer.apply(chef, [remove(2)])

    expect(await writer.apply(chef, [upsert(1, 'Bobby')])).toEqual({
      applied: 0,
      skipped: 1,
      repeated: false,
    })
    expect(await rows()).toEqual([])
  })

  it('keeps a deleted key deleted also when the delete comes first of all', async () => {
    await writer.apply(chef, [remove(2)])
    await writer.apply(chef, [upsert(1, 'Bobby')])

    expect(await rows()).toEqual([])
  })

  it('brings a key back by a write that is newer than its delete', async () => {
    await writer.apply(chef, [remove(2)])
    await writer.apply(chef, [upsert(3, 'Again')])

    expect(await rows()).toEqual([[KEY, 'Again', 3]])
  })

  it('stores every character as it came', async () => {
    const names = [
      'Zoë 👩🏽‍🍳 e\u0301',
      "Robert'); DROP TABLE cheftable;-- ",
      '\\"`:p1 \u0000 \n',
      ' leading and trailing ',
      '\u202eRTL',
      'x'.repeat(255),
      '👩'.repeat(255),
    ]
    await writer.apply(
      chef,
      names.map((name, at) => upsert(1, name, `01990000-0000-7000-8000-00000000000${at}`)),
    )

    expect((await rows()).map((row) => (Array.isArray(row) ? row[1] : row))).toEqual(names)
  })

  describe('on legacy-born rows', () => {
    beforeEach(() => aurora.legacy.query("INSERT INTO cheftable VALUES (NULL, 'Julia', 'Child')"))

    it('finds the row by its id and leaves it without a key of its own', async () => {
      expect(await writer.apply(chef, [upsert(2, 'Julie', '1')])).toEqual({
        applied: 1,
        skipped: 0,
        repeated: false,
      })
      const [found] = await aurora.legacy.query('SELECT id, backsync_key, cheffirst FROM cheftable')
      expect(found).toEqual([{ id: '1', backsync_key: null, cheffirst: 'Julie' }])
    })

    it('deletes it, for good', async () => {
      await writer.apply(chef, [remove(2, '1')])
      await writer.apply(chef, [upsert(1, 'Julia', '1')])

      expect(await rows()).toEqual([])
    })

    it('inserts it again under its id by a newer write', async () => {
      await writer.apply(chef, [remove(2, '1')])
      await writer.apply(chef, [upsert(3, 'Julia', '1')])

      expect(await rows()).toEqual([['1', 'Julia', 3]])
    })

    it('refuses an id whose row has a key of its own, and says so', async () => {
      await writer.apply(chef, [upsert(1, 'Bobby')])

      await expect(writer.apply(chef, [upsert(9, 'Thief', '2')])).rejects.toThrow(KeyTakenError)
      expect(await rows()).toEqual([
        ['1', 'Julia', 1],
        [KEY, 'Bobby', 1],
      ])
    })
  })

  it('burns no AUTO_INCREMENT value by updates', async () => {
    await writer.apply(chef, [upsert(1, 'Bobby')])
    for (let version = 2; version < 20; version++) await writer.apply(chef, [upsert(version, `v${version}`)])

    const [{ insertId }] = await aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO cheftable VALUES (NULL, 'Next', 'One')",
    )
    expect(Number(insertId)).toBe(2)
  })

  it('sends a constant number of calls for a batch of any size and mix', async () => {
    const key = (at: number): string => `01990000-0000-7000-8000-${String(at).padStart(12, '0')}`
    await writer.apply(
      chef,
      Array.from({ length: 600 }, (_, at) => upsert(1, 'old', key(at))),
    )
    const mixed = Array.from({ length: 1000 }, (_, at) =>
      at % 3 === 0 ? remove(2, key(at)) : upsert(2, 'new', key(at)),
    )

    const calls = await countCalls(() => writer.apply(chef, mixed))

    expect(calls).toBeLessThanOrEqual(5)
    const [found] = await aurora.legacy.query<RowDataPacket[]>(
      "SELECT COUNT(*) AS n, SUM(cheffirst = 'new') AS fresh FROM cheftable",
    )
    expect([Number(found[0]?.n), Number(found[0]?.fresh)]).toEqual([666, 666])
  })

  it('splits what is larger than a request, and loses nothing of it', async () => {
    const name = '"'.repeat(255)
    const many = Array.from({ length: 6000 }, (_, at) =>
      upsert(1, name, `01990000-0000-7000-8000-${String(at).padStart(12, '0')}`),
    )

    expect(await writer.apply(chef, many)).toEqual({ applied: 6000, skipped: 0, repeated: false })
  })

  const countCalls = async (work: () => Promise<unknown>): Promise<number> => {
    const before = aurora.calls()
    await work()
    return aurora.calls() - before
  }

  it('sets bad changes aside and applies the others', async () => {
    const bad = upsert(1, 'y'.repeat(300), '01990000-0000-7000-8000-00000000000b')
    const good = Array.from({ length: 9 }, (_, at) =>
      upsert(1, 'good', `01990000-0000-7000-8000-00000000000${at}`),
    )

    const outcome = await writer.applyIsolating(chef, [...good.slice(0, 4), bad, ...good.slice(4)])

    expect(outcome.refused).toEqual([{ change: bad, error: expect.objectContaining({ kind: 'data' }) }])
    expect(await rows()).toHaveLength(9)
  })

  it('applies a write whose answer was lost exactly once', async () => {
    aurora.api.faults.add({ kind: 'drop-after', times: 1 })

    expect(await writer.apply(chef, [upsert(1, 'Bobby')])).toMatchObject({ repeated: true })

    expect(await rows()).toEqual([[KEY, 'Bobby', 1]])
  })

  it('waits for a cluster that is resuming', async () => {
    aurora.api.faults.add({ kind: 'resuming', seconds: 1 })

    await writer.apply(chef, [upsert(1, 'Bobby')])

    expect(await rows()).toEqual([[KEY, 'Bobby', 1]])
  })

  it('starts no statement when the invocation is about to end', async () => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'test', getRemainingTimeInMillis: () => 600 })

    // The reserve for the answer is 500 ms; what is left is less than the shortest statement may take.
    await expect(aurora.writerUntil(deadline).apply(chef, [upsert(1, 'Late')])).rejects.toThrow(
      /needs 250 ms/,
    )
    expect(await rows()).toEqual([])
  })

  it('is guarded by each statement itself: one that lands late changes nothing', async () => {
    const stale = joinRows([toDocumentRow(chef, upsert(1, 'Zombie'))])
    await writer.apply(chef, [upsert(2, 'Alive')])

    await updateOlder(chef, stale, 'keys', 'aurora').execute(aurora.db)
    await insertMissing(chef, stale, 'ids', 'aurora').execute(aurora.db)
    expect(await rows()).toEqual([[KEY, 'Alive', 2]])

    await writer.apply(chef, [remove(3)])
    await updateOlder(chef, stale, 'keys', 'aurora').execute(aurora.db)
    await insertMissing(chef, stale, 'ids', 'aurora').execute(aurora.db)
    expect(await rows()).toEqual([])
  })

  /** What the newest change of each key leaves, whatever came in between. */
  const model = (changes: readonly Change[]): unknown[] => {
    const newest = new Map<string, Change>()
    for (const change of changes) {
      const known = newest.get(change.key)
      if (known === undefined || change.version > known.version) newest.set(change.key, change)
    }
    return [...newest.values()]
      .flatMap((change) =>
        change.op === 'upsert' ? [[change.key, change.row.firstName, Number(change.version)]] : [],
      )
      .sort()
  }

  /** The history of some keys: one write a version, some of them deletes. */
  const history = fc
    .array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
    .map((keys) =>
      keys.flatMap((writes, at) => {
        const key = at === 3 ? '900' : `01990000-0000-7000-8000-00000000000${at}`
        return writes.map((isDelete, version) =>
          isDelete ? remove(version + 1, key) : upsert(version + 1, `k${at}v${version + 1}`, key),
        )
      }),
    )

  const empty = async (): Promise<void> => {
    await aurora.legacy.query('DELETE FROM cheftable')
    await aurora.legacy.query('DELETE FROM backsync_tombstones')
  }

  /** A batch has its changes in their source's order. */
  const inOrder = (batch: readonly Change[]): Change[] =>
    batch.toSorted((a, b) => Number(a.version - b.version))

  /** Every change twice, in batches of any size that come in any order: the state is the newest of each key. */
  const settles = (by: GuardedWriter) =>
    fc.asyncProperty(
      history.chain((changes) => {
        const length = changes.length * 2
        const twice = fc.shuffledSubarray([...changes, ...changes], { minLength: length, maxLength: length })
        return fc.tuple(fc.constant(changes), twice, fc.integer({ min: 1, max: 6 }))
      }),
      async ([changes, deliveries, size]) => {
        await empty()
        for (let at = 0; at < deliveries.length; at += size)
          await by.apply(chef, inOrder(deliveries.slice(at, at + size)))
        expect((await rows()).sort()).toEqual(model(changes))
      },
    )

  it(
    'ends in the same state whatever the order, the batches and the repeats',
    async () => {
      await fc.assert(settles(writer), runs(40, { seed: 42, short: 15 }))
    },
    times(60_000),
  )

  it(
    'would not without the guard: the same property then fails',
    async () => {
      const { failed } = await fc.check(settles(aurora.writerWithoutGuard()), {
        ...runs(40, { seed: 42, short: 15 }),
        endOnFailure: true,
      })

      expect(failed).toBe(true)
    },
    times(60_000),
  )

  it(
    'ends in the same state when batches of the same keys run at once',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          history.chain((changes) =>
            fc.tuple(
              fc.constant(changes),
              fc.array(fc.shuffledSubarray(changes, { minLength: changes.length }), {
                minLength: 3,
                maxLength: 4,
              }),
            ),
          ),
          async ([changes, lanes]) => {
            await empty()
            await Promise.all(
              lanes.map(async (lane) => {
                for (let at = 0; at < lane.length; at += 2)
                  await writer.apply(chef, inOrder(lane.slice(at, at + 2)))
              }),
            )
            expect((await rows()).sort()).toEqual(model(changes))
          },
        ),
        runs(30, { seed: 7, short: 10 }),
      )
    },
    times(60_000),
  )
})
