import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { PER_CLAIM } from '../../../../functions/bridge/cutover/move-extent.ts'
import {
  planSweep,
  runSweep,
  SweepEndedError,
  type SweepParts,
} from '../../../../functions/bridge/cutover/sweep.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { type Owner, otherOf } from '../../../../functions/bridge/model/owner.ts'
import { type Placement, type Route, targetOf } from '../../../../functions/bridge/model/route.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { silent } from '../../../support/log.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

describe('a sweep', () => {
  let world: FacadeWorld
  let jobs: JobTables
  let routes: DynamoRoutes
  let parts: SweepParts
  let keys: string[]

  beforeAll(async () => {
    world = await openFacadeWorld()
    jobs = await openJobTables()
    const table = await jobs.create(keySchema({ partition: routeTable.partition }, 'routes'))
    const deadline = new Deadline()
    routes = new DynamoRoutes({ client: jobs.client, table, deadline })
    parts = {
      ...{ db: world.sync.aurora.db, client: world.sync.client, tables: world.sync.tables, deadline },
      ...{
        jobs: jobs.jobs(),
        routes,
        database: 'test',
        log: silent,
        marks: jobs.marks(world.sync.aurora.db),
      },
      claim: (entity, key, to, epoch) => world.facadeParts.claim(entity, key, to, epoch),
      claimSet: world.claimSet,
    }
  })
  afterAll(async () => {
    await jobs.close()
    await world.close()
  })

  const move = async (to: Partial<Placement>): Promise<Route> => {
    const route = await routes.note('plate', (was) =>
      moved(was, placementAt(was, to), { at: new Date().toISOString(), by: 'test' }, 's'),
    )
    world.move(route)
    return route
  }
  const sweep = async (more: Partial<Parameters<typeof runSweep>[1]> = {}, again = false) =>
    runSweep(await planSweep(plate, parts, { again }), { ...parts, by: 'test', ...more })
  /** Does something before each claim, of one key or of many. */
  const meddling = (meddle: () => Promise<void>): Pick<SweepParts, 'claim' | 'claimSet'> => ({
    claim: async (...of) => {
      await meddle()
      return parts.claim(...of)
    },
    claimSet: async (...of) => {
      await meddle()
      return parts.claimSet(...of)
    },
  })
  const make = (side: Owner, key: string) => world.make(plate, side, { code: key, title: 'one' }, key)
  const remove = (side: Owner, key: string) => world.remove(plate, side, key)
  /** Keys in each state that there is, at both sides. */
  beforeEach(async () => {
    const name = (what: string) => `${what}-${randomUUID().slice(0, 8)}`
    keys = []
    for (const side of ['aurora', 'dynamo'] as const)
      for (let n = 0; n < 2; n++) {
        const [held, gone, half] = [name(`${side}-held`), name(`${side}-gone`), name(`${side}-half`)]
        keys.push(held, gone, half)
        for (const key of [held, gone, half]) await make(side, key)
        await remove(side, gone)
        const { epoch } = (await routes.read('plate')).route
        await world.beginClaim(plate, half, otherOf(side), epoch + 1n)
      }
  })
  const expectSettled = async ({ epoch, ...route }: Route) => {
    for (const key of keys)
      for (const side of ['aurora', 'dynamo'] as const) {
        const record = await world.sides[side].read(plate, key)
        expect([key, side, record.owner, record.epoch >= epoch]).toEqual([
          key,
          side,
          targetOf(route, key),
          true,
        ])
      }
  }

  it.each<[string, Partial<Placement>]>([
    ['all keys', { stage: 'live', percent: 100 }],
    ['half of them', { stage: 'live', percent: 50 }],
    ['none', { stage: 'mirrored' }],
  ])(
    'of a route that gives DynamoDB %s claims each for where it belongs, and proves that it is settled',
    async (_, to) => {
      const route = await move(to)
      const outcome = await sweep()

      expect(outcome).toMatchObject({ done: true, settled: true, left: { refused: 0 } })
      expect(outcome.claimed.applied).toBeGreaterThanOrEqual(keys.length)
      await expectSettled(route)
      expect((await routes.read('plate')).route.settled).toMatchObject({ epoch: route.epoch })
      expect(await planSweep(plate, parts)).toMatchObject({ todo: 'nothing' })
      // Once more there is nothing to claim.
      expect(await sweep({}, true)).toMatchObject({ settled: true, claimed: { applied: 0 } })
    },
  )

  describe('of a key whose row stands beside what an earlier move has kept of it, as one that was born since', () => {
    const legacy = () => world.sync.aurora.legacy
    let route: Route
    let key: string
    beforeEach(async () => {
      key = keys.find((one) => one.startsWith('aurora-held')) ?? ''
      route = await move({ stage: 'live', percent: 100 })
      await sweep()
    })
    const bury = (version: number) =>
      legacy().query(
        "REPLACE INTO backsync_tombstones (entity, entity_key, version, owner, epoch) VALUES ('plate', ?, ?, 'dynamo', ?)",
        [key, version, String(route.epoch - 1n)],
      )
    const buried = async (): Promise<string[]> => {
      const [rows] = await legacy().query<RowDataPacket[]>(
        "SELECT CONCAT(owner, ' ', epoch) AS it FROM backsync_tombstones WHERE entity_key = ?",
        [key],
      )
      return rows.map(({ it }) => String(it))
    }

    it('is settled: the row tells, and what was kept says the same from then on', async () => {
      await bury(0)
      expect(await sweep({}, true)).toMatchObject({ done: true, settled: true, left: { refused: 0 } })
      expect(await buried()).toEqual([`dynamo ${route.epoch}`])
    })

    it('is not settled where that is of a later delete, which is on its way to the row', async () => {
      await bury(99)
      expect(await sweep({}, true)).toMatchObject({ done: true, settled: false, left: { refused: 1 } })
      expect(await buried()).toEqual([`dynamo ${route.epoch - 1n}`])
      await legacy().query('DELETE FROM backsync_tombstones WHERE entity_key = ?', [key])
    })
  })

  it('leaves no key that a facade with an older route could move', async () => {
    const old = await move({ stage: 'mirrored' })
    const { epoch } = await move({ stage: 'live', percent: 100 })
    await sweep()
    const stale = world.facadeWith({ known: old })
    for (const key of keys) {
      const sent = { body: { code: key, title: 'two' } }
      const { status, side } = await world.send('PUT', `/plates/${key}`, sent, stale)
      expect([key, [200, 201].includes(status), side]).toEqual([key, true, 'dynamo'])
      expect((await world.sides.dynamo.read(plate, key)).epoch).toBe(epoch)
    }
  })

  it('tells of a key that came meanwhile at the other side, and is settled once that is claimed too', async () => {
    await move({ stage: 'live', percent: 100 })
    const late = `late-${randomUUID()}`
    // The page of rows was read by then.
    const outcome = await sweep(
      meddling(async () => {
        if (keys.includes(late)) return
        keys.push(late)
        await world.sync.aurora.legacy.query('INSERT INTO plates (code, title) VALUES (?, ?)', [late, 'sql'])
      }),
    )
    expect(outcome).toMatchObject({ done: true, settled: false, left: { refused: 1 } })
    expect(outcome.refusals).toEqual(
      [{ key: { key: { S: late } }, why: 'Aurora says aurora, of move 0' }].map(() =>
        expect.objectContaining({ key: { key: { S: late } } }),
      ),
    )
    expect((await routes.read('plate')).route).not.toHaveProperty('settled')
    expect(await sweep()).toMatchObject({ settled: true, claimed: { applied: 1 } })
  })

  it('lists what can not be moved, leaves it where it is, and is not settled', async () => {
    const stuck = `stuck-${randomUUID().slice(0, 8)}`
    await make('aurora', stuck)
    await world.sync.put(plate, {
      ...{ code: { S: stuck }, plateKey: { S: stuck }, title: { S: 'there' }, version: { N: '9' } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' } },
    })
    await move({ stage: 'live', percent: 100 })
    const outcome = await sweep()

    expect(outcome).toMatchObject({ done: true, settled: false })
    expect(outcome.refusals).toContainEqual({
      key: { key: { S: stuck } },
      why: expect.stringMatching(/^claim.conflict/),
    })
    expect((await world.sync.parked('plate.conflicts')).map(String)).toContainEqual(
      expect.stringContaining(stuck),
    )
    expect(await world.send('GET', `/plates/${stuck}`)).toMatchObject({
      side: 'aurora',
      body: { title: 'one' },
    })
    await world.sync.aurora.legacy.query('DELETE FROM plates WHERE code = ?', [stuck])
    await world.sync.remove(plate, stuck)
  })

  it('leaves what was moved by hand where that is, and names the command that has it follow', async () => {
    const { epoch } = await move({ stage: 'live', percent: 100 })
    const [key = ''] = keys
    await parts.claim(plate, key, 'aurora', epoch + 5n)
    const outcome = await sweep()
    expect(outcome).toMatchObject({ done: true, settled: false, claimed: { refused: 0 } })
    expect(outcome.refusals).toContainEqual({
      key: { key: { S: key } },
      why: `key.moved-by-hand: Aurora says aurora, of move ${epoch + 5n}: npx backsync key plate ${key} --claim dynamo`,
    })
    await parts.claim(plate, key, 'dynamo', epoch + 6n)
    expect(await sweep()).toMatchObject({ settled: true })
    // Behind the tests that follow no key is ahead of its route.
    for (let n = 0; n < 6; n++) await move({ percent: 100 })
  })

  it('goes on where it was interrupted, or has died, whatever it was at', async () => {
    const route = await move({ stage: 'live', percent: 100 })
    let calls = 0
    const dying = meddling(async () => {
      calls += 1
      if (calls === 5) throw new Error('died')
    })
    await expect(sweep(dying)).rejects.toThrow('died')
    const stop = new AbortController()
    const half = sweep({ signal: stop.signal, onProgress: (step) => step === 'items' && stop.abort() })
    expect(await half).toMatchObject({ done: false, settled: false })
    expect(await planSweep(plate, parts)).toMatchObject({ todo: 'go on', epoch: route.epoch })
    expect(await sweep()).toMatchObject({ done: true, settled: true })
    await expectSettled(route)
  })

  it('ends when its route is moved or frozen meanwhile, and says nothing of the new one', async () => {
    await move({ stage: 'live', percent: 100 })
    let isMoved = false
    const moving = sweep(
      meddling(async () => {
        if (isMoved) return
        isMoved = true
        await move({ percent: 20 })
      }),
    )
    await expect(moving).rejects.toThrow(SweepEndedError)
    expect((await routes.read('plate')).route).not.toHaveProperty('settled')
    await routes.note('plate', (route) => ({ ...route, frozen: { at: '', by: 'ann', why: '' } }))
    await expect(sweep()).rejects.toThrow(/frozen/)
    await routes.note('plate', ({ frozen: _, ...route }) => route)
    expect(await sweep()).toMatchObject({ settled: true })
  })

  it('takes for each key no more calls than a plan tells of', async () => {
    const key = `plan-${randomUUID().slice(0, 8)}`
    await make('aurora', key)
    const { epoch } = (await routes.read('plate')).route
    for (const [at, to] of (['dynamo', 'aurora', 'aurora', 'dynamo'] as const).entries()) {
      const claim = () => parts.claim(plate, key, to, epoch + 1n + BigInt(at))
      const { aurora, dynamo } = await world.calls(claim)
      const reads = dynamo.filter((name) => name.endsWith('GetItem')).length
      expect([to, aurora]).toEqual([to, Math.min(aurora, PER_CLAIM.dataApi)])
      expect([to, reads]).toEqual([to, Math.min(reads, PER_CLAIM.reads)])
      expect([to, dynamo.length - reads]).toEqual([to, Math.min(dynamo.length - reads, PER_CLAIM.writes)])
    }
  })

  it('has nothing to do for a route that was never moved', async () => {
    expect(await planSweep({ ...plate, name: 'chef', item: plate.item }, parts)).toMatchObject({
      todo: 'nothing',
    })
  })
})
