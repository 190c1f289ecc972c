import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { AuroraRecords } from '../../../../functions/bridge/aurora/aurora-records.ts'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import {
  counted,
  createOwnCode,
  emptyOwnCode,
  insertLegacy,
  ownCodes,
} from '../../fixtures/own-code/index.ts'

const AT = '2026-11-22T03:00:00.123Z'
const EPOCH = 1_000n

describe.each(ownCodes)('an entity with code of its own for %s', (_, own) => {
  const { entity, key, row } = own
  let aurora: TestAurora
  let sink: AuroraSink
  let records: AuroraRecords

  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [entity.name] })
    await createOwnCode(aurora.legacy, own)
    sink = new AuroraSink([entity], aurora)
    records = new AuroraRecords({ ...aurora, sink, catalogue: aurora.writer.catalogue })
  })
  afterAll(() => aurora.close())
  beforeEach(() => emptyOwnCode(aurora.legacy, own))

  const upsert = (of: string, version: number, name = `v${version}`): Change => ({
    ...{ entity: entity.name, key: of, version: BigInt(version), source: 'stream', at: AT, epoch: EPOCH },
    op: 'upsert',
    row: row(of, name),
  })
  const remove = (of: string, version: number): Change => ({
    ...{ entity: entity.name, key: of, version: BigInt(version), source: 'stream', at: AT, epoch: EPOCH },
    op: 'delete',
  })
  const apply = (...changes: Change[]) => sink.applyIsolating(entity.name, changes)
  const get = async (of: string) => {
    const stored = await aurora.store.get(entity, of)
    return stored && [stored.version, stored.row.name]
  }
  const list = async () => {
    const { items } = await aurora.store.list(entity, { limit: 50, position: undefined })
    return items.map((one) => [one.key, one.version, one.row.name])
  }
  const undone = () => counted(aurora.legacy, own.undone)
  const witnesses = () =>
    counted(aurora.legacy, "SELECT COUNT(*) AS n FROM backsync_records WHERE entity = '!'")

  it('makes rows, writes over older ones, and leaves those alone that are not', async () => {
    expect(await apply(upsert(key(1), 1), upsert(key(2), 5))).toMatchObject({ applied: 2, refused: [] })
    expect(await apply(upsert(key(1), 2), upsert(key(2), 4), upsert(key(3), 1))).toMatchObject({
      applied: 2,
      skipped: 1,
    })

    expect(await list()).toEqual([
      [key(1), 2n, 'v2'],
      [key(2), 5n, 'v5'],
      [key(3), 1n, 'v1'],
    ])
    expect([await undone(), await witnesses()]).toEqual([0, 0])
  })

  it('takes a repeat for one, and says so', async () => {
    await apply(upsert(key(1), 3))

    expect(await apply(upsert(key(1), 3), upsert(key(2), 1))).toMatchObject({
      applied: 1,
      skipped: 1,
      overruled: [],
    })
    expect([...(await sink.unheld(entity.name, [upsert(key(1), 3)]))]).toEqual([])
    expect([...(await sink.unheld(entity.name, [upsert(key(1), 3, 'other')]))]).toHaveLength(1)
  })

  it('deletes: nobody finds the row, nothing older brings it back, and it is made anew above', async () => {
    await apply(upsert(key(1), 1), upsert(key(2), 1))
    expect(await apply(remove(key(1), 3))).toMatchObject({ applied: 1, refused: [] })

    expect(await list()).toEqual([[key(2), 1n, 'v1']])
    expect(await get(key(1))).toBeUndefined()
    expect(await aurora.store.tombstone(entity, key(1))).toMatchObject({ version: 3n, owner: 'dynamo' })
    expect(await aurora.store.head(entity, key(1))).toBeUndefined()
    if (own.deleted !== undefined) expect(await counted(aurora.legacy, own.deleted)).toBe(1)
    expect(await apply(remove(key(1), 3), upsert(key(2), 1))).toMatchObject({ applied: 0 })
    const late = await apply(upsert(key(1), 2))
    expect([late.applied, late.overruled]).toMatchObject([0, [{ held: { version: 3n, op: 'delete' } }]])
    expect(await get(key(1))).toBeUndefined()

    expect(await apply(upsert(key(1), 4))).toMatchObject({ applied: 1 })
    expect(await get(key(1))).toEqual([4n, 'v4'])
    expect(await apply(remove(key(1), 5))).toMatchObject({ applied: 1 })
    expect(await apply(upsert(key(1), 6))).toMatchObject({ applied: 1 })
    expect((await list()).length).toBe(2)
    expect([await undone(), await witnesses()]).toEqual([0, 0])
  })

  it('works on rows of the legacy application under their own names', async () => {
    await insertLegacy(aurora.legacy, own, 7)
    const [[name] = []] = await list()
    const its = String(name)
    expect(await get(its)).toEqual([1n, 'legacy'])
    const change = (version: number): Change => ({ ...upsert(its, version), source: 'api' })

    await aurora.writer.apply(entity, [change(2)])
    expect(await list()).toEqual([[its, 2n, 'v2']])
    await aurora.writer.apply(entity, [{ ...remove(its, 3), source: 'api' }])
    expect([await list(), await get(its), await aurora.store.head(entity, its)]).toEqual([
      [],
      undefined,
      undefined,
    ])
    await expect(aurora.writer.apply(entity, [change(3)])).resolves.toMatchObject({ applied: 0 })
    expect(await aurora.writer.apply(entity, [change(4)])).toMatchObject({ applied: 1 })
    expect(await list()).toEqual([[its, 4n, 'v4']])
  })

  it('serves the API: a create, a change by its version, a delete, a page', async () => {
    const api = (of: Change): Change => ({ ...of, source: 'api' })
    await aurora.store.write(entity, api(upsert(key(1), 1, 'Ann')))
    await aurora.store.write(entity, api(upsert(key(2), 1, 'Bob')))
    const { version: _, ...wish } = upsert(key(1), 1, 'Eve')
    const made = await aurora.store.write(entity, { ...wish, version: 'next', ifMatch: [1n] })
    expect(made).toMatchObject({ version: 2n, row: { name: 'Eve' } })
    await expect(
      aurora.store.write(entity, { ...wish, version: 'next', ifMatch: [1n] }),
    ).rejects.toMatchObject({ code: 'version.stale' })

    const first = await aurora.store.list(entity, { limit: 1, position: undefined })
    const second = await aurora.store.list(entity, { limit: 1, position: first.next })
    expect([first, second].map(({ items }) => items.map((one) => one.key))).toEqual([[key(1)], [key(2)]])
    const { version: __, ...gone } = remove(key(1), 1)
    expect(await aurora.store.write(entity, { ...gone, version: 'next' })).toBeUndefined()
    expect(await list()).toEqual([[key(2), 1n, 'Bob']])
    const page = await aurora.store.list(entity, { limit: 1, position: undefined })
    expect(page.items.length + (page.next === undefined ? 0 : 1)).toBeGreaterThan(0)
  })

  it('may be claimed, there, deleted and made anew: nothing is written by who is not the owner', async () => {
    await apply(upsert(key(1), 1))
    const toAurora = { owner: 'aurora', epoch: 2_000n } as const
    const last = await records.release(entity, key(1), { owner: 'dynamo', epoch: 1_500n }, { was: EPOCH })
    expect(last).toMatchObject({ state: 'held', row: row(key(1), 'v1') })
    await records.take(entity, { ...last, row: row(key(1), 'taken'), version: 4n, state: 'held' }, toAurora)
    expect(await get(key(1))).toEqual([4n, 'taken'])
    expect(await records.read(entity, key(1))).toMatchObject({ owner: 'aurora', epoch: 2_000n })
    const foreign = await apply(upsert(key(1), 9))
    expect([foreign.applied, await get(key(1))]).toEqual([0, [4n, 'taken']])

    await aurora.writer.apply(entity, [{ ...remove(key(1), 5), source: 'api' }])
    expect(await records.read(entity, key(1))).toMatchObject({ state: 'deleted', owner: 'aurora' })
    expect((await apply(upsert(key(1), 9))).applied).toBe(0)
    expect(await get(key(1))).toBeUndefined()
    await records.release(entity, key(1), { owner: 'dynamo', epoch: 3_000n }, { was: 2_000n })
    expect(await apply({ ...upsert(key(1), 10), epoch: 3_000n })).toMatchObject({ applied: 1 })
    expect(await get(key(1))).toEqual([10n, 'v10'])
  })

  it('sets aside a bad change alone, whatever stands beside it', async () => {
    const bad = upsert(key(3), 1, 'x'.repeat(41))
    const { applied, refused } = await apply(
      upsert(key(1), 1),
      upsert(key(2), 1),
      bad,
      upsert(key(4), 1),
      upsert(key(5), 1),
    )

    expect([applied, refused.map(({ change }) => change.key)]).toEqual([4, [key(3)]])
    expect((await list()).length).toBe(4)
    expect([await undone(), await witnesses()]).toEqual([0, 0])
  })
})
