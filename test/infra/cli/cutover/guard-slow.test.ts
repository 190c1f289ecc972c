import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type FaultProxy, startFaultProxy } from '../../../support/fault-proxy.ts'
import { jsonLines } from '../harness.ts'
import { type Guarded, openGuarded, quietly } from './guarded.ts'

/** What DynamoDB takes for an answer, in milliseconds. */
const USUAL = 30

describe('a guard over a route whose new side gets slow', () => {
  let world: Guarded
  let proxy: FaultProxy
  let takes = USUAL
  beforeAll(async () => {
    proxy = await startFaultProxy(process.env.TEST_DYNAMODB_ENDPOINT ?? '', ({ tables }) => {
      if (tables.some((table) => table.startsWith('Chef-'))) world.takes(takes)
      return 'pass'
    })
    world = await openGuarded({ AWS_ENDPOINT_URL_DYNAMODB: proxy.endpoint })
  }, 60_000)
  afterAll(async () => {
    await world.close()
    await proxy.close()
  })
  const reads = { '1': 12, fine: 12 }

  it('measures below live what is slow, by the old side, and leaves one alone that is as fast', async () => {
    await world.moveTo('mirrored')
    await world.moveTo('shadow')
    expect(await world.look()).toEqual(quietly)
    for (let n = 0; n < 3; n++) expect(await world.minute({ '1': 20 })).toEqual(quietly)
    // Of what Aurora has at once nothing is slow that nobody notices.
    expect(await world.guardIn()).toMatchObject({ slowAbove: 50 })

    await world.moveTo('live', '--percent', '20', '--allow', 'fine', '--deny', '1')
    await world.settle()
    for (let n = 0; n < 5; n++) expect(await world.minute(reads)).toEqual(quietly)
    // It stays what it was measured to be before.
    expect(await world.guardIn()).toMatchObject({ slowAbove: 50, verdict: 'cannot tell' })
    expect((await world.cutover('status')).stdout).toMatch(
      /^ +slow answers: 0 of 24, beside 0 of 24 +worse 0 %, as good \d+ % +at least \d+ reads, of which 4 a minute count$/m,
    )
  }, 60_000)

  it('finds three times the latency, names it, and steps back by it', async () => {
    takes = 3 * USUAL
    let stepped: unknown[] = []
    for (let n = 0; n < 10 && stepped.length === 0; n++) stepped = Object(await world.minute(reads)).stepped
    expect(stepped).toEqual(['chef'])
    const [last] = jsonLines((await world.cutover('history', 'chef', '--json')).stdout)
    expect(last).toMatchObject({
      ...{ by: 'guard', to: { stage: 'live', percent: 5 } },
      why: expect.stringMatching(/^slow answers: \d+ of \d+, beside 0 of \d+$/),
      evidence: [{ signal: 'tooSlow' }],
    })
  }, 60_000)
})
