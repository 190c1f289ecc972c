import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { FillNotReadyError } from '../../../../functions/bridge/backfill/errors.ts'
import {
  keysToRepair,
  planRepair,
  type Repaired,
  type RepairParts,
  runRepair,
} from '../../../../functions/bridge/backfill/repair.ts'
import { decideFor } from '../../../../functions/bridge/cutover/decide.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openTestVerify, type TestVerify } from '../verify/harness.ts'
import { openTestFills, type TestFills } from './harness.ts'

const mirrored = mirroredChef()

describe('repairing what a verification has found', () => {
  let world: World
  let fills: TestFills
  let verify: TestVerify
  let parts: RepairParts
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [mirrored])
    verify = await openTestVerify(world.sync)
    await installMirror(world.sync.aurora, [mirrored])
    parts = {
      ...fills.parts,
      jobs: verify.parts.jobs,
      decide: (entity, key, winner) =>
        decideFor(entity, key, winner, { sides: world.sides, parking: world.sync.parts.parking }),
    }
  }, 60_000)
  afterAll(async () => {
    await removeMirror(world.sync.aurora, [mirrored])
    await Promise.all([world.close(), fills.close(), verify.close()])
  })
  const made = new Set<string>()
  beforeEach(async () => {
    for (const key of made) await world.sync.remove(mirrored, key)
    made.clear()
    await sql(
      'UPDATE cheftable SET backsync_owner = NULL, backsync_epoch = 0 WHERE backsync_owner IS NOT NULL',
    )
    await world.sync.aurora.empty()
    await sql('DELETE FROM backsync_changes')
  })

  const sql = (statement: string, values: unknown[] = []) => world.sync.aurora.legacy.query(statement, values)
  const rows = async (count: number): Promise<string[]> => {
    const ids = Array.from({ length: count }, (_, at) => at + 1)
    await sql('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES ?', [
      ids.map((id) => [id, `first ${id}`, 'l']),
    ])
    await fills.fill(mirrored, { from: 'aurora' })
    await sql('DELETE FROM backsync_changes')
    for (const id of ids) made.add(String(id))
    return ids.map(String)
  }
  /** DynamoDB's own, as the stream has brought it. */
  const own = async (key: string): Promise<void> => {
    made.add(key)
    await world.create(mirrored, 'dynamo', { firstName: 'Ida', lastName: 'T' }, key)
    await fills.fill(mirrored, { from: 'dynamo' })
  }
  const change = async (key: string, more: Record<string, AttributeValue>): Promise<void> => {
    made.add(key)
    await world.sync.put(mirrored, { ...(await world.item(mirrored, key)), ...more })
  }
  const repair = async (options: Parameters<typeof planRepair>[2] = {}) => {
    const plan = await planRepair(mirrored, parts, options)
    const done: Repaired[] = []
    const outcome = await runRepair(plan, {
      ...parts,
      by: 'test',
      onRepaired: async (one) => void done.push(one),
    })
    return {
      outcome,
      done: done.map(({ looked: { key }, action, outcome: o }) => `${key}: ${action}, ${o}`).toSorted(),
    }
  }

  it('brings what the owner has, or that it has deleted it, whichever side that is; then both are equal', async () => {
    const [absent = '', behind = '', gone = ''] = await rows(30)
    for (const key of ['d-absent', 'd-behind', 'd-gone']) await own(key)
    await world.sync.remove(mirrored, absent)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['changed', behind])
    await sql('DELETE FROM cheftable WHERE id = ?', [gone])
    await change('d-behind', { firstName: { S: 'changed' }, version: { N: '2' } })
    await world.sync.remove(mirrored, 'd-gone')
    await sql(
      "UPDATE cheftable SET backsync_owner = NULL, backsync_version = backsync_version + 1 WHERE backsync_key = 'd-absent'",
    )
    await sql("DELETE FROM cheftable WHERE backsync_key = 'd-absent'")
    await sql("DELETE FROM backsync_tombstones WHERE entity_key = 'd-absent'")
    await sql('DELETE FROM backsync_changes')
    expect((await verify.verify(mirrored)).kinds).toEqual([
      ...['1: onlyAurora', '2: dynamoBehind', '3: onlyDynamo'],
      ...['d-absent: onlyDynamo', 'd-behind: auroraBehind', 'd-gone: onlyAurora'],
    ])

    const { outcome, done } = await repair()

    expect(done).toEqual([
      ...['1: bring, repaired', '2: bring, repaired', '3: bring, repaired'],
      ...['d-absent: bring, repaired', 'd-behind: bring, repaired', 'd-gone: bring, repaired'],
    ])
    expect(outcome).toMatchObject({ done: true, repaired: 6, left: 0, already: 0 })
    expect((await verify.verify(mirrored)).kinds).toEqual([])
    expect((await world.item(mirrored, behind))?.firstName?.S).toBe('changed')
  })

  it.each([
    ['aurora', 'first 1'],
    ['dynamo', 'other'],
  ] as const)('leaves a conflict, unless somebody says that %s is right', async (winner, name) => {
    const [key = ''] = await rows(5)
    await change(key, { firstName: { S: 'other' } })
    expect((await verify.verify(mirrored)).kinds).toEqual(['1: conflict'])

    expect((await repair()).done).toEqual(['1: leave, left'])
    const { done } = await repair({ winner })

    expect(done).toEqual([`1: ${winner === 'aurora' ? 'bring' : 'decide'}, repaired`])
    expect((await world.item(mirrored, key))?.firstName?.S).toBe(name)
    expect(await world.stores.aurora.get(mirrored, key)).toMatchObject({ row: { firstName: name } })
    // The key belongs to whom it did.
    expect(await world.sides.aurora.read(mirrored, key)).toMatchObject({ owner: 'aurora' })
    expect(await world.sides.dynamo.read(mirrored, key)).toMatchObject({ owner: 'aurora' })
    await sql('DELETE FROM backsync_changes')
    expect((await verify.verify(mirrored)).kinds).toEqual([])
  })

  it('does nothing to a key that was written since, and is the same by now', async () => {
    const [key = ''] = await rows(5)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['late', key])
    await sql('DELETE FROM backsync_changes')
    expect((await verify.verify(mirrored)).kinds).toEqual(['1: dynamoBehind'])
    await fills.carry(mirrored, [key])

    const { outcome, done } = await repair()

    expect(done).toEqual([])
    expect(outcome).toMatchObject({ already: 1, repaired: 0, left: 0 })
  })

  it('shows what it would do, with both records, and has done nothing', async () => {
    const [key = ''] = await rows(5)
    await sql('UPDATE cheftable SET cheffirst = ? WHERE id = ?', ['late', key])
    await sql('DELETE FROM backsync_changes')

    const plan = await planRepair(mirrored, parts, { keys: [key, '2'] })
    const shown: unknown[] = []
    for await (const { keys } of keysToRepair(plan, parts))
      shown.push(
        ...keys.map(({ looked, action, owner }) => [looked.key, action, owner, looked.aurora, looked.dynamo]),
      )

    expect(shown).toMatchObject([
      [key, 'bring', 'aurora', { row: { firstName: 'late' } }, { row: { firstName: 'first 1' } }],
    ])
    expect((await world.item(mirrored, key))?.firstName?.S).toBe('first 1')
  })

  it('is refused as long as no verification of all keys tells which differ', async () => {
    const later = await openTestVerify(world.sync)
    try {
      await expect(planRepair(mirrored, later.parts, {})).rejects.toThrow(FillNotReadyError)
    } finally {
      await later.close()
    }
  })
})
