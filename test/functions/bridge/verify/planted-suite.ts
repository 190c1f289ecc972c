import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { planRepair, type RepairParts, runRepair } from '../../../../functions/bridge/backfill/repair.ts'
import { decideFor } from '../../../../functions/bridge/cutover/decide.ts'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import { JobBusyError, JobChangedError } from '../../../../functions/bridge/jobs/jobs.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { until } from '../../../support/until.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openTestFills, type TestFills } from '../backfill/harness.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openClient } from '../jobs/job-tables.ts'
import { openTestVerify, type TestVerify } from './harness.ts'
import { itemOf, plantDifferences, plantRows, startWriters } from './planted.ts'
import { cuttable, startVerifying } from './verify-child.ts'

const mirrored = mirroredChef()

/**
 * Plants differences of every kind, and has them found and repaired.
 *
 * @param rows so many, most of which agree
 * @param each of ten kinds so many differ
 */
export const findsThePlanted = (rows: number, each: number): void => {
  let world: World
  let fills: TestFills
  let verify: TestVerify
  let parts: RepairParts
  let planted: readonly string[]
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    fills = await openTestFills(world.sync, [mirrored])
    verify = await openTestVerify(world.sync)
    await installMirror(world.sync.aurora, [mirrored])
    await plantRows(world, mirrored, rows)
    planted = await plantDifferences(world, mirrored, { count: rows, each })
    parts = {
      ...fills.parts,
      jobs: verify.parts.jobs,
      decide: (entity, key, winner) =>
        decideFor(entity, key, winner, { sides: world.sides, parking: world.sync.parts.parking }),
    }
  }, 600_000)
  afterAll(async () => {
    await removeMirror(world.sync.aurora, [mirrored])
    await Promise.all([world.close(), fills.close(), verify.close()])
  })
  it('finds each of them by its kind, and nothing else', async () => {
    const writers = startWriters(world, fills, mirrored, { count: rows, planted: each * 10 })
    const { kinds, outcome } = await verify.verify(mirrored, {}, { patience: 300, looks: 8 })
    const written = await writers.stop()

    expect(kinds).toEqual(planted)
    expect(outcome.verification).toMatchObject({ unsettled: 0 })
    expect(written).toBeGreaterThan(10)
  }, 600_000)

  it('goes on behind a kill where it was, and finds the same', async () => {
    const child = startVerifying(world, verify, { maxRate: rows / 4 })
    await until('it has summed up a part of the rows', 60_000, () => /^items \d+$/m.test(child.told()))
    await until('some segments are noted', 60_000, async () => {
      const progress = await verify.parts.jobs.segmentsOf('verify:chef', 'items')
      const done = progress.filter((one) => one.done).length
      return done > 0 && done < progress.length
    })
    child.kill()
    await child.ended
    await expect(verify.verify(mirrored)).rejects.toThrow(JobBusyError)

    const { kinds, looked, plan } = await verify.verify(mirrored, {}, { jobs: verify.later() })

    expect(plan.todo).toBe('go on')
    expect(kinds).toEqual(planted)
    expect(looked.items ?? 0).toBeLessThan(rows)
  }, 600_000)

  it('ends with the error of a store that is down, and goes on once it is there', async () => {
    const down = openClient('http://127.0.0.1:1', 1)
    let pages = 0
    await expect(
      verify.verify(
        mirrored,
        { again: true, segments: 4 },
        {
          onProgress: () => {
            pages += 1
          },
          client: new Proxy(verify.parts.client, {
            get: (client, name) =>
              name === 'send' && pages > 1
                ? down.send.bind(down)
                : (Reflect.get(client, name).bind?.(client) ?? Reflect.get(client, name)),
          }),
        },
      ),
    ).rejects.toThrow(DynamoError)
    down.destroy()

    const { kinds, plan } = await verify.verify(mirrored)

    expect(plan.todo).toBe('go on')
    expect(kinds).toEqual(planted)
  }, 600_000)

  it('ends with the error of a database that is down, and goes on once it is there', async () => {
    const way = await cuttable(new URL(world.sync.aurora.api.endpoint))
    const child = startVerifying(world, verify, { maxRate: rows / 2, aurora: way.endpoint })
    try {
      await until('it has summed up a part of the rows', 60_000, () => /^rows \d+$/m.test(child.told()))
      await way.cut()
      expect(await child.ended).not.toBe(0)
    } finally {
      child.kill()
      await way.cut()
    }
    expect(child.complaint()).toMatch(/DataApiError/)
    expect(await verify.parts.jobs.read('verify:chef')).toMatchObject({ state: 'failed', step: 'rows' })

    const { kinds, looked, plan } = await verify.verify(mirrored)

    expect([plan.todo, kinds]).toEqual(['go on', planted])
    // The other side needn't be read again.
    expect(looked.items).toBeUndefined()
  }, 600_000)

  it('begins anew where a column was changed under it: sums of before are none of after', async () => {
    const stop = new AbortController()
    const { outcome } = await verify.verify(
      mirrored,
      { again: true },
      { signal: stop.signal, onProgress: (step) => void (step === 'rows' && stop.abort()) },
    )
    expect(outcome.done).toBe(false)
    await world.sync.aurora.legacy.query('ALTER TABLE cheftable MODIFY cheflast VARBINARY(255) NULL')
    try {
      await expect(verify.verify(mirrored)).rejects.toThrow(JobChangedError)
    } finally {
      await world.sync.aurora.legacy.query('ALTER TABLE cheftable MODIFY cheflast VARCHAR(255) NULL')
    }
    expect((await verify.verify(mirrored)).kinds).toEqual(planted)
  }, 600_000)

  it('has them repaired, those that are a person’s to decide once they are, and finds none then', async () => {
    const plan = await planRepair(mirrored, parts, { winner: 'aurora' })
    const left: string[] = []
    const { repaired } = await runRepair(plan, {
      ...parts,
      by: 'test',
      onRepaired: async ({ outcome, looked: { key } }) => void (outcome === 'left' && left.push(key)),
    })
    expect(repaired).toBe(each * 6)
    expect(left).toHaveLength(each * 4)

    for (const key of left) {
      await world.sync.parts.parking.resolve(
        { entity: 'chef.mirror', key },
        { upTo: { version: 1n }, how: 'applied', at: new Date() },
      )
      if (planted.includes(`${key}: moving`)) await world.claim(mirrored, key, 'dynamo')
      else await world.sync.put(mirrored, itemOf(Number(key)))
    }
    await world.sync.aurora.legacy.query('DELETE FROM backsync_changes')
    expect((await verify.verify(mirrored)).kinds).toEqual([])
  }, 600_000)
}
