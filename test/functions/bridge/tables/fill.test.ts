import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import type { SegmentProgress } from '../../../../functions/bridge/jobs/jobs.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { type Backfill, backfill } from '../../../../functions/bridge/tables/backfill.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import { replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type KeptTables, openKeptTables } from '../../../support/kept-tables.ts'
import { passedOn } from '../parking/harness.ts'
import { verifyKept } from './verify-harness.ts'

const preferences = defineTable({ name: 'preferences', key: { partition: 'id', sort: 'kind' } })
const v2 = reshape({
  from: preferences,
  to: 'preferences-v2',
  rename: { value: 'setting' },
  set: { schema: 2 },
  map: (item) => (item.setting === 'hidden' ? undefined : item),
})
const byKind = replicate({ from: preferences, to: 'one-of-each-kind', key: { partition: 'kind' } })
const projections = [v2, byKind]

let ground: TestTables
let kept: KeptTables
let parts: TableSyncParts

beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())
beforeEach(async () => {
  kept = await openKeptTables(ground, projections)
  parts = kept.parts()
})

const item = (id: string, kind: string, value = 'on'): Item => ({
  id: { S: id },
  kind: { S: kind },
  value: { S: value },
})
const put = (one: Item): Promise<void> => ground.put(kept.tables.preferences ?? '', one)
const putAll = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at++) await put(item(`u${at}`, `k${at}`))
}

const fill = (more: Partial<Backfill> = {}) =>
  backfill({
    projection: v2,
    sync: parts,
    lease: { progress: [], save: async () => {} },
    segments: 3,
    deadline: new Deadline(),
    ...more,
  })
const compare = (projection = v2) => verifyKept(projection, kept)

const CREATED = 1_795_316_400
/** A record of the stream, written so many seconds from now. */
const deliver = (before: Item | undefined, after: Item | undefined, { seconds = 0, at = 1 } = {}) =>
  keepTables(
    {
      Records: [
        {
          eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
          eventSource: 'aws:dynamodb',
          eventSourceARN: `arn:aws:dynamodb:us-east-1:123456789012:table/${kept.tables.preferences}/stream/2026`,
          dynamodb: {
            ApproximateCreationDateTime: CREATED + seconds,
            Keys: { id: (after ?? before)?.id, kind: (after ?? before)?.kind },
            ...(before && { OldImage: before }),
            ...(after && { NewImage: after }),
            SequenceNumber: String(at),
          },
        },
      ],
    },
    projections,
    parts,
  )
/** Parts whose clock is so many seconds off the time of the records. */
const clockAt = (seconds: number): TableSyncParts =>
  kept.parts({ now: () => new Date((CREATED + seconds) * 1000) })

