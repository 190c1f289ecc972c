import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Outcome } from '../../../../infra/local/lambda/environment.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import { limitsOf } from '../../../../infra/local/streams/shard.ts'
import { record, sequencesOf } from './records.fixture.ts'
import { ScriptedStream } from './scripted-stream.ts'
import { settings } from './settings.fixture.ts'
import { checkpointFile, consume, crash, itemInLane, ok, positionIn, SHARD } from './shard.fixture.ts'
import { until } from './until.ts'

const [poison, healthy] = [itemInLane(0, 2), itemInLane(1, 2)]
const isPoison = (one: StreamRecord): boolean => JSON.stringify(one.dynamodb.Keys).includes(poison)

describe('the lanes of a shard', () => {
  let file: string
  let remove: () => Promise<void>
  let stop: AbortController
  let running: Promise<void> | undefined
  let stream: ScriptedStream
  const delivered: string[] = []
  beforeEach(async () => {
    delivered.length = 0
    ;({ file, remove } = await checkpointFile())
    stop = new AbortController()
    stream = new ScriptedStream()
    stream.shard(SHARD, [])
  })
  afterEach(async () => {
    stop.abort()
    await running
    await remove()
  })

  /** Fails each batch that holds the poisoned item, and takes all others. */
  const failingPoison = async (records: readonly StreamRecord[]): Promise<Outcome> => {
    if (records.some(isPoison)) return crash
    delivered.push(...sequencesOf(records))
    return ok
  }

  it('do not wait for one that stands still, and no checkpoint passes what it holds', async () => {
    stream.put(SHARD, record(1, healthy))
    stream.put(SHARD, record(2, poison))
    stream.put(SHARD, record(3, healthy))
    running = consume({
      file,
      stream,
      settings: { parallelizationFactor: 2, batchSize: 1 },
      invoke: failingPoison,
      signal: stop.signal,
    })
    await until(() => expect(delivered).toEqual(['1', '3']))

    for (let i = 4; i <= 40; i++) stream.put(SHARD, record(i, i % 4 === 0 ? poison : healthy))

    await until(() => expect(delivered.at(-1)).toBe('39'))
    expect(delivered).toHaveLength(2 + 27)
    await until(async () => expect(await positionIn(file)).toBe(1))
    stop.abort()
    await running
    expect(await positionIn(file)).toBe(1)

    // After a restart everything behind the checkpoint comes again, the poisoned item's records among it.
    delivered.length = 0
    stop = new AbortController()
    running = consume({
      file,
      stream,
      settings: { parallelizationFactor: 2 },
      invoke: async (records) => {
        delivered.push(...sequencesOf(records))
        return ok
      },
      signal: stop.signal,
    })
    await until(async () => expect(await positionIn(file)).toBe(40))
    expect(delivered.map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 39 }, (_, i) => i + 2),
    )
  })

  it('read on while a batch is being delivered, and make the next one of what has come', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const batches: string[][] = []
    stream.put(SHARD, record(1, healthy))
    running = consume({
      file,
      stream,
      settings: {},
      invoke: async (records) => {
        batches.push(sequencesOf(records))
        if (batches.length === 1) await held
        return ok
      },
      signal: stop.signal,
    })
    await until(() => expect(batches).toHaveLength(1))
    const before = stream.reads(SHARD)
    for (let i = 2; i <= 6; i++) stream.put(SHARD, record(i, healthy))

    await until(() => expect(stream.reads(SHARD)).toBeGreaterThan(before + 2))
    expect(batches).toEqual([['1']])
    release()

    await until(() => expect(batches).toEqual([['1'], ['2', '3', '4', '5', '6']]))
  })

  it.each([
    ['records in memory', { records: 5, bytes: 1e9, sinceCheckpoint: 1e9 }, 5],
    ['bytes in memory', { records: 1e9, bytes: 1, sinceCheckpoint: 1e9 }, 1000],
    ['records since the checkpoint', { records: 1e9, bytes: 1e9, sinceCheckpoint: 7 }, 7],
  ])('stop reading at the limit of %s, and go on when there is room', async (_, limits, most) => {
    let broken = true
    const seen = new Set<string>()
    for (let i = 1; i <= 2_500; i++) stream.put(SHARD, record(i, i % 2 ? poison : healthy))
    let returned = 0
    const { read } = stream
    stream.read = async (...args) => {
      const page = await read.apply(stream, args)
      returned += page.records.length
      return page
    }
    let failures = 0
    running = consume({
      file,
      stream,
      settings: { parallelizationFactor: 2 },
      limits,
      invoke: async (records) => {
        if (broken && records.some(isPoison)) {
          failures++
          return crash
        }
        for (const id of sequencesOf(records)) seen.add(id)
        return ok
      },
      signal: stop.signal,
    })

    await until(() => expect(failures).toBeGreaterThan(20))
    // What is done with makes room in memory for as much again: but never more than the limit is held.
    expect(returned - seen.size).toBeLessThanOrEqual(most)
    expect(returned).toBeLessThan(2_500)
    broken = false

    await until(async () => expect(await positionIn(file)).toBe(2_500))
    expect(seen.size).toBe(2_500)
  })

  it('have room for each lane to be busy with one batch while the next one is read', () => {
    const { records } = limitsOf(settings({ batchSize: 10_000, parallelizationFactor: 10 }))
    expect(records).toBe(200_000)
  })

  it('deliver what waits for its window once the shard has ended, and finish it', async () => {
    stream.put(SHARD, record(1, healthy))
    stream.close(SHARD)
    const batches: string[][] = []

    await consume({
      file,
      stream,
      // Longer than the test may take, were it waited for.
      settings: { windowSeconds: 300, parallelizationFactor: 3 },
      invoke: async (records) => {
        batches.push(sequencesOf(records))
        return ok
      },
      signal: stop.signal,
    })

    expect(batches).toEqual([['1']])
    expect(await positionIn(file)).toBe(1)
  })

  it('all stop when the failure destination fails, and leave the checkpoint before what it did not take', async () => {
    stream.put(SHARD, record(1, healthy))
    stream.put(SHARD, record(2, poison))

    await expect(
      consume({
        file,
        stream,
        settings: { parallelizationFactor: 2, maximumRetryAttempts: 0 },
        invoke: failingPoison,
        discard: () => {
          throw new Error('disk full')
        },
        signal: stop.signal,
      }),
    ).rejects.toThrow('disk full')

    expect(await positionIn(file)).toBeLessThan(2)
  })
})
