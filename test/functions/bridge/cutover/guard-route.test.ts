import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type GuardParts, guardRoute } from '../../../../functions/bridge/cutover/guard-route.ts'
import { freezeRoute } from '../../../../functions/bridge/cutover/move-route.ts'
import { COOLS, type RouteInterval, SETTLES } from '../../../../functions/bridge/cutover/route-watch.ts'
import { WatchNotes } from '../../../../functions/bridge/cutover/watch-notes.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Looks } from '../../../../functions/bridge/guard/looks.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Placement } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef as plainChef } from '../../../fixtures/entities/chef.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'

describe('the guard over a route', () => {
  let tables: JobTables
  let routes: DynamoRoutes
  let entity: Entity
  let now: number
  let told: RouteInterval[]
  let warned: string[]
  let parts: GuardParts

  beforeAll(async () => {
    tables = await openJobTables()
    const table = await tables.create(keySchema({ partition: routeTable.partition }, 'routes'))
    routes = new DynamoRoutes({ client: tables.client, table, deadline: new Deadline() })
  })
  afterAll(() => tables.close())
  beforeEach(() => {
    entity = { ...plainChef, name: `chef${randomUUID().slice(0, 8)}` }
    now = Date.parse('2037-06-02T12:00:00.000Z')
    told = []
    warned = []
    const log = { warn: (message: string) => void warned.push(message) }
    parts = {
      ...{ routes, log, now: () => now },
      notes: new WatchNotes(tables.jobs().notes, log),
      intervals: async () => told,
      slowAbove: async () => undefined,
    }
  })

  /** Has the route stand somewhere, moved by a person. */
  const setTo = async (to: Partial<Placement>): Promise<void> => {
    const was = await routes.read(entity.name)
    const note = { at: new Date(now).toISOString(), by: 'ann' }
    await routes.replace(was, moved(was.route, placementAt(was.route, to), note, 'salt'))
  }
  const guard = () => guardRoute(entity, parts)
  /** The facades tell of one more minute. */
  const minute = async (dynamo: Looks, aurora: Looks = { looks: 400, bad: 1 }): Promise<void> => {
    now += 60_000
    const { epoch } = (await routes.read(entity.name)).route
    const at = new Date(now).toISOString()
    told.push({ at, epoch, sides: { aurora: { error: aurora }, dynamo: { error: dynamo } } })
  }
  const live = async (percent: number): Promise<void> => {
    await setTo({ stage: 'live', percent })
    await guard()
    now += SETTLES
  }

  it('leaves one alone that is as good, and keeps what it knows between its runs', async () => {
    await live(5)
    for (let n = 0; n < 8; n++) {
      await minute({ looks: 100, bad: 0 })
      expect(await guard()).toMatchObject({ stepped: false, decision: { because: 'not-worse' } })
    }
    expect((await guard()).decision.verdict).toMatchObject({ verdict: 'as good' })
    expect((await routes.read(entity.name)).route).toMatchObject({ percent: 5, epoch: 1n })
  })

  it('steps one back that is worse, by one move that says so with its evidence', async () => {
    await live(20)
    await minute({ looks: 20, bad: 2 })
    expect(await guard()).toMatchObject({ stepped: false, decision: { verdict: { verdict: 'cannot tell' } } })
    await minute({ looks: 21, bad: 7 })
    expect(await guard()).toMatchObject({ stepped: true })

    const { route } = await routes.read(entity.name)
    expect(route).toMatchObject({ stage: 'live', percent: 5, epoch: 2n })
    expect(route.history[0]).toEqual({
      ...{ epoch: 2n, at: expect.any(String), by: 'guard', why: 'errors: 9 of 41, beside 2 of 800' },
      ...{ from: { stage: 'live', percent: 20 }, to: { stage: 'live', percent: 5 } },
      evidence: [
        { signal: 'error', by: 'above', cohort: { looks: 41, bad: 9 }, control: { looks: 800, bad: 2 } },
      ],
    })
    expect(warned).toHaveLength(1)
  })

  it('does not step back twice for the same evidence, nor while what it went back from ends', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    await guard()
    for (const left = now + COOLS; now < left; ) {
      // Told again, and more of it, still under the old move and under the new one.
      await minute({ looks: 40, bad: 12 })
      expect(await guard()).toMatchObject({ stepped: false })
    }
    now += 60_000
    expect(await guard()).toMatchObject({ stepped: false, decision: { because: 'not-worse' } })
    expect((await routes.read(entity.name)).route).toMatchObject({ percent: 5, epoch: 2n })
    // What is new by then is news: it goes on, rung by rung.
    await minute({ looks: 40, bad: 12 })
    expect(await guard()).toMatchObject({ stepped: true, route: { percent: 1, epoch: 3n } })
  })

  it('holds what is frozen where it is, and says what it has found', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    await freezeRoute(entity, { by: 'ann', why: 'we look at it' }, { routes })
    expect(await guard()).toMatchObject({
      ...{ stepped: false, decision: { because: 'frozen', verdict: { worse: ['error'] } } },
    })
    expect((await routes.read(entity.name)).route).toMatchObject({ percent: 20, epoch: 1n })
  })

  it('has nothing to do with one that is complete, or was never moved', async () => {
    await minute({ looks: 0, bad: 0 }, { looks: 40, bad: 40 })
    expect(await guard()).toMatchObject({ stepped: false, decision: { because: 'legacy' } })
    expect((await routes.read(entity.name)).revision).toBe(0)
    await setTo({ stage: 'complete' })
    await guard()
    now += SETTLES
    await minute({ looks: 40, bad: 40 })
    expect(await guard()).toMatchObject({ stepped: false, decision: { because: 'complete' } })
  })

  /** Somebody comes between what is judged and the step. */
  const guardWith = (comes: () => Promise<unknown>) => {
    const notes = new WatchNotes(tables.jobs().notes, parts.log)
    const between = {
      read: (name: string) => notes.read(name),
      write: async (name: string, watch: Parameters<WatchNotes['write']>[1]) => {
        await notes.write(name, watch)
        await comes()
      },
    }
    return guardRoute(entity, { ...parts, notes: between })
  }

  it('leaves a route to whoever holds it meanwhile', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    const held = () => freezeRoute(entity, { by: 'ann', why: 'we look at it' }, { routes })
    expect(await guardWith(held)).toMatchObject({ stepped: false, route: { percent: 20 } })
    expect((await routes.read(entity.name)).route).toMatchObject({ percent: 20, frozen: { by: 'ann' } })
  })

  it('leaves a route to whoever has moved it meanwhile', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    expect(await guardWith(() => setTo({ percent: 50 }))).toMatchObject({
      ...{ stepped: false, decision: { does: 'step-back' }, route: { percent: 50, epoch: 2n } },
    })
    expect((await routes.read(entity.name)).route.history[0]).toMatchObject({ by: 'ann' })
  })

  it('steps back once, of many that run at once', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    const outcomes = await Promise.all(Array.from({ length: 6 }, guard))

    expect(outcomes.filter(({ stepped }) => stepped)).toHaveLength(1)
    expect((await routes.read(entity.name)).route).toMatchObject({ percent: 5, epoch: 2n })
  })

  it('goes on where one has died that had decided', async () => {
    await live(20)
    await minute({ looks: 40, bad: 12 })
    const dies = { ...parts.notes, read: (name: string) => parts.notes.read(name) }
    const death = new Error('killed')
    const write = async (name: string, watch: Parameters<WatchNotes['write']>[1]) => {
      await parts.notes.write(name, watch)
      throw death
    }
    await expect(guardRoute(entity, { ...parts, notes: { ...dies, write } })).rejects.toBe(death)
    // Nobody tells that minute again.
    told = []
    expect(await guard()).toMatchObject({ stepped: true, route: { percent: 5 } })
  })

  it('begins anew where what it has kept is another release’s, and says so', async () => {
    await live(20)
    await tables.jobs().notes.put(`guard:${entity.name}`, 'watch', { watch: { S: '{"epoch":"1"}' } })
    expect(await guard()).toMatchObject({ stepped: false, decision: { because: 'cools-down' } })
    expect(warned).toEqual([expect.stringContaining('begins anew')])
  })
})
