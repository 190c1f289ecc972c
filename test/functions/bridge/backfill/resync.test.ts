import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader } from 'mysql2'
import { sweepExpired } from '../../../../functions/bridge/aurora/expired-tombstones.ts'
import { planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirroredChef, readLog, readTombstones } from '../aurora/triggers/legacy.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openTestFills, type TestFills } from './harness.ts'

const mirrored = mirroredChef()
const named = (firstName: string) => ({ firstName, lastName: 'T' })

describe('making both stores one again, each key as its owner has it', () => {
  let world: World
  let fills: TestFills
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [mirrored])
    await installMirror(world.sync.aurora, [mirrored])
  }, 60_000)
  afterAll(() => Promise.all([world.close(), fills.close()]))
  const keys = new Set<string>()
  beforeEach(async () => {
    for (const key of keys) await world.sync.remove(mirrored, key)
    keys.clear()
    await truncate()
    await world.sync.aurora.empty()
    await world.sync.aurora.legacy.query('DELETE FROM backsync_changes')
  })

  const legacy = async (statement: string, values: unknown[] = []): Promise<ResultSetHeader> => {
    const [done] = await world.sync.aurora.legacy.query<ResultSetHeader>(statement, values)
    return done
  }
  /** Fires no trigger. */
  const truncate = async (): Promise<void> => {
    await legacy('SET FOREIGN_KEY_CHECKS = 0')
    await legacy('TRUNCATE cheftable')
    await legacy('SET FOREIGN_KEY_CHECKS = 1')
  }
  const insert = async (name: string, id?: number): Promise<string> => {
    const { insertId } = await legacy('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (?, ?, ?)', [
      ...[id ?? null, name],
      'T',
    ])
    keys.add(String(insertId))
    return String(insertId)
  }
  const create = async (key: string, name: string): Promise<string> => {
    keys.add(key)
    await world.create(mirrored, 'dynamo', named(name), key)
    return key
  }
  const fill = (from: 'aurora' | 'dynamo' | 'both', mode: 'backfill' | 'resync' = 'resync') =>
    fills.fill(mirrored, { from, mode })
  const both = async (key: string) => {
    const [aurora, dynamo] = await Promise.all([
      world.sides.aurora.read(mirrored, key),
      world.sides.dynamo.read(mirrored, key),
    ])
    const told = ({ state, owner, version, ...of }: typeof aurora) =>
      [state, owner, String(version), ...('row' in of ? [of.row.firstName] : [])].join(' ')
    return [told(aurora), told(dynamo)]
  }
  const parked = async () => [
    ...(await world.sync.parked('chef')),
    ...(await world.sync.parked('chef.conflicts')),
  ]

  it('brings what each side has of its own, and deletes what the other still has of it', async () => {
    const [kept, truncated] = [await insert('Kept'), await insert('Truncated')]
    const [here, gone] = [await create('here', 'Here'), await create('gone', 'Gone')]
    await fill('both', 'backfill')
    expect(await both(gone)).toEqual(['held dynamo 1 Gone', 'held dynamo 1 Gone'])
    expect(await both(truncated)).toEqual(['held aurora 1 Truncated', 'held aurora 1 Truncated'])
    // Nothing tells of these: neither trigger nor stream.
    await truncate()
    await insert('Kept', Number(kept))
    await world.sync.remove(mirrored, gone)
    const late = await insert('Late', 77)
    const modern = await create('modern', 'Modern')

    const outcome = await fill('both')

    expect(outcome).toMatchObject({ done: true, step: 'gone' })
    expect(await both(here)).toEqual(['held dynamo 1 Here', 'held dynamo 1 Here'])
    expect(await both(modern)).toEqual(['held dynamo 1 Modern', 'held dynamo 1 Modern'])
    expect(await both(late)).toEqual(['held aurora 1 Late', 'held aurora 1 Late'])
    expect(await both(truncated)).toEqual(['deleted aurora 2', 'deleted aurora 2'])
    expect((await both(gone))[1]).toBe('absent dynamo 0')
    expect((await both(kept))[0]).toMatch(/^held aurora \d Kept$/)
    expect(await parked()).toEqual([])
  })

  it('lets nothing come back by what is late: neither a lost record nor a row of the same id', async () => {
    const key = await insert('First')
    await fill('aurora', 'backfill')
    const before = await fills.parts.forward.source.records('chef', [key])
    await truncate()

    expect((await fill('aurora')).gone).toMatchObject({ applied: 1, refused: 0 })
    expect(await both(key)).toEqual(['deleted aurora 2', 'deleted aurora 2'])
    // A relay that had read it before.
    for (const { version, epoch } of before)
      await fills.parts.forward.mirror.sink.applyIsolating('chef', [
        {
          ...{ entity: 'chef', key, version, epoch, op: 'upsert', row: named('First') },
          ...{ source: 'log', at: new Date().toISOString() },
        },
      ])
    expect(await both(key)).toEqual(['deleted aurora 2', 'deleted aurora 2'])

    await insert('Second', Number(key))
    await fill('aurora', 'backfill')
    expect(await both(key)).toEqual(['held aurora 3 Second', 'held aurora 3 Second'])
  })

  it('leaves what is being moved, and what is the other side’s by now', async () => {
    const [moved, half] = [await insert('Moved'), await insert('Half')]
    await fill('aurora', 'backfill')
    await world.claim(mirrored, moved, 'dynamo')
    // Given away in Aurora, and not taken over yet.
    await legacy("UPDATE cheftable SET backsync_owner = 'dynamo', backsync_epoch = 5 WHERE id = ?", [half])
    await truncate()
    await legacy(
      "INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('chef', ?, 0, 'dynamo', 5)",
      [half],
    )

    const { gone } = await fill('aurora')

    expect(gone).toMatchObject({ applied: 0, refused: 0 })
    expect((await both(moved))[1]).toBe('held dynamo 1 Moved')
    expect((await both(half))[1]).toBe('held aurora 1 Half')
  })

  it('brings back what a restored cluster has lost of DynamoDB’s, and nothing that DynamoDB has deleted', async () => {
    const [lost, old, deleted] = [
      await create('lost', 'Lost'),
      await create('old', 'Old'),
      await create('deleted', 'Deleted'),
    ]
    await fill('dynamo', 'backfill')
    for (const name of ['Newer', 'Newest']) await world.replace(mirrored, 'dynamo', old, named(name))
    await world.remove(mirrored, 'dynamo', deleted)
    // The backup is from before all of this, and the stream of since is over.
    await removeMirror(world.sync.aurora, [mirrored])
    await legacy("DELETE FROM backsync_tombstones WHERE entity = 'chef'")
    await truncate()
    await legacy(
      `INSERT INTO cheftable (cheffirst, cheflast, backsync_key, backsync_owner) VALUES ('Old', 'T', 'old', 'dynamo'), ('Deleted', 'T', 'deleted', 'dynamo')`,
    )
    await installMirror(world.sync.aurora, [mirrored])

    await fill('both')

    expect(await both(lost)).toEqual(['held dynamo 1 Lost', 'held dynamo 1 Lost'])
    expect(await both(old)).toEqual(['held dynamo 3 Newest', 'held dynamo 3 Newest'])
    expect(await both(deleted)).toEqual(['deleted dynamo 2', 'deleted dynamo 2'])
    expect(await parked()).toEqual([])
  })

  it('knows of no delete any more once tombstones have expired on both sides, and brings nothing back', async () => {
    const [modern, own] = [await create('expired', 'Expired'), await insert('Expired')]
    await fill('both', 'backfill')
    await world.remove(mirrored, 'dynamo', modern)
    await legacy('DELETE FROM cheftable WHERE id = ?', [own])
    await fill('aurora')
    expect(await readTombstones(world.sync.aurora)).toEqual([`${own} v2`])
    // Months later: DynamoDB has removed what it had to, and the sweep what it could.
    await world.sync.remove(mirrored, modern)
    const later = new Date(Date.now() + 400 * 24 * 3_600_000)
    await sweepExpired(world.sync.aurora.db, [mirrored], { now: later, mayGoOn: () => true })
    await legacy('DELETE FROM backsync_changes')

    await fill('both')

    expect((await both(modern)).map((one) => one.split(' ')[0])).toEqual(['deleted', 'absent'])
    expect((await both(own)).map((one) => one.split(' ')[0])).not.toContain('held')
    expect(await parked()).toEqual([])
  })

  it('does nothing where both are one already, and is quiet', async () => {
    const own = await insert('Own')
    const modern = await create('own', 'Own')
    await fill('both')
    await legacy('DELETE FROM backsync_changes')
    const before = [await world.item(mirrored, own), await world.item(mirrored, modern)]

    const { items, rows, records, gone } = await fill('both')

    expect([items, rows, records, gone].map(({ applied, refused }) => applied + refused)).toEqual([
      0, 0, 0, 0,
    ])
    expect([await world.item(mirrored, own), await world.item(mirrored, modern)]).toEqual(before)
    expect(await readLog(world.sync.aurora)).toEqual([])
  })

  it('goes on in the step in which it was interrupted', async () => {
    for (let n = 0; n < 3; n++) await create(`step-${n}`, 'Step')
    await insert('Step')
    const stop = new AbortController()
    const begun = await fills.fill(
      mirrored,
      { from: 'both', mode: 'resync' },
      { signal: stop.signal, onProgress: (step) => step === 'rows' && stop.abort() },
    )
    expect(begun).toMatchObject({ done: false, step: 'records' })
    expect(await planBackfill(mirrored, fills.parts, { from: 'both', mode: 'resync' })).toMatchObject({
      todo: 'go on',
      step: 'records',
    })

    const rest = await fills.fill(mirrored, { from: 'both', mode: 'resync', again: false })
    expect(rest).toMatchObject({ done: true, step: 'gone', records: { applied: 1 }, items: { applied: 3 } })
  })
})
