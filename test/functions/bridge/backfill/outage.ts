import fc from 'fast-check'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { sweepExpired } from '../../../../functions/bridge/aurora/expired-tombstones.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import { ClaimConflictError, UndecidedError } from '../../../../functions/bridge/ports/claim-errors.ts'
import type { KeyRecord } from '../../../../functions/bridge/ports/key-records.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openWorld } from '../cutover/world.ts'
import { openTestFills } from './harness.ts'

/* Lives of some keys that are written on both sides, while stream and log carry what they can. */

export const mirrored = mirroredChef()
/** Keys of a run; the former half are born in Aurora, the others in DynamoDB. */
const KEYS = 6
const LATER = 400 * 24 * 3_600_000

export type Step =
  | { readonly do: 'write' | 'delete'; readonly at: number; readonly told: boolean }
  | { readonly do: 'claim'; readonly at: number; readonly to: Owner }
  /** Takes it away where it is, and leaves nothing that would say so. */
  | { readonly do: 'lose'; readonly at: number }
  | { readonly do: 'expire' }

const at = fc.nat(KEYS - 1)
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), at, told: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete'), at, told: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      at,
      to: fc.constantFrom<Owner>('aurora', 'dynamo'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose'), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire') }) },
)

export const contentOf = (record: KeyRecord): unknown =>
  record.state === 'held' ? record.row.firstName : undefined

/**
 * A key that was moved, and whose item has gone without a tombstone: nobody deletes on suspicion what may be half a move, or a
 * restored table. The API answers 503, and `backsync key` says so.
 */
export const isUndecided = (row: KeyRecord, item: KeyRecord): boolean =>
  row.owner === 'dynamo' && row.epoch > 0n && item.state === 'absent'

