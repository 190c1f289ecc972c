import { afterEach, describe, expect, it } from '@jest/globals'
import { until } from '../../../support/until.ts'
import { testWhateverIsWritten } from './reshape-suite.ts'
import { withoutTombstones } from './reshape-tampering.ts'
import { openWorld, type World, type WorldOptions } from './reshape-world.ts'
import { type Job, jobs } from './simulated-reshape.ts'

const HOUR = 3_600_000

const open: World[] = []
afterEach(async () => {
  for (const world of open.splice(0)) await world.close()
})
const inWorld = async (job: Job, more?: WorldOptions): Promise<World> => {
  const world = await openWorld(job, more)
  open.push(world)
  return world
}
const bareOfTombstones: WorldOptions = {
  tamper: (client, kept) => withoutTombstones(client, kept.config.TOMBSTONES_TABLE),
}

describe('with every kind of job', () => {
  testWhateverIsWritten({ usual: 3, options: () => ({}) })
})

describe("what can't be projected", () => {
  it('stays parked when its record comes once more', async () => {
    const world = await inWorld(jobs.renaming)
    await world.put('a')
    await world.put('a', { bad: true })
    expect(await world.settle()).toEqual([])
  })
})

/** Goes on until a page has been read whose write waits, beside the read of the next one. */
const readAhead = async ({ scan }: World): Promise<void> => {
  for (let step = 0; step < 20; step++) {
    await scan.step(0, 'pass')
    const both = until('two calls wait', 1_000, () => scan.waiting() >= 2)
    if (await both.then(() => true).catch(() => false)) return
  }
  throw new Error('no page was read while another one waited to be written')
}

/** A page is read, its item deleted, the record of that delivered; then the page is written. */
const writeLate = async (world: World): Promise<readonly string[]> => {
  await world.seed('a', 'b', 'c', 'd')
  await readAhead(world)
  await world.scan.crash()
  for (const id of ['a', 'b', 'c', 'd']) await world.source.remove(id)
  for (let lane = 0; lane < world.source.lanes; lane++) await world.deliver(lane)
  return world.settle()
}

describe('a delete', () => {
  it('stays one, when a page that was read before it is written behind it', async () => {
    expect(await writeLate(await inWorld(jobs.renaming))).toEqual([])
  })

  it('comes back without tombstones', async () => {
    expect(await writeLate(await inWorld(jobs.renaming, bareOfTombstones))).not.toEqual([])
  })
})

describe('a scan of 72 hours', () => {
  /** @param forgetAfter how long tombstones are kept, in seconds */
  const scanSlowly = async (world: World, forgetAfter?: number): Promise<readonly string[]> => {
    const ids = Array.from({ length: 30 }, (_, at) => `item ${at}`)
    await world.seed(...ids)
    // A page is read in the first hour, and written in the last.
    await readAhead(world)
    await world.scan.crash()
    for (let hour = 0; hour < 72; hour++) {
      const at = (offset: number): string => ids[(hour * 7 + offset) % ids.length] ?? ''
      await world.put(`new ${hour}`)
      if (hour < 40) {
        await world.put(at(1))
        await world.source.remove(at(2))
        if (hour % 2 === 0) await world.put(at(2))
      }
      if (hour === 40) for (const id of ids.slice(3)) await world.source.expire(id)
      world.clock.advance(HOUR)
      // The stream is up to 20 hours behind; what it has lost after 24 must not matter.
      if (hour % 20 === 19) for (let lane = 0; lane < world.source.lanes; lane++) await world.deliver(lane)
      await world.forget(forgetAfter)
      if (world.source.trim() > 0) throw new Error('records expired before they were delivered')
      if (hour === 25) await world.scan.crash()
      await world.scan.step(hour, 'pass')
    }
    return world.settle()
  }

  it('ends equal: tombstones outlive it, and records that are gone by then are not missed', async () => {
    expect(await scanSlowly(await inWorld(jobs.renaming))).toEqual([])
  }, 60_000)

  it('would not if tombstones were kept for ten hours', async () => {
    const wrong = await scanSlowly(await inWorld(jobs.renaming), 10 * 3_600)
    expect(wrong).toContainEqual(expect.stringContaining('should not be'))
  }, 60_000)
})
