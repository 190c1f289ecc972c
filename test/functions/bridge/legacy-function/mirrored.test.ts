import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { CallUnderWayError } from '../../../../functions/bridge/ports/claim-errors.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { calling, openTrays, type TrayWorld } from './mirrored-play.ts'

describe('trays that a function writes, and the mirror follows', () => {
  let world: TrayWorld
  let key: string
  beforeAll(async () => {
    world = await openTrays('counted')
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    key = randomUUID()
    for (const table of ['changes', 'calls']) await query(`DELETE FROM backsync_${table}`)
  })

  const query = async (sql: string, ...values: string[]): Promise<RowDataPacket[]> =>
    (await world.legacy.query<RowDataPacket[]>(sql, values))[0]
  const rowOf = (title: string) => ({ title, length: new DecimalText('3') })
  /** As if the time of all calls were over. */
  const later = () => query('UPDATE backsync_calls SET until = until - INTERVAL 60 SECOND')
  const log = async () =>
    (await query('SELECT op, entity_key FROM backsync_changes ORDER BY id')).map(
      ({ op, entity_key: of }) => `${op} ${of}`,
    )
  const idOf = async (title: string) =>
    String((await query('SELECT id FROM trays WHERE title = ?', title))[0]?.id)
  /** What the stream has of the key. */
  const record = async () => world.recordOf(world.tray, key, undefined, await world.item(world.tray, key))
  const titleAt = async (side: 'aurora' | 'dynamo', of = key) => {
    const found = await world.sides[side].read(world.tray, of)
    return found.state === 'held' ? found.row.title : found.state
  }

  it('are let be in what it is called for, of keys of DynamoDB’s; whatever else writes them is refused', async () => {
    await world.create(world.tray, 'dynamo', rowOf('Oak'), key)
    await world.sync.deliver(await record())
    expect(await titleAt('aurora')).toBe('Oak')
    expect(await log()).toEqual([])
    await expect(query("UPDATE trays SET title = 'Ash' WHERE title = 'Oak'")).rejects.toMatchObject({
      errno: 1644,
      message: expect.stringContaining('backsync: not-the-owner'),
    })
    await world.replace(world.tray, 'dynamo', key, rowOf('Elm'))
    await world.sync.deliver(await record())
    expect([await titleAt('aurora'), await log()]).toEqual(['Elm', []])
    await world.remove(world.tray, 'dynamo', key)
    await world.sync.deliver(await record())
    expect([await titleAt('aurora'), await log()]).toEqual(['deleted', []])
  })

  it('have no key but their own, while it may be theirs; a row that nobody names in time has its id for one, until then', async () => {
    await world.create(world.tray, 'dynamo', rowOf('Fir'), key)
    await calling({ fates: ['dies within'] }, async () =>
      expect(world.sync.deliver(await record())).rejects.toThrow(),
    )
    const id = await idOf('Fir')
    expect((await world.carry()).again).toBeGreaterThan(0)
    expect(await world.item(world.tray, id)).toBeUndefined()
    await expect(world.claim(world.tray, id, 'dynamo')).rejects.toBeInstanceOf(CallUnderWayError)

    await later()
    await world.carry()
    expect(await titleAt('dynamo', id)).toBe('Fir')
    // It was done, as `done` would tell by now.
    await query('UPDATE trays SET length = 3 WHERE id = ?', id)
    await world.carry()
    await world.sync.deliver(await record())
    expect(
      (await query('SELECT legacy_id AS id FROM backsync_records WHERE entity_key = ?', key))[0],
    ).toEqual({ id })
    await world.carry()
    expect([await titleAt('dynamo', id), await log()]).toEqual(['deleted', []])
  })

  it('are carried over as they are once a call has ended, with what others have written meanwhile, at the version that was answered', async () => {
    const made = await world.create(world.tray, 'aurora', rowOf('Yew'), key)
    await world.carry()
    expect(await titleAt('dynamo')).toBe('Yew')
    const seen: unknown[] = []
    const changed = await calling(
      {
        turn: async () => {
          await query("UPDATE trays SET length = 9 WHERE title = 'Yew'")
          seen.push((await world.carry()).rows)
        },
      },
      () => world.replace(world.tray, 'aurora', key, rowOf('Box')),
    )
    expect([made?.version, changed?.version, seen]).toEqual([1n, 2n, [0, 0, 0]])
    await world.carry()
    expect(await titleAt('dynamo')).toBe('Box')
    expect(await world.sides.dynamo.read(world.tray, key)).toMatchObject({ version: 2n })
    expect(await log()).toEqual([])
  })

  it('are carried over as any where plain SQL makes, changes and deletes them', async () => {
    await query("INSERT INTO trays (title, length) VALUES ('Gum', 1)")
    const id = await idOf('Gum')
    await world.carry()
    expect(await titleAt('dynamo', id)).toBe('Gum')
    await query("UPDATE trays SET title = 'Bay' WHERE id = ?", id)
    await world.carry()
    expect(await titleAt('dynamo', id)).toBe('Bay')
    await query('DELETE FROM trays WHERE id = ?', id)
    await world.carry()
    expect([await titleAt('dynamo', id), await log()]).toEqual(['deleted', []])
  })

  it('are not the caller’s any more once DynamoDB owns them: what is written under Aurora’s call is refused', async () => {
    await world.create(world.tray, 'aurora', rowOf('Ivy'), key)
    await world.carry()
    let turns = 0
    const writing = calling(
      {
        turn: async () => {
          turns += 1
          if (turns === 1)
            await expect(world.claim(world.tray, key, 'dynamo')).rejects.toThrow(CallUnderWayError)
        },
      },
      () => world.replace(world.tray, 'aurora', key, rowOf('Fig')),
    )
    await expect(writing).rejects.toMatchObject({ code: 'owner.other' })
    await world.claim(world.tray, key, 'dynamo')
    expect([await titleAt('aurora'), await titleAt('dynamo')]).toEqual(['Ivy', 'Ivy'])
  })

  it('would be refused what they are written with for DynamoDB, where the triggers knew of no call', async () => {
    const { tray, sync } = world
    const { legacyFunction: _, ...plain } = tray
    await world.create(tray, 'dynamo', rowOf('Nut'), key)
    await sync.deliver(await record())
    await removeMirror(sync.aurora, [tray])
    await installMirror(sync.aurora, [plain])
    try {
      await world.replace(tray, 'dynamo', key, rowOf('Lime'))
      await sync.deliver(await record())
      expect(await titleAt('aurora')).toBe('Nut')
      expect(await sync.parked('tray')).toEqual([[key, 'dependency', 'legacy-function.not-the-owner']])
    } finally {
      await removeMirror(sync.aurora, [plain])
      await installMirror(sync.aurora, [tray])
    }
  })
})
