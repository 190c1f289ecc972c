import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { guardRoutes } from '../../../../functions/bridge/cutover/guard-routes.ts'
import { WatchNotes } from '../../../../functions/bridge/cutover/watch-notes.ts'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { moved, placementAt } from '../../../../functions/bridge/model/route-moves.ts'
import { DynamoRoutes } from '../../../../functions/bridge/routes/dynamo-routes.ts'
import { routeTable } from '../../../../functions/bridge/routes/route-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { type JobTables, openJobTables } from '../jobs/job-tables.ts'

describe('the guard over all routes', () => {
  let tables: JobTables
  let routes: DynamoRoutes
  beforeAll(async () => {
    tables = await openJobTables()
    const table = await tables.create(keySchema({ partition: routeTable.partition }, 'routes'))
    routes = new DynamoRoutes({ client: tables.client, table, deadline: new Deadline() })
    for (const [name, stage] of [
      ['first', 'shadow'],
      ['second', 'live'],
      ['over', 'complete'],
    ] as const) {
      const was = await routes.read(name)
      await routes.replace(
        was,
        moved(was.route, placementAt(was.route, { stage }), { at: '', by: 'ann' }, 'salt'),
      )
    }
  })
  afterAll(() => tables.close())
  const named = (name: string): Entity => ({ ...chef, name })

  it('asks about those that are on their way, and goes on behind one that it can not judge, and tells of it', async () => {
    const asked: string[] = []
    const told: unknown[] = []
    const failure = new Error('throttled')
    const log = {
      warn: () => undefined,
      error: (message: string, about?: object) => void told.push([message, about]),
    }
    const gauges: Record<string, number> = {}
    const outcome = await guardRoutes(['first', 'never', 'second', 'over'].map(named), {
      ...{ routes, log, now: () => Date.now(), notes: new WatchNotes(tables.jobs().notes, log) },
      intervals: async ({ name }) => {
        asked.push(name)
        if (name === 'first') throw failure
        return []
      },
      slowAbove: async () => undefined,
      metrics: {
        count: () => expect('nobody').toBe('stepped back'),
        gauge: (name, of, n) => {
          gauges[`${name} ${of}`] = n
        },
      },
    })

    expect(asked).toEqual(['first', 'second'])
    expect(outcome).toEqual({ judged: ['second'], stepped: [], held: [], unjudged: ['first'] })
    expect(gauges).toEqual({ 'Unjudged stack': 1, 'WorseHeld stack': 0 })
    expect(told).toEqual([
      ['a route can not be judged', { entity: 'first', error: failure, kind: 'unknown' }],
    ])
  })
})
