import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { entities } from '../fixtures/cutover/entities.ts'
import { movedApp, withMoved } from '../fixtures/cutover/sources.ts'
import { runCli } from '../infra/cli/harness.ts'
import { isProving, times } from '../support/runs.ts'
import { call, send } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { openWorld, type World } from './world.ts'

/** What a minute saw is known three later, and two pass before the first one counts. */
const FOUND_WITHIN = 8 * 60_000

/** It waits for metrics, minute by minute: of ten minutes of proving it would take most. */
const isPlayed = !isProving || times(1) > 1

/** The whole way, by the synthesised template, its schedule and the bundles. Nobody calls the guard here. */
;(isPlayed ? describe : describe.skip)('a stack whose routes are on their way', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(async () => undefined, { app: movedApp, mirrored: entities })
  }, 150_000)
  afterAll(() => world?.close(), 30_000)

  const cutover = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['cutover', ...args], {
      ...{ BACKSYNC_HOME: world.home, NODE_OPTIONS: withMoved, AWS_PROFILE: 'nobody' },
    })
    expect([0, 3].includes(code ?? -1) ? '' : stderr).toBe('')
    return stdout
  }
  /** Has a route go live by some keys, and others stay. */
  const goLive = async (entity: string, allow: string, deny: string): Promise<void> => {
    const forced = ['--force', '--why', 'a test', '--yes']
    for (const to of [
      ['mirrored'],
      ['shadow'],
      ['live', '--percent', '20', '--allow', allow, '--deny', deny],
    ])
      await cutover('set', entity, ...to, ...forced)
  }
  const historyOf = async (entity: string): Promise<Record<string, unknown>[]> =>
    (await cutover('history', entity, '--json'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))

  it('has the one that fails found, named and stepped back, and the quiet one left alone', async () => {
    const { url } = world.stack
    const old = await send('POST', `${url}/aurora/chefs`, { firstName: 'Ada', lastName: 'Cook' })
    const fresh = await send('POST', `${url}/dynamo/chefs`, { firstName: 'Bea', lastName: 'Baker' })
    const [there, here] = [String(old.json().chefId), String(fresh.json().chefId)]
    // No text: whoever reads it is answered 500.
    await world.dynamodb.send(
      new PutItemCommand({
        TableName: world.outputs.ChefTableName,
        Item: {
          ...{ chefId: { S: 'broken' }, firstName: { N: '7' }, lastName: { S: 'Baker' } },
          ...{ version: { N: '1' }, updatedAt: { S: '2026-11-22T10:00:00.000Z' } },
          backsync_owner: { S: 'dynamo' },
        },
      }),
    )
    for (const [side, code] of [
      ['aurora', 'old'],
      ['dynamo', 'new'],
    ])
      await send('POST', `${url}/${side}/plates`, { code, title: 'x' })
    await goLive('chef', `${here},broken`, there)
    await goLive('plate', 'new', 'old')

    const paths = [`chefs/${there}`, `chefs/${here}`, 'chefs/broken', 'plates/old', 'plates/new']
    const statuses = async (): Promise<number[]> => {
      const all: number[] = []
      for (const path of paths) all.push((await call(`${url}/${path}`)).status)
      return all
    }
    expect(await statuses()).toEqual([200, 200, 500, 200, 200])
    /** Both ways have something to carry, too. */
    const write = async (): Promise<void> => {
      for (const code of ['old', 'new'])
        expect((await send('PUT', `${url}/plates/${code}`, { code, title: 'y' })).status).toBe(200)
    }
    let looked = 0
    await until('the guard has stepped a route back', FOUND_WITHIN, async () => {
      await statuses()
      if (Date.now() - looked < 10_000) return false
      looked = Date.now()
      await write()
      return (await historyOf('chef')).some(({ by }) => by === 'guard')
    })

    const [last] = await historyOf('chef')
    // Half of what the new side answers fails: no smaller share helps.
    expect(last).toMatchObject({
      ...{ by: 'guard', from: { stage: 'live', percent: 20 }, to: { stage: 'shadow' } },
      why: expect.stringMatching(/^errors: \d+ of \d+, beside 0 of \d+$/),
      evidence: [{ signal: 'error', by: 'above', control: { bad: 0 } }],
    })
    expect((await historyOf('plate')).map(({ by }) => by)).not.toContain('guard')
    const status = await cutover('status')
    expect(status).toMatch(/^chef +shadow, /m)
    expect(status).toMatch(/^plate +live 20 %, /m)
    expect(status).toMatch(/^plate +(as good|cannot tell) +errors: 0 of \d+, beside 0 of \d+ +worse 0 %/m)
    // The relay and the function that follows streams have told of what they carried.
    expect(status.slice(status.search(/^plate +(as good|cannot tell)/m))).toMatch(
      /^ +late minutes: 0 of [1-9]\d*/m,
    )
  }, 560_000)
})
