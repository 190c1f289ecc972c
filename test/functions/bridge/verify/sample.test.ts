import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { isCheaperByKey, sampledSegments } from '../../../../functions/bridge/verify/sample.ts'
import { installMirror, removeMirror } from '../../../support/mirrored.ts'
import { mirroredChef } from '../aurora/triggers/legacy.ts'
import { openWorld, type World } from '../cutover/world.ts'
import { openClient } from '../jobs/job-tables.ts'
import { openTestVerify, type TestVerify } from './harness.ts'
import { plantRows } from './planted.ts'

const mirrored = mirroredChef()
const ROWS = 1_200

describe('what a sample costs', () => {
  it.each([
    // A thousand such items are in 25 units of a scan; each is one of its own by its key.
    ['small items', 200, 2, true],
    ['small items', 200, 3, false],
    ['items of a unit', 4_096, 30, true],
    ['items of a unit', 4_096, 40, false],
    ['large items', 40_000, 30, true],
  ])('of %s of %d bytes and %d %% is less by their keys: %s', (_, each, percent, isLess) => {
    expect(isCheaperByKey({ items: 1_000, bytes: 1_000 * each }, percent)).toBe(isLess)
  })

  it('of an empty table isn’t less', () => expect(isCheaperByKey({ items: 0, bytes: 0 }, 1)).toBe(false))

  it.each([
    [8, 25, { sampled: 2, items: 8 }],
    [8, 2, { sampled: 1, items: 50 }],
    [64, 0.5, { sampled: 1, items: 200 }],
  ])('of a table of %d segments and %d %% is so many of so many', (segments, percent, divided) => {
    expect(sampledSegments(segments, percent)).toEqual(divided)
  })
})

describe('verifying a sample that is read by keys', () => {
  let world: World
  let verify: TestVerify
  beforeAll(async () => {
    world = await openWorld([mirrored], { chef: 'Chefs' })
    verify = await openTestVerify(world.sync)
    await installMirror(world.sync.aurora, [mirrored])
    await plantRows(world, mirrored, ROWS)
  }, 60_000)
  afterAll(async () => {
    await removeMirror(world.sync.aurora, [mirrored])
    await Promise.all([world.close(), verify.close()])
  })

  const sql = async (statement: string): Promise<void> => {
    await world.sync.aurora.legacy.query(statement)
    await world.sync.aurora.legacy.query('DELETE FROM backsync_changes')
  }
  const sample = (more: Parameters<TestVerify['verify']>[2] = {}) =>
    verify.verify(mirrored, { scope: { of: 'sample', percent: 1.5 } }, more)
  /** How many of a sample there may be; it is a bucket of 64 of the rows, and a segment of 67 of the items. */
  const isShare = (count: number): boolean => count > 5 && count < ROWS / 10

  it('reads a share of the items, and finds nothing where both hold the same', async () => {
    const client = openClient()
    let items = 0
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args)
          const { ScannedCount = 0, Responses = {} } = counted.parse(answer.output)
          if (commandName === 'ScanCommand') items += ScannedCount
          items += Object.values(Responses).flat().length
          return answer
        },
      { step: 'initialize' },
    )

    const { outcome, kinds, looked } = await sample({
      client,
      // What the plan has looked at is none of it.
      onBegin: () => {
        items = 0
      },
    })
    client.destroy()

    const { rows = 0, items: compared = 0, complete } = outcome.verification ?? {}
    expect([kinds, complete]).toEqual([[], false])
    expect([rows, compared].map(isShare)).toEqual([true, true])
    expect(items).toBe(rows + compared)
    expect(Object.keys(looked).toSorted()).toEqual(['look', 'sampleItems', 'sampleRows'])
  })
  const counted = z.object({
    ScannedCount: z.number().optional(),
    Responses: z.record(z.string(), z.array(z.unknown())).optional(),
  })

  it('finds of all that differ those that are in it, the same ones each time', async () => {
    await sql("UPDATE cheftable SET cheflast = 'late'")

    const { kinds } = await sample()

    expect(isShare(kinds.length)).toBe(true)
    expect(new Set(kinds.map((kind) => kind.split(': ')[1]))).toEqual(new Set(['dynamoBehind']))
    expect((await sample()).kinds).toEqual(kinds)
  })

  it('goes on where it was interrupted', async () => {
    const stop = new AbortController()
    const { outcome } = await sample({ signal: stop.signal, onProgress: () => stop.abort() })
    expect([outcome.done, outcome.step]).toEqual([false, 'sampleRows'])

    expect((await sample()).plan.todo).toBe('go on')
  })

  it('finds what only one side has, whichever it is', async () => {
    await sql('DELETE FROM cheftable WHERE id % 2 = 0')
    for (const id of Array.from({ length: ROWS / 2 }, (_, n) => 2 * n + 1))
      await world.sync.remove(mirrored, String(id))

    const { kinds } = await sample()

    expect(isShare(kinds.length)).toBe(true)
    expect(new Set(kinds.map((kind) => kind.split(': ')[1]))).toEqual(new Set(['onlyAurora', 'onlyDynamo']))
  }, 60_000)
})