/** Both sides of one mirrored entity on real servers, and lives of its keys. */
export const openOutage = async () => {
  const world = await openWorld([mirrored], { chef: 'Chefs' })
  const fills = await openTestFills(world.sync, [mirrored])
  await installMirror(world.sync.aurora, [mirrored])
  const legacy = async (statement: string, values: unknown[] = []): Promise<ResultSetHeader> => {
    const [done] = await world.sync.aurora.legacy.query<ResultSetHeader>(statement, values)
    return done
  }

  /** Counts runs and writes: each key, and each content, is there once. */
  let run = 0
  let written = 0

  /** A life of some keys. */
  const live = () => {
    run += 1
    // Between them is room for the ids that rows get which are DynamoDB's.
    const first = run * 1_000
    const keys = Array.from({ length: KEYS }, (_, n) =>
      n < KEYS / 2 ? String(first + n * 100) : `modern-${run}-${n}`,
    )
    const read = (side: Owner, key: string): Promise<KeyRecord> => world.sides[side].read(mirrored, key)
    /** As the two records say it. */
    const ownerOf = async (key: string): Promise<Owner> => {
      const [aurora, dynamo] = await Promise.all([read('aurora', key), read('dynamo', key)])
      const isHere = dynamo.state !== 'absent' || dynamo.epoch > 0n
      const isThere = aurora.state !== 'absent' || aurora.epoch > 0n
      if (isHere && isThere) return dynamo.epoch > aurora.epoch ? dynamo.owner : aurora.owner
      if (isHere) return dynamo.owner
      if (isThere) return aurora.owner
      return keys.indexOf(key) < KEYS / 2 ? 'aurora' : 'dynamo'
    }
    /** Has the other side hear of what becomes of an item, or not. */
    const streamed = async (key: string, told: boolean, work: () => Promise<unknown>): Promise<void> => {
      const before = await world.item(mirrored, key)
      await work()
      const after = await world.item(mirrored, key)
      if (told && before?.version?.N !== after?.version?.N)
        await world.sync.deliver(world.recordOf(mirrored, key, before, after))
    }
    /** Carries what the log tells, or loses it. */
    const carried = async (told: boolean): Promise<void> => {
      const [rows] = await world.sync.aurora.legacy.query<RowDataPacket[]>(
        'SELECT DISTINCT entity_key AS k FROM backsync_changes',
      )
      await legacy('DELETE FROM backsync_changes')
      if (told && rows.length > 0)
        await fills.carry(
          mirrored,
          rows.map(({ k }) => String(k)),
        )
    }
    const write = async (key: string, told: boolean): Promise<void> => {
      written += 1
      const row = { firstName: `write ${written}`, lastName: 'T' }
      if ((await ownerOf(key)) === 'dynamo') {
        const held = await read('dynamo', key)
        await streamed(key, told, () =>
          held.state === 'held'
            ? world.replace(mirrored, 'dynamo', key, row)
            : world.create(mirrored, 'dynamo', row, key),
        )
        return
      }
      const held = await read('aurora', key)
      if (held.state === 'held')
        await legacy(
          'UPDATE cheftable SET cheffirst = ? WHERE COALESCE(backsync_key, CAST(id AS CHAR)) = ?',
          [row.firstName, key],
        )
      else if (/^\d+$/.test(key))
        await legacy('INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (?, ?, ?)', [
          ...[key, row.firstName],
          'T',
        ])
      await carried(told)
    }
    const remove = async (key: string, told: boolean): Promise<void> => {
      const owner = await ownerOf(key)
      if ((await read(owner, key)).state !== 'held') return
      if (owner === 'dynamo') await streamed(key, told, () => world.remove(mirrored, 'dynamo', key))
      else {
        await legacy('DELETE FROM cheftable WHERE COALESCE(backsync_key, CAST(id AS CHAR)) = ?', [key])
        await carried(told)
      }
    }
    const lose = async (key: string): Promise<void> => {
      if ((await ownerOf(key)) === 'dynamo') return world.sync.remove(mirrored, key)
      // As a cascade does it: under no trigger that would leave a tombstone.
      await legacy('DELETE FROM cheftable WHERE COALESCE(backsync_key, CAST(id AS CHAR)) = ?', [key])
      await legacy("DELETE FROM backsync_tombstones WHERE entity = 'chef' AND entity_key = ?", [key])
      await legacy('DELETE FROM backsync_changes')
    }
    const expire = async (): Promise<void> => {
      const now = new Date(Date.now() + LATER)
      await sweepExpired(world.sync.aurora.db, [mirrored], { now, mayGoOn: () => true })
      for (const key of keys) {
        const item = await world.item(mirrored, key)
        if (Number(item?.backsync_expires?.N ?? Number.NaN) * 1_000 < now.getTime())
          await world.sync.remove(mirrored, key)
      }
    }
    const claim = async (key: string, to: Owner): Promise<void> => {
      try {
        await world.claim(mirrored, key, to)
      } catch (error) {
        // What is lost on one side can't be moved before a resync.
        if (!(error instanceof ClaimConflictError || error instanceof UndecidedError)) throw error
      }
      await legacy('DELETE FROM backsync_changes')
    }
    return {
      keys,
      ownerOf,
      read,
      take: async (one: Step): Promise<void> => {
        const key = 'at' in one ? (keys[one.at] ?? '') : ''
        if (one.do === 'expire') await expire()
        else if (one.do === 'claim') await claim(key, one.to)
        else if (one.do === 'lose') await lose(key)
        else if (one.do === 'write') await write(key, one.told)
        else await remove(key, one.told)
      },
    }
  }

  /** Both sides, the log and the stream's lifts, until nothing moves any more. */
  const settle = async (mode: 'backfill' | 'resync'): Promise<void> => {
    for (let round = 0; round < 5; round++) {
      await fills.fill(mirrored, { from: 'both', mode })
      const lifted = world.sync.takeLifted()
      for (const { item } of lifted) {
        const key = item.chefId?.S ?? ''
        await world.sync.deliver(world.recordOf(mirrored, key, undefined, item))
      }
      const [rows] = await world.sync.aurora.legacy.query<RowDataPacket[]>(
        'SELECT DISTINCT entity_key AS k FROM backsync_changes',
      )
      await legacy('DELETE FROM backsync_changes')
      await fills.carry(
        mirrored,
        rows.map(({ k }) => String(k)),
      )
      if (lifted.length === 0 && rows.length === 0) return
    }
  }

  /** Takes a life's keys away on both sides. */
  const clear = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await world.sync.remove(mirrored, key)
    await legacy('SET FOREIGN_KEY_CHECKS = 0')
    await legacy('TRUNCATE cheftable')
    await legacy('SET FOREIGN_KEY_CHECKS = 1')
    await legacy("DELETE FROM backsync_tombstones WHERE entity = 'chef'")
    await legacy('DELETE FROM backsync_changes')
  }
  return {
    world,
    fills,
    legacy,
    live,
    settle,
    clear,
    close: () => Promise.all([world.close(), fills.close()]),
  }
}

export type Outage = Awaited<ReturnType<typeof openOutage>>
