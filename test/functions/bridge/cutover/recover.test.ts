import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { AuroraMarks } from '../../../../functions/bridge/aurora/aurora-marks.ts'
import { planBackfill } from '../../../../functions/bridge/backfill/backfill-plan.ts'
import {
  planRecovery,
  RecoverFaultError,
  type RecoverParts,
  RecoveryEndedError,
  runRecovery,
} from '../../../../functions/bridge/cutover/recover.ts'
import { planSweep } from '../../../../functions/bridge/cutover/sweep.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Owner } from '../../../../functions/bridge/model/owner.ts'
import type { Placement } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { SteppedBackError } from '../../../../functions/bridge/model/store-mark.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { silent } from '../../../support/log.ts'
import { contentOf, mirrored, type Outage, openOutage } from '../backfill/outage.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'
import { keepStore } from './restores.ts'

describe('a recovery after a restore', () => {
  let outage: Outage
  let jobs: JobTables
  let parts: RecoverParts
  /** Where the routes are. */
  let at: ConstructorParameters<typeof DynamoRoutes>[0]
  beforeAll(async () => {
    outage = await openOutage()
    jobs = await openJobTables()
    const table = await jobs.create(keySchema({ partition: routeTable.partition }, 'routes'))
    const { sync, sides } = outage.world
    const { deadline, db, database } = outage.fills.parts
    at = { client: jobs.client, table, deadline }
    parts = {
      ...{ db, database, client: sync.client, tables: sync.tables, deadline, jobs: jobs.jobs(), log: silent },
      ...{
        routes: new DynamoRoutes(at),
        sides,
        parking: sync.parts.parking,
        marks: jobs.marks(db),
      },
    }
  }, 60_000)
  afterAll(() => Promise.all([outage.close(), jobs.close()]))

  const name = (n: number) => ({ firstName: `write ${n}`, lastName: 'T' })
  const move = (to: Partial<Placement>) =>
    parts.routes.note('chef', (was) =>
      moved(was, placementAt(was, to), { at: new Date().toISOString(), by: 'test' }, 's'),
    )
  const plan = (restored: Owner, again = false) => planRecovery(mirrored, parts, { restored, again })
  const recover = async (restored: Owner) => runRecovery(await plan(restored), { ...parts, by: 'test' })
  const both = async (key: string) => {
    const { sides } = outage.world
    const records = [await sides.aurora.read(mirrored, key), await sides.dynamo.read(mirrored, key)]
    return records.map((record) => [record.owner, contentOf(record)])
  }
  /** A key of DynamoDB's that both stores have. */
  const made = async (): Promise<string> => {
    const { world } = outage
    const key = randomUUID()
    await world.create(mirrored, 'dynamo', name(1), key)
    await world.sync.deliver(world.recordOf(mirrored, key, undefined, await world.item(mirrored, key)))
    return key
  }

  it('has what the restored store accepted since listed, with both contents, and keeps what the other one has', async () => {
    const { world } = outage
    const key = await made()
    await world.claim(mirrored, key, 'aurora')
    const restore = await keepStore('aurora', [key], outage)
    await world.replace(mirrored, 'aurora', key, name(2))
    await outage.fills.carry(mirrored, [key])
    await restore()
    await world.replace(mirrored, 'aurora', key, name(3))

    expect(await recover('aurora')).toMatchObject({ done: true, refusals: [] })
    await outage.settle('resync')

    expect(await both(key)).toEqual([
      ['dynamo', 'write 2'],
      ['dynamo', 'write 2'],
    ])
    const listed = await parts.parking.parkedAmong('chef.conflicts', [key])
    expect([...listed.values()]).toEqual([expect.objectContaining({ code: 'restore.written-since' })])
    await outage.clear([key])
  })

  it.each<Owner>(['aurora', 'dynamo'])(
    'carries over what %s still holds later of its own, after it was restored',
    async (restored) => {
      const { world } = outage
      const key = await made()
      if (restored === 'aurora') await world.claim(mirrored, key, 'aurora')
      await world.replace(mirrored, restored, key, name(2))
      const restore = await keepStore(restored, [key], outage)
      await world.replace(mirrored, restored, key, name(3))
      await restore()

      expect(await recover(restored)).toMatchObject({ done: true, refusals: [] })
      await outage.settle('resync')

      expect((await both(key)).map(([, content]) => content)).toEqual(['write 2', 'write 2'])
      expect((await parts.parking.parkedAmong('chef.conflicts', [key])).size).toBe(0)
      await outage.clear([key])
    },
  )

  it('keeps what DynamoDB deleted deleted, though Aurora was restored to when it was there', async () => {
    const { world } = outage
    const key = await made()
    const restore = await keepStore('aurora', [key], outage)
    await world.remove(mirrored, 'dynamo', key)
    await restore()

    expect(await recover('aurora')).toMatchObject({ done: true, refusals: [] })
    await outage.settle('resync')

    expect((await both(key)).map(([, content]) => content)).toEqual([undefined, undefined])
    await outage.clear([key])
  })

  it('moves the route to the store that has survived, by a new number, and thaws it', async () => {
    await move({ stage: 'mirrored' })
    await move({ stage: 'shadow' })
    await move({ stage: 'live', percent: 20, deny: ['7'] })
    await parts.routes.note('chef', (was) => ({
      ...was,
      frozen: { at: was.history[0]?.at ?? '', by: 'me', why: '' },
    }))
    const { epoch } = (await parts.routes.read('chef')).route

    await recover('aurora')
    expect((await parts.routes.read('chef')).route).toMatchObject({
      ...{ stage: 'live', percent: 100, deny: [], epoch: epoch + 1n },
    })
    const { history, frozen } = (await parts.routes.read('chef')).route
    expect([history[0]?.why, frozen]).toEqual(['aurora was restored', undefined])

    await recover('dynamo')
    expect((await parts.routes.read('chef')).route).toMatchObject({ stage: 'shadow', epoch: epoch + 2n })
  })

  it('ends what the marks of both stores have kept from being carried, once all keys are given', async () => {
    const { db } = outage.fills.parts
    const entities = [mirrored.name]
    const raise = async (): Promise<void> => {
      const marks = jobs.marks(db)
      await marks.begin()
      expect(await marks.raise(entities, await new AuroraMarks(db).read(entities))).toBe(true)
    }
    await raise()
    const restore = await keepStore('aurora', [], outage)
    await raise()
    await restore()
    const marks = jobs.marks(db)
    await expect(planSweep(mirrored, { ...parts, marks })).rejects.toThrow(SteppedBackError)
    for (const mode of ['backfill', 'resync'] as const)
      await expect(planBackfill(mirrored, { ...outage.fills.parts, marks }, { mode })).rejects.toThrow(
        SteppedBackError,
      )

    const begun = await plan('aurora')
    const stopped = AbortSignal.abort(new Error('stopped'))
    await runRecovery(begun, { ...parts, by: 'test', signal: stopped }).catch(() => undefined)
    await expect(jobs.marks(db).require(mirrored)).rejects.toThrow('recover chef --restored aurora')
    expect(await recover('aurora')).toMatchObject({ done: true })
    await jobs.marks(db).require(mirrored)
    await raise()
    await jobs.marks(db).require(mirrored)
  })

  it('ends where the route is moved meanwhile, and begins anew by the same command', async () => {
    const key = await made()
    const begun = await plan('aurora')
    /** Somebody moves it once the recovery has. */
    class Moving extends DynamoRoutes {
      #isFirst = true
      override async read(...of: Parameters<DynamoRoutes['read']>) {
        if (this.#isFirst) {
          this.#isFirst = false
          await move({ stage: 'shadow' })
        }
        return super.read(...of)
      }
    }
    const routes = new Moving(at)
    await expect(runRecovery(begun, { ...parts, routes, by: 'test' })).rejects.toThrow(RecoveryEndedError)

    expect(await plan('aurora')).toMatchObject({ todo: 'begin' })
    expect(await recover('aurora')).toMatchObject({ done: true, refusals: [] })
    expect(await both(key)).toEqual([
      ['dynamo', 'write 1'],
      ['dynamo', 'write 1'],
    ])
    await outage.clear([key])
  })

  it('is refused while one after a restore of the other store has not ended', async () => {
    await made()
    const stop = new AbortController()
    stop.abort()
    await runRecovery(await plan('aurora'), { ...parts, by: 'test', signal: stop.signal }).catch(
      () => undefined,
    )

    expect(await plan('aurora')).toMatchObject({ todo: 'go on' })
    await expect(plan('dynamo')).rejects.toThrow(
      /go on with that first: npx backsync cutover recover chef --restored aurora/,
    )
    await recover('aurora')
    expect(await plan('dynamo')).toMatchObject({ todo: 'begin' })
  })

  it('is refused of a route that is complete, and of an entity that is not mirrored', async () => {
    const unmirrored = { ...mirrored, mirror: undefined }
    await expect(planRecovery(unmirrored, parts, { restored: 'aurora' })).rejects.toThrow(RecoverFaultError)
    const { route } = await parts.routes.read('chef')
    await parts.routes.note('chef', (was) => ({ ...was, stage: 'complete', percent: 100 }))
    await expect(plan('aurora')).rejects.toThrow(/is complete/)
    await parts.routes.note('chef', () => route)
  })
})
