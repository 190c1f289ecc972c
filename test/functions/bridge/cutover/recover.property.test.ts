import { afterAll, beforeAll, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { planRecovery, type RecoverParts, runRecovery } from '../../../../functions/bridge/cutover/recover.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import type { KeyRecord } from '../../../../functions/bridge/ports/key-records.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { silent } from '../../../support/log.ts'
import { runs } from '../../../support/runs.ts'
import { contentOf, mirrored, type Outage, openOutage, type Step, step } from '../backfill/outage.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'
import { keepStore } from './restores.ts'

/*
 * Writes and moves on both sides, of which some never reach the other one; then a store is set back to what it held before some of
 * them. Nothing is lost of what either still holds: a recovery and a resync, and both have the later of the two.
 */

let outage: Outage
let jobs: JobTables
let parts: RecoverParts
beforeAll(async () => {
  outage = await openOutage()
  jobs = await openJobTables()
  const table = await jobs.create(keySchema({ partition: routeTable.partition }, 'routes'))
  const { sync, sides } = outage.world
  const { deadline, db, database } = outage.fills.parts
  parts = {
    ...{ db, database, client: sync.client, tables: sync.tables, deadline, jobs: jobs.jobs(), log: silent },
    ...{
      routes: new DynamoRoutes({ client: jobs.client, table, deadline }),
      sides,
      parking: sync.parts.parking,
      marks: jobs.marks(db),
    },
  }
}, 60_000)
afterAll(() => Promise.all([outage.close(), jobs.close()]))

/** What is lost without a trace is another story. */
const kept = step.filter((one: Step) => one.do === 'write' || one.do === 'delete' || one.do === 'claim')

const later = (one: KeyRecord, other: KeyRecord): KeyRecord => (other.version > one.version ? other : one)

/** @param stops whether the recovery is interrupted behind its first page, and goes on */
const survives = (recover: (restored: Owner, stops: boolean) => Promise<void>) =>
  fc.asyncProperty(
    fc.array(kept, { minLength: 4, maxLength: 16 }),
    fc.array(kept, { minLength: 1, maxLength: 10 }),
    fc.constantFrom<Owner>('aurora', 'dynamo'),
    fc.boolean(),
    async (before, since, restored, stops) => {
      const life = outage.live()
      try {
        for (const one of before) await life.take(one)
        const restore = await keepStore(restored, life.keys, outage)
        const was = new Map<string, KeyRecord>()
        for (const key of life.keys) was.set(key, await life.read(restored, key))
        for (const one of since) await life.take(one)
        const truth = new Map<string, unknown>()
        for (const key of life.keys) {
          const own = await life.read(otherOf(restored), key)
          truth.set(key, contentOf(later(own, was.get(key) ?? own)))
        }
        await restore()

        await recover(restored, stops)
        await outage.settle('resync')

        for (const [key, content] of truth) {
          const sides = [await life.read('aurora', key), await life.read('dynamo', key)]
          expect([key, ...sides.map(contentOf)]).toEqual([key, content, content])
        }
        for (const name of ['chef', 'chef.mirror', 'chef.conflicts'])
          expect([name, await outage.world.sync.parked(name)]).toEqual([name, []])
      } finally {
        await outage.clear(life.keys)
      }
    },
  )

it('after a restore of either store both have the later of what is left, and nothing is parked', async () => {
  const recover = async (restored: Owner, stops: boolean): Promise<void> => {
    const stop = new AbortController()
    if (stops) {
      const onProgress = () => stop.abort()
      const plan = await planRecovery(mirrored, parts, { restored })
      await runRecovery(plan, { ...parts, by: 'test', signal: stop.signal, onProgress })
    }
    const plan = await planRecovery(mirrored, parts, { restored })
    expect(await runRecovery(plan, { ...parts, by: 'test' })).toMatchObject({ done: true, refusals: [] })
  }
  await fc.assert(survives(recover), { ...runs(15, { short: 4 }), endOnFailure: true })
}, 300_000)

it('they would not, if nobody gave the keys to the store that has survived', async () => {
  const { failed } = await fc.check(
    survives(async () => undefined),
    { ...runs(60), endOnFailure: true },
  )

  expect(failed).toBe(true)
}, 300_000)
