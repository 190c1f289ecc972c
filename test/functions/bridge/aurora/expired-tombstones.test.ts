import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import { AuroraSink } from '../../../../functions/bridge/aurora/aurora-sink.ts'
import {
  endExpired,
  sweepExpired,
  TombstoneSweep,
} from '../../../../functions/bridge/aurora/expired-tombstones.ts'
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
  const remove = async (entity = chef, behind = '', page?: number) =>
    (await endExpired(aurora.db, entity, behind, NOW, page)).ended

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

  it('stay of other entities, and up to the key behind which it begins', async () => {
    await bury(deleted('a', daysAgo(100)), deleted('b', daysAgo(100)))
    await aurora.legacy.query(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at) VALUES ('dish', 'c', 1, '2020-01-01')",
    )
    expect(await remove(chef, 'a')).toBe(1)
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

  const many = (count: number): Change[] =>
    Array.from({ length: count }, (_, at) => deleted(`k${String(at).padStart(3, '0')}`, daysAgo(100)))

  it('end a bounded number at a time', async () => {
    await bury(...many(25))
    expect([await remove(chef, '', 10), await remove(chef, '', 20), await remove()]).toEqual([10, 15, 0])
  })

  it('say behind which key to go on, also where none has expired', async () => {
    await bury(deleted('a', daysAgo(1)), deleted('b', daysAgo(1)), deleted('c', daysAgo(100)))
    expect(await endExpired(aurora.db, chef, '', NOW, 2)).toEqual({ ended: 0, last: 'b' })
    expect(await endExpired(aurora.db, chef, 'b', NOW, 2)).toEqual({ ended: 1, last: undefined })
  })

  describe('that are swept', () => {
    const sweep = (parts: Partial<Parameters<typeof sweepExpired>[2]> = {}, entities = [chef]) =>
      sweepExpired(aurora.db, entities, { now: NOW, mayGoOn: () => true, ...parts })
    const times = (most: number) => {
      let asked = 0
      return () => asked++ < most
    }

    it.each(['', 'k', 'k007', 'k0075', 'zzz'])('end all of them, wherever it begins: "%s"', async (start) => {
      await bury(...many(15), deleted('young', daysAgo(1)))
      expect(await sweep({ start, page: 4 })).toBe(15)
      expect(await left()).toEqual(['young'])
    })

    it('end of each entity', async () => {
      await bury(...many(3))
      await aurora.legacy.query(
        "INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at) VALUES ('dish', 'c', 1, '2020-01-01')",
      )
      expect(await sweep({ page: 2 }, [chef, { ...chef, name: 'dish' }])).toBe(4)
      expect(await left()).toEqual([])
    })

    it('end a part where the time is up, from where it began', async () => {
      await bury(...many(12))
      expect(await sweep({ start: 'k005', page: 3, mayGoOn: times(1) })).toBe(3)
      expect(await left()).not.toEqual(expect.arrayContaining(['k006', 'k007', 'k008']))
      expect(await sweep({ mayGoOn: times(0) })).toBe(0)
    })

    it('are swept once a day by a process that is asked all the time', async () => {
      const sweeps = new TombstoneSweep(aurora.db, [chef])
      const at = (hours: number) => sweeps.run(new Date(NOW.getTime() + hours * 3_600_000), () => true)
      await bury(...many(2))
      expect(await at(0)).toBe(2)
      await bury(...many(1))
      const before = aurora.calls()
      expect([await at(1), await at(23), aurora.calls() - before]).toEqual([undefined, undefined, 0])
      expect(await at(24)).toBe(1)
    })

    it('are swept by the next call where one has failed', async () => {
      const sweeps = new TombstoneSweep(aurora.db, [chef])
      await bury(...many(1))
      aurora.api.faults.add({
        ...{ kind: 'error', error: 'ServiceUnavailableError', message: 'Not now.' },
        sql: 'SELECT d.entity_key AS k',
      })
      await expect(sweeps.run(NOW, () => true)).rejects.toThrow()
      aurora.api.faults.clear()
      expect(await sweeps.run(NOW, () => true)).toBe(1)
    })

    it('cost a batch with deletes nothing', async () => {
      const sink = new AuroraSink([chef], aurora)
      await sink.applyIsolating('chef', many(400))
      expect(aurora.statements('SELECT d.entity_key AS k')).toBe(sent)
    })
    let sent = 0
    beforeEach(() => {
      sent = aurora.statements('SELECT d.entity_key AS k')
    })
  })
})
