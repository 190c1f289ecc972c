import { fc } from '@fast-check/jest'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { AuroraRecords } from '../../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../../functions/bridge/aurora/aurora-sink.ts'
import type { GuardedWriter } from '../../../../../functions/bridge/aurora/guarded-writer.ts'
import { recordOwners } from '../../../../../functions/bridge/aurora/owners.ts'
import type { Change, Row } from '../../../../../functions/bridge/model/change.ts'
import { BridgeError } from '../../../../../functions/bridge/model/errors.ts'
import { openTestAurora, type TestAurora } from '../../../../support/aurora.ts'
import { runs, times } from '../../../../support/runs.ts'
import { emptyGuests, group, guest, guestTables, table } from './guests.ts'

const AT = '2026-11-22T03:00:00.123Z'
/** No claim of a test is later, so that each change is of its key's owner. */
const EPOCH = 1_000n

describe.each([
  ['counted rows', guest],
  ['counted rows with lists', group],
  ['rows with keys of their own', table],
] as const)('the records of %s', (_, entity) => {
  let aurora: TestAurora
  let records: AuroraRecords

  beforeAll(async () => {
    aurora = await openTestAurora()
    for (const statement of guestTables) await aurora.legacy.query(statement)
    await recordOwners(aurora.db, entity)
    const sink = new AuroraSink([entity], aurora)
    records = new AuroraRecords({ ...aurora, sink, catalogue: aurora.writer.catalogue })
  })
  afterAll(() => aurora.close())
  afterEach(() => aurora.api.faults.clear())

  const rowOf = (key: string, name: string): Row => ({
    ...(entity === table && { code: key }),
    name,
    ...(entity === group && { seats: [{ label: name }, { label: name }] }),
  })
  const changeOf = (key: string, version: number, isDelete: boolean): Change => ({
    ...{ entity: entity.name, key, version: BigInt(version), source: 'stream', at: AT, epoch: EPOCH },
    ...(isDelete ? { op: 'delete' } : { op: 'upsert', row: rowOf(key, `v${version}`) }),
  })
  const keyAt = (at: number): string =>
    at === 3 && entity !== table ? '900' : `01990000-00${at}`.slice(0, 20)

  /** The history of some keys: one write a version, some of them deletes. */
  const history = fc
    .array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
    .map((keys) =>
      keys.flatMap((writes, at) => writes.map((isDelete, of) => changeOf(keyAt(at), of + 1, isDelete))),
    )

  /** What the newest change of each key leaves, whatever came in between. */
  const newest = (changes: readonly Change[]): unknown[] => {
    const last = new Map<string, Change>()
    for (const change of changes)
      if (change.version > (last.get(change.key)?.version ?? 0n)) last.set(change.key, change)
    return [...last.values()]
      .flatMap((change) => (change.op === 'upsert' ? [{ ...change, row: change.row }] : []))
      .map(({ key, version, row }) => ({ key, version, row, updatedAt: AT }))
      .toSorted((a, b) => a.key.localeCompare(b.key))
  }
  const held = async (): Promise<unknown[]> => {
    const { items } = await aurora.store.list(entity, { limit: 100, position: undefined })
    return items.filter(({ row }) => row.name !== 'legacy').toSorted((a, b) => a.key.localeCompare(b.key))
  }
  /** Rows without a record that the legacy application did not make, and records without a row. */
  const loose = async (): Promise<unknown> => {
    const own = entity === table ? 'r.entity_key = t.code' : 'r.legacy_id = t.id'
    const on = `r.entity = '${entity.name}' AND ${own}`
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(`
      SELECT t.name AS name FROM ${entity.table} AS t LEFT JOIN backsync_records AS r ON ${on}
      WHERE r.entity IS NULL AND t.name <> 'legacy'
      UNION ALL SELECT r.entity_key FROM backsync_records AS r LEFT JOIN ${entity.table} AS t ON ${on}
      WHERE t.name IS NULL`)
    return rows
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
        await emptyGuests(aurora.legacy)
        for (let at = 0; at < deliveries.length; at += size)
          await by.applyIsolating(entity, inOrder(deliveries.slice(at, at + size)))
        expect(await held()).toEqual(newest(changes))
        expect(await loose()).toEqual([])
      },
    )

  it(
    'end in the same state whatever the order, the batches and the repeats',
    async () => {
      await fc.assert(settles(aurora.writer), runs(12, 42))
    },
    times(120_000),
  )

  it(
    'would not without the guard: the same property then fails',
    async () => {
      const { failed } = await fc.check(settles(aurora.writerWithoutGuard()), {
        ...runs(40, 42),
        endOnFailure: true,
      })

      expect(failed).toBe(true)
    },
    times(120_000),
  )

  const fault = fc.oneof(
    fc.record({
      kind: fc.constantFrom('drop-before' as const, 'drop-after' as const, 'throttle' as const),
      times: fc.constant(1),
    }),
    fc.record({
      kind: fc.constantFrom('drop-after' as const),
      operation: fc.constantFrom('CommitTransaction' as const, 'Execute' as const),
      times: fc.constant(1),
    }),
  )

  it(
    'end in the same state when batches of the same keys, claims and the legacy application run at once, and calls are lost',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          history.chain((changes) =>
            fc.tuple(
              fc.constant(changes),
              fc.array(fc.shuffledSubarray(changes, { minLength: changes.length }), {
                minLength: 2,
                maxLength: 3,
              }),
            ),
          ),
          fc.array(fault, { maxLength: 6 }),
          fc.array(fc.nat({ max: 3 }), { maxLength: 4 }),
          async ([changes, lanes], faults, claims) => {
            await emptyGuests(aurora.legacy)
            for (const one of faults) aurora.api.faults.add(one)
            const claim = async (): Promise<void> => {
              for (const [at, key] of claims.entries())
                await again(() =>
                  records.release(
                    entity,
                    keyAt(key),
                    { owner: 'dynamo', epoch: BigInt(at + 1) },
                    { was: BigInt(at) },
                  ),
                )
            }
            const legacy = async (): Promise<void> => {
              for (let at = 0; at < 3; at++) {
                await aurora.legacy.query(
                  `INSERT INTO ${entity.table} (${entity === table ? 'code, ' : ''}name)
                    VALUES (${entity === table ? `'l${at}', ` : ''}'legacy')`,
                )
                const own = entity === table ? `code = 'l${at}'` : 'id = LAST_INSERT_ID()'
                await aurora.legacy.query(`UPDATE ${entity.table} SET name = 'legacy' WHERE ${own}`)
              }
            }
            await Promise.all([
              ...lanes.map(async (lane) => {
                for (let at = 0; at < lane.length; at += 2)
                  await again(() => aurora.writer.applyIsolating(entity, inOrder(lane.slice(at, at + 2))))
              }),
              claim(),
              legacy(),
            ])
            aurora.api.faults.clear()
            expect(await held()).toEqual(newest(changes))
            expect(await loose()).toEqual([])
          },
        ),
        runs(12, 7),
      )
    },
    times(240_000),
  )
})

/** As a source delivers again what has failed. */
const again = async (work: () => Promise<unknown>): Promise<void> => {
  for (let attempt = 1; ; attempt++)
    try {
      await work()
      return
    } catch (error) {
      if (!(error instanceof BridgeError) || error.kind !== 'transient' || attempt === 10) throw error
    }
}
