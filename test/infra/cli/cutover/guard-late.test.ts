import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { InvocationContext } from '../../../../functions/bridge/runtime/deadline.ts'
import { httpApiEvent } from '../../../functions/fixtures/http-events.ts'
import { streamEvent, streamRecord } from '../../../functions/fixtures/stream-events.ts'
import { jsonLines } from '../harness.ts'
import { type Guarded, openGuarded } from './guarded.ts'

type Handler = (event: unknown, context: InvocationContext) => Promise<unknown>
const context: InvocationContext = { awsRequestId: 'request', getRemainingTimeInMillis: () => 20_000 }

/** Before any clock is set: what is set belongs to metrics alone. */
const trueNow = Date.now

/** The stream is brought by hand to the function that follows it: later, or not at all. */
describe('a guard over a route of which Aurora learns late', () => {
  let world: Guarded
  let facade: Handler
  let follower: Handler
  beforeAll(async () => {
    world = await openGuarded()
    facade = (await import('../../../../functions/cutover/handler.ts')).handler
    follower = (await import('../../../../functions/legacy/handler.ts')).handler
  }, 60_000)
  afterAll(() => world.close())

  /** A client writes at the new side. */
  const write = async (): Promise<void> => {
    const event = httpApiEvent('PUT', '/chefs/fine', {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ firstName: 'Bea', lastName: 'Baker' }),
    })
    expect(await facade(event, context)).toMatchObject({ statusCode: 200 })
  }
  /** What is written is brought, so many seconds after it was. */
  const bring = async (seconds: number): Promise<void> => {
    const at = trueNow() - seconds * 1_000
    const newImage = {
      ...(await world.stack.item('chef', 'fine')),
      updatedAt: { S: new Date(at).toISOString() },
    }
    const record = streamRecord({
      ...{ eventName: 'MODIFY', table: world.stack.tableOf('chef'), key: { S: 'fine' } },
      ...{ created: Math.floor(at / 1_000), newImage, oldImage: newImage },
    })
    expect(await follower(streamEvent(record), context)).toEqual({ batchItemFailures: [] })
  }
  const minutes = async (count: number, each: () => Promise<void>): Promise<unknown[]> => {
    const stepped: unknown[] = []
    for (let n = 0; n < count; n++) {
      await each()
      stepped.push(...Object(await world.minute({})).stepped)
    }
    return stepped
  }
  const lastMove = async (): Promise<unknown> =>
    jsonLines((await world.cutover('history', 'chef', '--json')).stdout)[0]

  it('leaves one alone of which it learns soon, or of which there is nothing to learn', async () => {
    await world.moveTo('mirrored')
    await world.moveTo('shadow')
    await world.moveTo('live', '--percent', '50', '--allow', 'fine', '--deny', '1')
    await world.look()
    const soon = async (): Promise<void> => {
      await write()
      await bring(1)
    }
    expect(await minutes(10, soon)).toEqual([])
    expect(await minutes(5, async () => undefined)).toEqual([])
    expect((await world.cutover('status')).stdout).toMatch(
      /^ +late minutes: 0 of \d+ +worse 0 %, as good \d+ % +at least \d+ minutes$/m,
    )
  }, 60_000)

  it('finds that it lags, names it, and steps back by it', async () => {
    const late = async (): Promise<void> => {
      await write()
      await bring(90)
    }
    expect(await minutes(12, late)).toEqual(['chef'])
    expect(await lastMove()).toMatchObject({
      ...{ by: 'guard', to: { stage: 'live', percent: 20 } },
      why: expect.stringMatching(/^late minutes: \d+ of \d+$/),
      evidence: [{ signal: 'tooLate', by: 'above' }],
    })
  }, 60_000)

  it('finds that its mirror has stopped, names it, and steps back by it', async () => {
    expect(await minutes(20, write)).toEqual(['chef'])
    expect(await lastMove()).toMatchObject({
      ...{ by: 'guard', to: { stage: 'live', percent: 5 } },
      why: expect.stringMatching(/^late minutes: \d+ of \d+$/),
      evidence: [{ signal: 'tooLate', by: 'above' }],
    })
  }, 60_000)
})
