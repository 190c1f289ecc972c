import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import { FormerRecords } from '../../../../functions/bridge/aurora/former-records.ts'
import { recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { planTakeover } from '../../../../functions/bridge/cutover/takeover.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { recipe } from '../../../fixtures/entities/recipe.ts'
import { writeAsFormerRelease } from '../../fixtures/release-0.2.ts'
import { type FormerStack, openFormerStack } from './takeover-world.ts'

const AT = '2026-11-20T10:00:00.123Z'
const chefItem = (version: number, firstName = 'Ida', at = AT): Item => ({
  firstName: { S: firstName },
  lastName: { S: 'Test' },
  version: { N: String(version) },
  updatedAt: { S: at },
})

describe('an entity from before there were owners', () => {
  let stack: FormerStack
  beforeAll(async () => {
    stack = await openFormerStack([chef, recipe])
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    await stack.empty()
  })

  /** A key whose item and row are as release 0.2 has left them. */
  const synced = async (key: string, version = 1, firstName = 'Ida'): Promise<string> => {
    await stack.put(chef, key, chefItem(version, firstName))
    await former(key, version, firstName)
    return key
  }
  const former = (key: string, version: number, firstName?: string) =>
    writeAsFormerRelease(stack.aurora.legacy, {
      key,
      version: BigInt(version),
      at: AT,
      ...(firstName !== undefined && { row: [firstName, 'Test'] as const }),
    })
  const legacyRow = async (): Promise<string> => {
    const [{ insertId }] = await stack.aurora.legacy.query<ResultSetHeader>(
      "INSERT INTO cheftable (cheffirst, cheflast) VALUES ('Auguste', 'Escoffier')",
    )
    return String(insertId)
  }
  const owners = () => stack.rows(chef, 'COALESCE(backsync_key, id)')
  const written = (key: string, version: bigint, firstName: string): Change => ({
    ...{ entity: 'chef', key, op: 'upsert', version, source: 'api', at: new Date().toISOString() },
    row: { firstName, lastName: 'Test' },
  })

  it('has the rows of its items given to DynamoDB, and no other one; then each side refuses what is the other one’s', async () => {
    const [modern, mine] = [await synced(randomUUID()), await legacyRow()]
    const ofApi = randomUUID()
    await stack.aurora.store.write(chef, written(ofApi, 1n, 'Api'))
    expect(await owners()).toEqual({ [modern]: 'null 0 1', [mine]: 'null 0 1', [ofApi]: 'null 0 1' })

    expect(await stack.take(chef)).toMatchObject({ done: true, tally: { applied: 1 }, refusals: [] })

    expect(await owners()).toEqual({ [modern]: 'dynamo 0 1', [mine]: 'null 0 1', [ofApi]: 'null 0 1' })
    expect(await stack.isKnown(chef)).toBe(true)
    expect(await stack.isKnown(recipe)).toBe(false)
    const wish = (key: string) => ({ ...written(key, 1n, 'Wish'), version: 'next' as const })
    await expect(stack.aurora.store.write(chef, wish(modern))).rejects.toMatchObject({ code: 'owner.other' })
    await expect(stack.aurora.store.write(chef, wish(mine))).resolves.toMatchObject({ version: 2n })
  })

  it('finds a row that 0.2 has made of a key of digits, and one whose own key is digits', async () => {
    const id = await legacyRow()
    await stack.put(chef, id, chefItem(3))
    await former(id, 3, 'Ida')
    await synced('4711')
    await stack.put(chef, '815', chefItem(1))
    await stack.aurora.legacy.query(
      "INSERT INTO cheftable (cheffirst, cheflast, backsync_key) VALUES ('Own', 'Key', '815')",
    )
    const untouched = await legacyRow()

    await stack.take(chef)

    expect(await owners()).toEqual({
      [id]: 'dynamo 0 3',
      4711: 'dynamo 0 1',
      815: 'dynamo 0 1',
      [untouched]: 'null 0 1',
    })
  })

  it('has the tombstone of a key given along whose item was made anew, and no other one', async () => {
    const [anew, gone] = [await synced(randomUUID(), 4), await synced(randomUUID(), 4)]
    await former(anew, 5)
    await former(gone, 5)
    await stack.remove(chef, gone)

    await stack.take(chef)

    expect(await stack.tombstones(chef)).toEqual({ [anew]: 'dynamo 0 5', [gone]: 'null 0 5' })
    const record = await stack.put(chef, anew, chefItem(6))
    await stack.deliver(record)
    expect(await owners()).toEqual({ [anew]: 'dynamo 0 6' })
  })

  it('changes nothing else: no version, no time, nothing that the legacy application’s ON UPDATE would set', async () => {
    await stack.aurora.legacy.query(
      'ALTER TABLE cheftable ADD COLUMN touched TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6)',
    )
    try {
      await synced(randomUUID())
      const content = async () => {
        const [rows] = await stack.aurora.legacy.query(
          'SELECT cheffirst, cheflast, touched, backsync_key, backsync_version, backsync_updated_at FROM cheftable',
        )
        return rows
      }
      const before = await content()

      expect(await stack.take(chef)).toMatchObject({ tally: { applied: 1 } })
      expect(await content()).toEqual(before)
    } finally {
      await stack.aurora.legacy.query('ALTER TABLE cheftable DROP COLUMN touched')
    }
  })

  it('leaves alone what says whose it is, and what belongs to a move', async () => {
    const [claimed, given, moved] = [randomUUID(), randomUUID(), randomUUID()]
    for (const key of [claimed, given, moved]) await synced(key)
    const set = (key: string, owner: string, epoch: number) =>
      stack.aurora.legacy.query(
        'UPDATE cheftable SET backsync_owner = ?, backsync_epoch = ? WHERE backsync_key = ?',
        [owner, epoch, key],
      )
    await set(claimed, 'aurora', 1)
    await stack.put(chef, given, { ...chefItem(1), backsync_owner: { S: 'aurora' } })
    await stack.put(chef, moved, { ...chefItem(1), backsync_epoch: { N: '2' } })

    await stack.take(chef)

    expect(await owners()).toEqual({ [claimed]: 'aurora 1 1', [given]: 'null 0 1', [moved]: 'null 0 1' })
  })

  it('goes on after an interruption behind the last page, and is not known before all of it is done', async () => {
    for (let n = 0; n < 12; n++) await synced(randomUUID())
    const interrupt = new AbortController()
    const first = await stack.take(chef, {
      segments: 1,
      page: 3,
      signal: interrupt.signal,
      onProgress: (items) => items >= 6 && interrupt.abort(),
    })

    expect(first.done).toBe(false)
    expect(await stack.isKnown(chef)).toBe(false)
    const taken = Object.values(await owners()).filter((one) => one.startsWith('dynamo'))
    expect(taken).toHaveLength(first.tally.items)

    const rest = await stack.take(chef, { segments: 5 })
    expect(rest).toMatchObject({ done: true, segments: 1, tally: { applied: 12 } })
    expect(new Set(Object.values(await owners()))).toEqual(new Set(['dynamo 0 1']))
    expect(await stack.isKnown(chef)).toBe(true)
  })

  it('is taken over by one at a time', async () => {
    await synced(randomUUID())
    const outcomes = await Promise.allSettled([stack.take(chef), stack.take(chef), stack.take(chef)])

    const busy = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    for (const error of busy) expect(error).toBeInstanceOf(JobBusyError)
    expect(busy.length).toBeLessThan(3)
    expect(await owners()).toEqual({ [Object.keys(await owners())[0] ?? '']: 'dynamo 0 1' })
  })

  it('of which a row is ahead of its item is taken over, and that is told', async () => {
    const [ahead, even] = [await synced(randomUUID(), 1), await synced(randomUUID(), 2)]
    await former(ahead, 7, 'Restored')

    const { done, tally, refusals } = await stack.take(chef)

    expect([done, tally.refused]).toEqual([true, 1])
    expect(refusals).toEqual([
      { key: { chefId: { S: ahead } }, why: 'the row is at version 7, its item at 1' },
    ])
    expect(await owners()).toEqual({ [ahead]: 'dynamo 0 7', [even]: 'dynamo 0 2' })
  })

  it('is not taken over past an item that names no store as its owner', async () => {
    const key = await synced(randomUUID())
    await stack.put(chef, key, { ...chefItem(1), backsync_owner: { S: 'nobody' } })

    await expect(stack.take(chef, { segments: 1 })).rejects.toThrow(
      `The item of chef ${key} can't be taken over`,
    )
    expect(await stack.isKnown(chef)).toBe(false)
    await stack.put(chef, key, chefItem(1))
    expect(await stack.take(chef)).toMatchObject({ done: true, tally: { applied: 1 } })
  })

  it('has the key of a delete given along that is parked, whose row is still there', async () => {
    const key = await synced(randomUUID())
    await stack.aurora.legacy.query(
      "INSERT INTO recipetable (chef_id, title) SELECT id, 'Soup' FROM cheftable WHERE backsync_key = ?",
      [key],
    )
    await stack.deliver(await stack.remove(chef, key))
    expect(await stack.parked(chef)).toEqual([`${key} row.referenced`])

    await stack.take(chef)
    await stack.aurora.legacy.query('DELETE FROM recipetable')
    await retryParked(stack.mirror, 'chef', [...(await stack.parking.parkedOf('chef')).values()])

    expect(await owners()).toEqual({})
    expect(await stack.parked(chef)).toEqual([])
    expect(await stack.tombstones(chef)).toEqual({ [key]: 'dynamo 0 2' })
  })

  it('loses no delete that DynamoDB had accepted before its items were looked at, and that comes afterwards', async () => {
    const [gone, anew, kept] = [randomUUID(), randomUUID(), randomUUID()]
    for (const key of [gone, anew, kept]) await synced(key, 2)
    const [late, one, other] = [
      await stack.remove(chef, gone),
      await stack.remove(chef, anew),
      await stack.put(chef, kept, chefItem(3, 'Ada')),
    ]
    await stack.take(chef, { rests: true })
    await stack.deliver(late, one, other)
    expect(await owners()).toEqual({ [kept]: 'dynamo 0 3' })
    expect(await stack.tombstones(chef)).toEqual({ [gone]: 'null 0 3', [anew]: 'null 0 3' })

    await stack.deliver(await stack.put(chef, anew, chefItem(4)))
    expect(await owners()).toEqual({ [anew]: 'dynamo 0 4', [kept]: 'dynamo 0 3' })
    expect(await stack.parked(chef)).toEqual([])
  })

  it('has a key made anew that was deleted before anybody said whose it was', async () => {
    const key = await synced(randomUUID(), 2)
    await stack.deliver(await stack.remove(chef, key))
    await stack.take(chef, { rests: true })

    await stack.deliver(await stack.put(chef, key, chefItem(1)))
    // It was put without counting, and lifted above the tombstone.
    await stack.deliver(await stack.put(chef, key, (await stack.item(chef, key)) ?? {}))
    expect(await owners()).toEqual({ [key]: 'dynamo 0 4' })
    expect(await stack.parked(chef)).toEqual([])
  })

  describe('and whose owners are known', () => {
    it('has what DynamoDB accepts of a key of Aurora’s set aside, its deletes as well', async () => {
      await stack.take(chef)
      const key = await legacyRow()
      await stack.deliver(await stack.put(chef, key, chefItem(5)))
      await stack.deliver(await stack.remove(chef, key))

      expect(await owners()).toEqual({ [key]: 'null 0 1' })
      expect(await stack.parked(chef)).toContainEqual(`${key} owner.foreign`)
    })

    it('is not taken over again, but for what is proved to have come from its item', async () => {
      const [late, changed, theirs] = [randomUUID(), randomUUID(), randomUUID()]
      await stack.take(chef)
      // An old function was still running.
      await synced(late)
      await synced(changed)
      await stack.put(chef, changed, chefItem(2, 'Ada', '2026-11-21T10:00:00.000Z'))
      await stack.aurora.store.write(chef, written(theirs, 1n, 'Aurora'))
      await stack.put(chef, theirs, chefItem(1, 'Dynamo'))

      expect(await planned()).toMatchObject({ todo: 'nothing' })
      const { done, tally, refusals } = await stack.take(chef, { again: true })

      expect([done, tally.applied, tally.refused]).toEqual([true, 1, 2])
      expect(refusals.map(({ key }) => key.chefId?.S).sort()).toEqual([changed, theirs].sort())
      expect(await owners()).toEqual({ [late]: 'dynamo 0 1', [changed]: 'null 0 1', [theirs]: 'null 0 1' })
    })

    it('is passed over by a statement of its takeover that comes late', async () => {
      const key = await synced(randomUUID())
      const records = new FormerRecords(stack.aurora.db)
      await recordOwners(stack.aurora.db, chef)
      await former(key, 2)
      await synced(key, 3)

      expect(await records.take(chef, [{ key, version: 3n, at: AT }])).toMatchObject({ taken: 0 })
      expect(await owners()).toEqual({ [key]: 'null 0 3' })
      expect(await stack.tombstones(chef)).toEqual({ [key]: 'null 0 2' })
    })

    it('is taken over anew where the database was made anew', async () => {
      await stack.take(chef)
      await stack.aurora.legacy.query('DELETE FROM backsync_owners')
      const key = await synced(randomUUID())

      expect(await stack.take(chef)).toMatchObject({ done: true })
      expect(await owners()).toEqual({ [key]: 'dynamo 0 1' })
      expect(await stack.isKnown(chef)).toBe(true)
    })

    const planned = () => planTakeover(chef, stack.parts)
  })
})
