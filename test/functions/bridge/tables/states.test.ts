import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { keySchema } from '../../../../functions/bridge/drivers/dynamo/key-schema.ts'
import { jobsTable } from '../../../../functions/bridge/jobs/job-settings.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { DynamoStates } from '../../../../functions/bridge/tables/states.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'

let ground: TestTables
let states: DynamoStates
const at = (second: number): Date => new Date(Date.UTC(2026, 10, 22, 9, 0, second))

beforeAll(async () => {
  ground = openTestTables()
  const key = keySchema({ partition: jobsTable.partition, sort: jobsTable.sort }, 'jobs')
  states = new DynamoStates(ground.client, await ground.create('jobs', key), new Deadline())
})
afterAll(() => ground.close())

describe('where a kept table stands', () => {
  it('is following, as long as nobody has said anything', async () => {
    expect(await states.read('new')).toEqual({ name: 'new', state: 'following' })
  })

  it('is what was applied last, and when that was written', async () => {
    await states.beat('busy', at(1).toISOString(), at(2))
    await states.beat('busy', at(3).toISOString(), at(4))
    expect(await states.read('busy')).toEqual({
      name: 'busy',
      state: 'following',
      lastRecordAt: '2026-11-22T09:00:03.000Z',
      lastAppliedAt: '2026-11-22T09:00:04.000Z',
    })
  })

  it('is finished, by whom and when, until it is opened again', async () => {
    await states.finish('old', 'ann', at(5))
    expect(await states.read('old')).toEqual({
      name: 'old',
      state: 'finished',
      finishedAt: '2026-11-22T09:00:05.000Z',
      by: 'ann',
    })

    await states.reopen('old', 'bob', at(6))
    expect(await states.read('old')).toEqual({ name: 'old', state: 'following', by: 'bob' })
  })

  it('is found for many at once', async () => {
    const names = Array.from({ length: 130 }, (_, number) => `table-${number}`)
    await states.finish('table-3', 'ann', at(7))
    await states.finish('table-120', 'ann', at(7))
    expect(await states.finished([...names, 'new'])).toEqual(new Set(['table-3', 'table-120']))
    expect(await states.finished([])).toEqual(new Set())
  })
})
