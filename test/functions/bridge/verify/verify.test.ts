import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { lastVerification } from '../../../../functions/bridge/jobs/verifications.ts'
import { VerifyNotReadyError } from '../../../../functions/bridge/verify/plan.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openTestFills, type TestFills } from '../backfill/harness.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openTestVerify, type TestVerify } from './harness.ts'

const mirrored = mirroredChef()
type Attributes = Record<string, AttributeValue>

describe('verifying an entity', () => {
  let world: World
  let fills: TestFills
  let verify: TestVerify
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [mirrored])
    verify = await openTestVerify(world.sync)
    await installMirror(world.sync.aurora, [mirrored])
  }, 60_000)
  afterAll(async () => {
    await removeMirror(world.sync.aurora, [mirrored])
    await Promise.all([world.close(), fills.close(), verify.close()])
  })
  const made = new Set<string>()
  beforeEach(async () => {
    for (const key of made) await world.sync.remove(mirrored, key)
    made.clear()
    // The triggers keep what DynamoDB owns.
    await sql(
      'UPDATE cheftable SET backsync_owner = NULL, backsync_epoch = 0 WHERE backsync_owner IS NOT NULL',
    )
    await world.sync.aurora.empty()
    await sql('DELETE FROM backsync_changes')
    for (const entity of ['chef', 'chef.conflicts', 'chef.mirror'])
      for (const [key, head] of await world.sync.parts.parking.parkedOf(entity))
        await world.sync.parts.parking.resolve(
          { entity, key },
          {
            upTo: { version: head.version ?? 0n, sequenceNumber: '9'.repeat(40) },
            how: 'applied',
            at: new Date(),
          },
        )
  })

  const sql = (statement: string, values: unknown[] = []) => world.sync.aurora.legacy.query(statement, values)
  /** Rows of plain SQL, and their items as the relay makes them. */
  const both = async (count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_, at) => at + 1)
    await sql('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
      ids.map((id) => [id, `first ${id}`, `last ${id}`]),
    ])
    await fills.fill(mirrored, { from: 'aurora', segments: 2 })
    await sql('DELETE FROM backsync_changes')
    for (const id of ids) made.add(String(id))
    return ids.map(String)
  }
  const change = async (key: string, more: Attributes): Promise<void> => {
    const item = await world.item(mirrored, key)
    made.add(key)
    await world.sync.put(mirrored, { ...(item ?? { chefId: { S: key } }), ...more })
  }

  it('finds nothing where both sides hold the same, and reads no row but for the sums', async () => {
    await both(300)

    const { outcome, kinds, looked } = await verify.verify(mirrored, { segments: 3 })

    expect(outcome).toMatchObject({ done: true, verification: { complete: true, rows: 300, items: 300 } })
    expect(kinds).toEqual([])
    expect(looked).toMatchObject({ items: 300, rows: 300, narrow: 0, strays: 0, look: 0 })
    expect(await lastVerification(mirrored, verify.parts.jobs)).toEqual(outcome.verification)
  })

  it('tells apart what is only at one side, behind, in conflict, of another type, and of nobody', async () => {
    const [only, behind, ahead, conflict, typed, broken, disputed] = await both(200)
    if (!only || !behind || !ahead || !conflict || !typed || !broken || !disputed) throw new Error('too few')
    await world.sync.remove(mirrored, only)
    await change(behind, { version: { N: '9' }, backsync_mirrored: { N: '9' } })
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['changed', ahead])
    await sql('DELETE FROM backsync_changes')
    await change(conflict, { firstName: { S: 'other' } })
    await change(typed, { version: { S: '1' } })
    await change(broken, { firstName: { N: '7' } })
    await change(disputed, { backsync_owner: { S: 'dynamo' } })
    await change('made-here', { firstName: { S: 'a' }, version: { N: '1' } })

    const { outcome, differences } = await verify.verify(mirrored)

    expect(differences.map(({ key, is, fields }) => [key, is, fields])).toEqual([
      ['1', 'onlyAurora', []],
      ['2', 'auroraBehind', []],
      ['3', 'dynamoBehind', ['firstName']],
      ['4', 'conflict', ['firstName']],
      ['5', 'typeOnly', []],
      ['6', 'unreadable', []],
      ['7', 'disputed', []],
      ['made-here', 'onlyDynamo', []],
    ])
    expect(outcome.verification?.differences).toMatchObject({ onlyAurora: 1, conflict: 1, disputed: 1 })
  })

  it('takes a tombstone at one side and nothing at the other one for the same', async () => {
    const [first = '', second = ''] = await both(20)
    await sql('DELETE FROM cheftable WHERE id IN (?, ?)', [first, second])
    await fills.carry(mirrored, [first])
    await world.sync.remove(mirrored, second)
    expect((await world.item(mirrored, first))?.backsync_deleted).toBeDefined()

    expect((await verify.verify(mirrored)).kinds).toEqual([])

    // And what one side has deleted and the other one still holds for none.
    await sql('DELETE FROM cheftable WHERE id = 3')
    await sql('DELETE FROM backsync_changes')
    expect((await verify.verify(mirrored)).kinds).toEqual(['3: onlyDynamo'])
  })

  it('says of a key that is listed that it is', async () => {
    const [first = '', second = ''] = await both(20)
    await change(first, { firstName: { S: 'other' } })
    await change(second, { firstName: { S: 'other' } })
    const parked = { class: 'data' as const, code: 'test', message: 'test', payload: '{}', version: 1n }
    await world.sync.parts.parking.park([{ ...parked, entity: 'chef.mirror', key: first }], new Date())

    const { differences } = await verify.verify(mirrored, {}, { undelivered: async () => new Set([second]) })

    expect(differences.map(({ key, is, relation }) => [key, is, relation])).toEqual([
      ['1', 'parked', 'conflict'],
      ['2', 'undelivered', 'conflict'],
    ])
  })

  it('says of a claim that stopped half way that the key is moving', async () => {
    const [key = ''] = await both(5)
    const moving = { owner: 'dynamo', epoch: 5n } as const
    await world.sides.aurora.release(mirrored, key, moving, { was: 0n })
    await sql('DELETE FROM backsync_changes')

    expect((await verify.verify(mirrored)).kinds).toEqual(['1: moving'])
  })

  it('raises no alarm for what is on its way, and finds what the log has forgotten', async () => {
    const [late = '', lost = ''] = await both(50)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['lost', lost])
    await sql('DELETE FROM backsync_changes')
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['late', late])
    let waited = 0

    const { kinds } = await verify.verify(
      mirrored,
      {},
      {
        lag: async () => {
          waited += 1
          if (waited === 2) {
            await fills.carry(mirrored, [late])
            await sql('DELETE FROM backsync_changes')
          }
          return 0
        },
      },
    )

    expect(kinds).toEqual(['2: dynamoBehind'])
  })

  it('says nothing of a key that is written whenever it is looked at, as long as it arrives', async () => {
    const [busy = ''] = await both(50)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['0', busy])
    let n = 0

    const { kinds, outcome } = await verify.verify(
      mirrored,
      {},
      {
        lag: async () => {
          await fills.carry(mirrored, [busy])
          n += 1
          await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [String(n), busy])
          return 0
        },
      },
    )

    expect(kinds).toEqual([])
    expect(outcome.verification?.unsettled).toBe(0)
    expect(n).toBeGreaterThan(0)
  })

  it('says of one that is written each time and never arrives that it is not known', async () => {
    const [busy = ''] = await both(50)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['0', busy])
    let n = 0

    const { kinds, outcome } = await verify.verify(
      mirrored,
      {},
      {
        lag: async () => {
          n += 1
          await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', [String(n), busy])
          return 0
        },
      },
    )

    expect(kinds).toEqual(['1: unsettled'])
    expect(outcome.verification).toMatchObject({ unsettled: 1, differences: { dynamoBehind: 0 } })
  })

  it('looks at keys that are named, at a share of them, and at what was written since a time, and notes that it was a part', async () => {
    const keys = await both(120)
    for (const key of keys) await change(key, { firstName: { S: 'other' } })

    const named = await verify.verify(mirrored, { scope: { of: 'keys', keys: ['2', '5', 'none'] } })
    expect(named.kinds).toEqual(['2: conflict', '5: conflict'])
    expect(named.outcome.verification).toMatchObject({ complete: false })

    const share = await verify.verify(mirrored, { scope: { of: 'sample', percent: 25 } })
    expect(share.kinds.length).toBeGreaterThan(10)
    expect(share.kinds.length).toBeLessThan(60)
    expect((await verify.verify(mirrored, { scope: { of: 'sample', percent: 25 } })).kinds).toEqual(
      share.kinds,
    )

    const since = new Date(Date.now() + 3_600_000).toISOString()
    await sql('UPDATE cheftable SET backsync_version = 9, backsync_updated_at = ? WHERE id = 7', [
      '2037-01-01 00:00:00',
    ])
    await change('8', { updatedAt: { S: '2037-01-01T00:00:00.000Z' } })
    for (const key of keys)
      if (key !== '8') await change(key, { updatedAt: { S: '2026-01-01T00:00:00.000Z' } })
    const later = await verify.verify(mirrored, { scope: { of: 'since', since } })
    expect(later.differences.map(({ key }) => key)).toEqual(['7', '8'])
  })

  it('is refused as long as it isn’t known whose the keys are', async () => {
    await sql("DELETE FROM backsync_owners WHERE entity = 'chef'")
    try {
      await expect(verify.verify(mirrored)).rejects.toThrow(VerifyNotReadyError)
    } finally {
      await sql("INSERT INTO backsync_owners (entity) VALUES ('chef')")
    }
  })

  it('leaves out, of an entity that isn’t mirrored, what Aurora owns: nothing carries it over', async () => {
    await sql("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'a', 'b'), (2, 'c', 'd')")
    await world.create(chef, 'dynamo', { firstName: 'Ida', lastName: 'Test' }, 'ida')
    made.add('ida')

    expect((await verify.verify(chef)).kinds).toEqual(['ida: onlyDynamo'])
  })
})