describe('filling a kept table', () => {
  it('takes over all that has a place, so that it compares as equal', async () => {
    await putAll(40)
    await put(item('h', 'h', 'hidden'))
    expect(await compare()).toMatchObject({ equal: false, differences: { onlySource: 40 } })

    const { done, tally } = await fill()

    expect([done, tally.items, tally.applied, tally.skipped, tally.refused]).toEqual([true, 41, 40, 1, 0])
    expect(await compare()).toMatchObject({ source: 40, target: 40, equal: true, found: [] })
  })

  it('changes nothing the second time in the same second, since what is read then is as old', async () => {
    await putAll(10)
    parts = clockAt(0)
    await fill()
    expect((await fill()).tally).toMatchObject({ applied: 0, skipped: 10 })
  })

  it('leaves alone what the stream has brought since the page was read', async () => {
    await put(item('a', 'k', 'old'))
    parts = clockAt(0)
    await deliver(item('a', 'k', 'old'), item('a', 'k', 'new'))
    await fill()
    expect(await ground.all(kept.tables['preferences-v2'] ?? '')).toMatchObject([{ setting: { S: 'new' } }])
  })

  it('brings nothing back that was deleted while the page was on its way', async () => {
    await put(item('a', 'k'))
    parts = clockAt(-1)
    await deliver(item('a', 'k'), undefined)
    expect((await fill()).tally).toMatchObject({ applied: 0, skipped: 1 })
    expect(await ground.all(kept.tables['preferences-v2'] ?? '')).toEqual([])
  })

  it('repairs what is older than what it reads', async () => {
    parts = clockAt(0)
    await deliver(undefined, item('a', 'k', 'old'))
    await put(item('a', 'k', 'new'))
    expect(await compare()).toMatchObject({ differences: { targetBehind: 1 } })

    parts = clockAt(3_600)
    expect((await fill()).tally).toMatchObject({ applied: 1 })
    expect(await compare()).toMatchObject({ equal: true })
  })

  it('goes on where it stopped', async () => {
    await putAll(30)
    const progress = new Map<number, SegmentProgress>()
    const lease = {
      get progress() {
        return [...progress.values()]
      },
      save: async (one: SegmentProgress) => void progress.set(one.segment, one),
    }
    const stop = new AbortController()
    const first = await fill({ lease, concurrency: 1, signal: stop.signal, onProgress: () => stop.abort() })
    expect([first.done, first.tally.items < 30]).toEqual([false, true])

    const second = await fill({ lease })
    expect([second.done, second.tally.items, second.tally.applied]).toEqual([true, 30, 30])
    expect(await compare()).toMatchObject({ equal: true })
  })

  it('ends with a second try of what was in the way of something, or bad, and is so no more', async () => {
    await put(item('a', 'k'))
    await put(item('b', 'k'))
    parts = clockAt(0)
    let gone = false
    const { parking } = parts
    const late: TableSyncParts = {
      ...parts,
      parking: {
        ...passedOn(parking),
        // Whoever has the place leaves it between the refusal and the parking of the other.
        park: async (changes, at) => {
          if (changes.length > 0 && !gone) {
            gone = true
            const [there] = await ground.all(kept.tables['one-of-each-kind'] ?? '')
            const { id = { S: '' }, kind = { S: '' } } = there ?? {}
            await ground.remove(kept.tables.preferences ?? '', { id, kind })
            await deliver(item(id.S ?? '', 'k'), undefined)
          }
          await parking.park(changes, at)
        },
      },
    }

    await fill({ projection: byKind, sync: late })

    expect(await ground.all(kept.tables['one-of-each-kind'] ?? '')).toHaveLength(1)
    expect(await parts.parking.parkedOf('one-of-each-kind')).toEqual(new Map())
  })

  it('fails where something is neither taken over nor parked, so that its page is read once more', async () => {
    await put(item('a', 'k'))
    await put(item('b', 'k'))
    const progress: SegmentProgress[] = []
    const lease = { progress: [], save: async (one: SegmentProgress) => void progress.push(one) }
    const { parking } = parts
    const full: TableSyncParts = {
      ...parts,
      parking: {
        ...passedOn(parking),
        park: async () => {
          throw new Error('no room')
        },
      },
    }
    await expect(fill({ projection: byKind, sync: full, lease, segments: 1 })).rejects.toThrow('no room')
    expect(progress).toEqual([])

    expect((await fill({ projection: byKind, lease, segments: 1 })).tally).toMatchObject({ refused: 1 })
    expect(await parking.parkedOf('one-of-each-kind')).toHaveProperty('size', 1)
  })

  it('parks what collides, and an operator gets it in once there is room', async () => {
    await put(item('a', 'k'))
    await put(item('b', 'k'))
    parts = clockAt(0)
    const { tally } = await fill({ projection: byKind })
    expect(tally).toMatchObject({ applied: 1, refused: 1 })
    expect(await compare(byKind)).toMatchObject({
      equal: false,
      found: [expect.stringMatching(/^k of \["[ab]","k"\]: parked, taken$/)],
    })

    const heads = [...(await parts.parking.parkedOf('one-of-each-kind')).values()]
    expect(heads).toMatchObject([{ class: 'dependency', code: 'target.taken' }])
    expect(await retryParked(parts, 'one-of-each-kind', heads)).toMatchObject([{ outcome: 'parked' }])
    const [there] = await ground.all(kept.tables['one-of-each-kind'] ?? '')
    await deliver(item(there?.id?.S ?? '', 'k'), undefined)
    expect(await ground.all(kept.tables['one-of-each-kind'] ?? '')).toMatchObject([
      { id: { S: there?.id?.S === 'a' ? 'b' : 'a' } },
    ])
    expect(await parts.parking.parkedOf('one-of-each-kind')).toEqual(new Map())
  })
})
