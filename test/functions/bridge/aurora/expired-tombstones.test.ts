import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import { endExpired, turnOf } from '../../../../functions/bridge/aurora/expired-tombstones.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'

const DAY = 24 * 3600 * 1000
const NOW = new Date('2027-06-01T00:00:00.000Z')
/** So many days before now. */
const daysAgo = (days: number): string => new Date(NOW.getTime() - days * DAY).toISOString()

describe('tombstones of Aurora', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora()
  })
  afterAll(() => aurora.close())
  beforeEach(() => aurora.empty())

  const deleted = (key: string, at: string, version = 5n): Change => ({
    ...{ entity: 'chef', key, source: 'stream', at },
    ...{ op: 'delete', version },
  })
  const bury = (...changes: readonly Change[]) => aurora.writer.apply(chef, changes, 'dynamo')
  const left = async (): Promise<readonly string[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(
      'SELECT entity_key AS k FROM backsync_tombstones ORDER BY entity_key',
    )
    return rows.map(({ k }) => String(k))
  }
  const remove = (entity = chef, from = '') => endExpired(aurora.db, entity, from, NOW)

  it('end once nothing can come any more that they would have to refuse, and not before', async () => {
    await bury(deleted('old', daysAgo(98)), deleted('young', daysAgo(96)))

    expect(await remove()).toBe(1)
    expect(await left()).toEqual(['young'])
  })

  it('end as late as their entity says', async () => {
    await bury(deleted('old', daysAgo(38)), deleted('young', daysAgo(36)))
    expect(await remove({ ...chef, tombstoneDays: 30 })).toBe(1)
    expect(await left()).toEqual(['young'])
  })

  it('stay of other entities, and before the key from which it begins', async () => {
    await bury(deleted('a', daysAgo(100)), deleted('b', daysAgo(100)))
    await aurora.legacy.query(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at) VALUES ('dish', 'c', 1, '2020-01-01')",
    )
    expect(await remove(chef, 'b')).toBe(1)
    expect(await left()).toEqual(['a', 'c'])
  })

  it('stay of keys that have changed hands, where DynamoDB keeps its own; and where no delete was ever', async () => {
    await bury(deleted('moved', daysAgo(100)), deleted('stays', daysAgo(100)))
    await aurora.legacy.query("UPDATE backsync_tombstones SET epoch = 2 WHERE entity_key = 'moved'")
    await aurora.legacy.query(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('chef', 'never', 0, 'dynamo', 0)",
    )
    await remove()
    expect(await left()).toEqual(['moved', 'never'])
    await remove({ ...chef, tombstones: 'item' })
    expect(await left()).toEqual(['never'])
  })

  it('end a bounded number at a time', async () => {
    await bury(
      ...Array.from({ length: 250 }, (_, at) => deleted(`k${String(at).padStart(3, '0')}`, daysAgo(100))),
    )
    expect([await remove(), await remove(), await remove()]).toEqual([200, 50, 0])
  })

  it('end by the deletes that come: one in so many looks at some, always the same one', async () => {
    const keys = Array.from({ length: 400 }, (_, at) => `chef-${at}`)
    const turns = keys.filter((key) => turnOf([deleted(key, daysAgo(0))]) === key)
    expect(turns.length).toBeGreaterThan(1)
    expect(turns.length).toBeLessThan(40)
    const [turn = '', later = ''] = turns.toSorted()
    const other = keys.find((key) => !turns.includes(key)) ?? ''
    const sink = new AuroraSink([chef], aurora)
    await bury(deleted(later, '2020-01-01T00:00:00.000Z', 1n))

    await sink.applyIsolating('chef', [deleted(other, daysAgo(0))])
    expect(await left()).toContain(later)
    await sink.applyIsolating('chef', [deleted(turn, daysAgo(0))])
    expect(await left()).toEqual([turn, other].toSorted())
  })

  it('fail no change where they can not be ended now: it is applied, and the next turn comes', async () => {
    const turn = Array.from({ length: 400 }, (_, at) => `chef-${at}`).find(
      (key) => turnOf([deleted(key, daysAgo(0))]) === key,
    )
    aurora.api.faults.add({
      kind: 'error',
      error: 'ServiceUnavailableError',
      message: 'Not now.',
      sql: 'SELECT d.entity_key AS k',
    })
    const outcome = await new AuroraSink([chef], aurora).applyIsolating('chef', [
      deleted(turn ?? '', daysAgo(0)),
    ])
    aurora.api.faults.clear()

    expect(outcome).toMatchObject({ refused: [] })
    expect(await left()).toContain(turn)
  })
})
