import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Figures } from '../../../../functions/bridge/cutover/gates.ts'
import {
  freezeRoute,
  MoveFaultError,
  type MoveParts,
  MoveRefusedError,
  planRouteMove,
  runRouteMove,
  thawRoute,
} from '../../../../functions/bridge/cutover/move-route.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { DynamoRoutes, RouteChangedError } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef as plainChef } from '../../../fixtures/entities/chef.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'

const fine = (entity: string): Figures => ({
  ...{
    now: Date.now(),
    entity,
    isMirrored: true,
    isCounted: true,
    areOwnersKnown: true,
    writers: 'counting',
  },
  ...{ missingTriggers: [], openMigrations: [], isFilled: true, lag: { toDynamo: 0, toAurora: 0 } },
  verified: { at: new Date().toISOString(), complete: true, rows: 1, differences: {} },
  ...{ parked: 0, conflicts: 0, undelivered: 0, epoch: 0n, settled: undefined, isFrozen: false },
  canary: { at: new Date().toISOString(), key: 'k', toAurora: 1 },
  referring: [],
})

const READERS = { hours: 24, reads: 12, writes: 0, latest: '2026-11-30T09:00:00.000Z' }

describe('moving a route', () => {
  let tables: JobTables
  let routes: DynamoRoutes
  let parts: MoveParts
  let figures: Partial<Figures>
  let entity: Entity

  beforeAll(async () => {
    tables = await openJobTables()
    const table = await tables.create(keySchema({ partition: routeTable.partition }, 'routes'))
    routes = new DynamoRoutes({ client: tables.client, table, deadline: new Deadline() })
  })
  afterAll(() => tables.close())
  beforeEach(() => {
    entity = { ...plainChef, name: `chef${randomUUID().slice(0, 8)}` }
    figures = {}
    parts = {
      routes,
      figures: async ({ name }, route) => ({
        ...fine(name),
        epoch: route.epoch,
        isFrozen: route.frozen !== undefined,
        ...figures,
      }),
      count: async () => ({ keys: 1_000, moving: 50, exact: true }),
      readers: async () => READERS,
    }
  })
  const mover = { by: 'ann', why: 'because' }
  const go = async (wish: Parameters<typeof planRouteMove>[1], force = false) =>
    runRouteMove(await planRouteMove(entity, wish, parts), { ...mover, force }, parts)
  const goLive = async (percent = 5) => {
    await go({ stage: 'mirrored' })
    await go({ stage: 'shadow' })
    return go({ stage: 'live', percent })
  }

  it('is one write of what was planned, with its number, its time and its reason', async () => {
    const plan = await planRouteMove(entity, { stage: 'mirrored' }, parts)
    expect(plan).toMatchObject({
      forward: true,
      refusals: [],
      extent: { keys: 1_000, moving: 50, exact: true },
    })
    expect((await routes.read(entity.name)).revision).toBe(0)
    const route = await runRouteMove(plan, mover, parts)
    expect(route).toMatchObject({
      stage: 'mirrored',
      epoch: 1n,
      history: [{ by: 'ann', why: 'because', epoch: 1n }],
    })
    expect(route.salt).toMatch(/^[0-9a-f]{8}$/)
    const live = await goLive().catch(() =>
      go({ stage: 'shadow' }).then(() => go({ stage: 'live', percent: 5 })),
    )
    expect(live.salt).toBe(route.salt)
  })

  it('is refused where something stands against it, by all of it, and changes nothing; forced it remembers what for', async () => {
    figures = { parked: 3, undelivered: 1 }
    await go({ stage: 'mirrored' })
    const plan = await planRouteMove(entity, { stage: 'shadow' }, parts)
    expect(plan.refusals.map(({ gate }) => gate)).toEqual(['parked', 'undelivered'])
    await expect(runRouteMove(plan, mover, parts)).rejects.toThrow(MoveRefusedError)
    expect((await routes.read(entity.name)).route.stage).toBe('mirrored')
    const forced = await runRouteMove(plan, { ...mover, force: true }, parts)
    expect(forced.history[0]).toMatchObject({ forced: ['parked', 'undelivered'] })
  })

  it('is not made over a route that somebody else has moved since it was planned', async () => {
    const plan = await planRouteMove(entity, { stage: 'mirrored' }, parts)
    await go({ stage: 'mirrored' })
    await expect(runRouteMove(plan, mover, parts)).rejects.toThrow(RouteChangedError)
    expect((await routes.read(entity.name)).route.epoch).toBe(1n)
  })

  it('tells of readers where there is no way back, and only there; unknown ones stand against nothing', async () => {
    await goLive()
    expect((await planRouteMove(entity, { percent: 100 }, parts)).readers).toBeUndefined()
    await go({ percent: 100 })
    figures = { settled: { epoch: (await routes.read(entity.name)).route.epoch, at: '' } }
    const plan = await planRouteMove(entity, { stage: 'complete' }, parts)
    expect(plan).toMatchObject({ refusals: [], readers: { value: READERS } })
    const blind = { ...parts, readers: () => Promise.reject(new Error('no metrics')) }
    expect(await planRouteMove(entity, { stage: 'complete' }, blind)).toMatchObject({
      refusals: [],
      readers: { unknown: 'no metrics' },
    })
  })

  it('goes back whatever is wrong: nothing is asked, and nothing that fails stands against it', async () => {
    await goLive()
    const broken: MoveParts = {
      routes,
      figures: () => Promise.reject(new Error('no figures')),
      count: () => Promise.reject(new Error('Aurora is paused')),
      readers: () => Promise.reject(new Error('no metrics')),
    }
    await freezeRoute(entity, mover, parts)
    const plan = await planRouteMove(entity, { stage: 'legacy' }, broken)
    expect(plan).toMatchObject({ forward: false, refusals: [], extent: undefined })
    const back = await runRouteMove(plan, mover, broken)
    expect(back).toMatchObject({ stage: 'legacy', percent: 0, epoch: 4n })
    expect(back).not.toHaveProperty('frozen')
    await expect(planRouteMove(entity, { stage: 'mirrored' }, broken)).rejects.toThrow('no figures')
  })

  it('is no move where it is none', async () => {
    await expect(planRouteMove(entity, { stage: 'live' }, parts)).rejects.toThrow(MoveFaultError)
    await expect(planRouteMove(entity, { stage: 'legacy' }, parts)).rejects.toThrow(/there already/)
    await goLive()
    await expect(planRouteMove(entity, { percent: 5 }, parts)).rejects.toThrow(/there already/)
    expect(await planRouteMove(entity, { allow: ['a'] }, parts)).toMatchObject({ forward: true })
    expect(await planRouteMove(entity, { deny: ['a'] }, parts)).toMatchObject({ forward: false })
  })

  it('is held by freezing, until it is let go', async () => {
    await expect(freezeRoute(entity, mover, parts)).rejects.toThrow(/never moved/)
    await goLive()
    expect(await freezeRoute(entity, mover, parts)).toMatchObject({
      epoch: 3n,
      frozen: { by: 'ann', why: 'because' },
    })
    expect((await planRouteMove(entity, { percent: 20 }, parts)).refusals).toMatchObject([{ gate: 'frozen' }])
    await freezeRoute(entity, { by: 'bob' }, parts)
    expect((await routes.read(entity.name)).route.frozen).toMatchObject({ by: 'ann' })
    expect(await thawRoute(entity, parts)).not.toHaveProperty('frozen')
    expect((await planRouteMove(entity, { percent: 20 }, parts)).refusals).toEqual([])
  })
})
