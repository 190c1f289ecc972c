import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { CanaryError, type CanaryParts, runCanary } from '../../../../functions/bridge/cutover/canary.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { targetOf } from '../../../../functions/bridge/model/route.ts'
import { moved } from '../../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'
import { type FacadeWorld, openFacadeWorld, plate } from './facade-world.ts'

const NOTE = { at: '2026-11-30T03:00:00.000Z', by: 'a test' }

describe('a canary key', () => {
  let world: FacadeWorld
  let tables: JobTables
  let routes: DynamoRoutes
  let code: string

  beforeAll(async () => {
    world = await openFacadeWorld()
    tables = await openJobTables()
    const table = await tables.create(keySchema({ partition: routeTable.partition }, 'routes'))
    routes = new DynamoRoutes({ client: tables.client, table, deadline: new Deadline() })
  })
  afterAll(async () => {
    await tables.close()
    await world.close()
  })
  beforeEach(() => {
    code = `canary-${randomUUID().slice(0, 8)}`
  })

  /** The parts, with a stream that delivers each state of the item as it is looked for. */
  const partsWith = (isStreaming: () => boolean = () => true): CanaryParts => {
    const { stores, read, claim } = world.facadeParts
    let last: Awaited<ReturnType<FacadeWorld['item']>>
    const stream = async (): Promise<void> => {
      const now = await world.item(plate, code)
      if (isDeepStrictEqual(now, last) || !isStreaming()) return
      await world.sync.deliver(world.recordOf(plate, code, last, now))
      last = now
    }
    return {
      ...{ stores, claim, routes, newKey: randomUUID, patience: 2_000 },
      read: {
        ...read,
        aurora: async (...of) => {
          await stream()
          return read.aurora(...of)
        },
      },
    }
  }
  const row = () => ({ code, title: 'canary' })

  it('goes to DynamoDB, to Aurora and back with what it holds, is gone then, and the route remembers it', async () => {
    const steps: string[] = []
    const outcome = await runCanary(plate, row(), { ...partsWith(), onStep: (step) => steps.push(step) })

    expect(outcome).toMatchObject({ key: code, toDynamo: undefined })
    expect((await routes.read('plate')).route.canary).toMatchObject({ key: code, toAurora: outcome.toAurora })
    expect(steps).toContain('its claim for aurora')
    const record = await world.record(plate, code)
    expect([record.aurora, record.dynamo]).toEqual([
      expect.stringMatching(/deleted$/),
      expect.stringMatching(/deleted$/),
    ])
    // Where it belongs, and below the route's next move: no sweep stumbles over it.
    const { route } = await routes.read('plate')
    const left = await world.sides.aurora.read(plate, code)
    expect([left.owner, left.epoch]).toEqual([targetOf(route, code), route.canary?.epoch])
    expect(moved(route, { ...route, stage: 'mirrored' }, NOTE, 's').epoch).toBeGreaterThan(left.epoch)
  })

  it('that is lost is told with its step, deleted, and remembered by nobody', async () => {
    const before = (await routes.read('plate')).route.canary
    await expect(
      runCanary(
        plate,
        row(),
        partsWith(() => false),
      ),
    ).rejects.toThrow(/birth in DynamoDB by the stream was not seen/)
    expect((await world.record(plate, code)).dynamo).toMatch(/deleted$/)
    expect((await routes.read('plate')).route.canary).toEqual(before)
  })

  it('that could not be claimed back is told of, too', async () => {
    const parts = partsWith()
    const claim: CanaryParts['claim'] = (entity, key, to, epoch) =>
      to === 'dynamo' ? Promise.reject(new CanaryError('no way')) : parts.claim(entity, key, to, epoch)
    await expect(runCanary(plate, row(), { ...parts, claim })).rejects.toThrow('no way')
    expect((await world.record(plate, code)).aurora).toMatch(/deleted$/)
  })

  it('takes nobody’s place', async () => {
    await world.make(plate, 'aurora', row(), code)
    await expect(runCanary(plate, row(), partsWith())).rejects.toThrow(/with the key of the canary/)
    expect((await world.record(plate, code)).aurora).toBe('aurora 0 v1 canary')
  })
})
