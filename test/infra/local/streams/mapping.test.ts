import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Checkpoints } from '../../../../infra/local/streams/checkpoints.ts'
import { runMapping } from '../../../../infra/local/streams/mapping.ts'
import type { StreamRecord } from '../../../../infra/local/streams/records.ts'
import type { MappingSettings } from '../../../../infra/local/streams/settings.ts'
import { record, sequencesOf } from './records.fixture.ts'
import { ScriptedStream } from './scripted-stream.ts'
import { FakeClock, settings } from './settings.fixture.ts'
import { until } from './until.ts'

describe('an event source mapping', () => {
  let folder: string
  let stop: AbortController
  let running: Promise<void> | undefined
  let stream: ScriptedStream
  let batches: string[][]
  let lines: string[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'backsync-mapping-'))
    stream = new ScriptedStream()
    batches = []
    lines = []
  })
  afterEach(async () => {
    stop.abort()
    await running
    await rm(folder, { recursive: true, force: true })
  })

  const delivered = (): string[] => batches.flat()
  const open = () => Checkpoints.open(join(folder, 'm.json'), settings().streamArn, 1_000_000)
  const start = async (
    changes: Partial<MappingSettings> = {},
    answer: (records: readonly StreamRecord[]) => Promise<unknown> | unknown = () => null,
  ): Promise<void> => {
    stop = new AbortController()
    const clock = new FakeClock()
    running = runMapping(
      {
        settings: settings(changes),
        source: stream,
        checkpoints: await open(),
        clock,
        random: () => 0,
        log: (line) => lines.push(line),
        deliveryTo: () => ({
          clock,
          random: () => 0,
          newRequestId: () => 'request',
          log: (line) => lines.push(line),
          discard: async () => {},
          invoke: async (records) => {
            batches.push(sequencesOf(records))
            return { ok: true, payload: JSON.stringify((await answer(records)) ?? null) }
          },
        }),
      },
      stop.signal,
    )
  }
  const restart = async (changes: Partial<MappingSettings> = {}): Promise<void> => {
    stop.abort()
    await running
    batches = []
    await start(changes)
  }

  it('reads a parent to its end before its children, and children of a split both', async () => {
    stream.shard('parent', ['1', '2', '3'], { closed: true })
    stream.shard('left', ['10'], { parentId: 'parent' })
    stream.shard('right', ['11'], { parentId: 'parent' })

    await start({ batchSize: 2 })

    await until(() => expect(delivered()).toHaveLength(5))
    expect(delivered().slice(0, 3)).toEqual(['1', '2', '3'])
    expect(delivered().slice(3).sort()).toEqual(['10', '11'])
  })

  it('takes a parent for closed when a child is listed, although it is shown open', async () => {
    stream.shard('parent', ['1'], { closed: true, shownOpen: true })
    stream.shard('child', ['2'], { parentId: 'parent' })

    await start()

    await until(() => expect(delivered()).toEqual(['1', '2']))
  })

  it('finds a child that appears later, and begins it at its start', async () => {
    stream.shard('parent', ['1'])
    await start({ startingPosition: 'LATEST' })
    await until(() => expect(stream.reads('parent')).toBeGreaterThan(2))

    stream.append('parent', '2')
    stream.close('parent')
    stream.shard('child', ['3'], { parentId: 'parent' })

    await until(() => expect(delivered()).toEqual(['2', '3']))
  })

  it('goes on after an empty page, and after a missing iterator on an open shard', async () => {
    stream.shard('only', ['1'])
    stream.loseIterators('only', 2)
    await start()
    await until(() => expect(stream.reads('only')).toBeGreaterThan(5))

    stream.append('only', '2')

    await until(() => expect(delivered()).toEqual(['1', '2']))
  })

  it('takes up an expired iterator after the last record, not at the end', async () => {
    stream.shard('only', ['1'])
    await start()
    await until(() => expect(delivered()).toEqual(['1']))

    stream.fail('only', 'streams.expired', 1)
    stream.append('only', '800000000003126276362')

    await until(() => expect(delivered()).toEqual(['1', '800000000003126276362']))
  })

  it('reports trimmed records as a gap and goes on with what is left', async () => {
    stream.shard('only', ['5'])
    stream.fail('only', 'streams.trimmed', 1)

    await start()

    await until(() => expect(delivered()).toEqual(['5']))
    expect(lines.join()).toMatch(/GAP/)
  })

  it('waits out a stream that does not answer, without end and without a storm', async () => {
    stream.shard('only', ['1'])
    stream.fail('only', 'streams.unavailable', 30)

    await start()

    await until(() => expect(delivered()).toEqual(['1']))
    expect(lines.filter((line) => line.includes('failed')).length).toBeLessThan(4)
  })

  it('resumes behind the last processed record', async () => {
    stream.shard('only', ['9', '10', '11'])
    await start({ batchSize: 1 })
    await until(async () => expect((await open()).position('only')?.after).toBe('11'))

    stream.append('only', '12')
    await restart({ batchSize: 1 })

    await until(() => expect(delivered()).toEqual(['12']))
  })

  it('delivers again what was not checkpointed', async () => {
    stream.shard('only', ['1', '2'])
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await start({ batchSize: 1 }, async (records) => {
      if (sequencesOf(records)[0] !== '2') return null
      stop.abort()
      await held
      return { batchItemFailures: [{ itemIdentifier: '2' }] }
    })
    await until(() => expect(delivered()).toEqual(['1', '2']))
    release()

    await restart()

    await until(() => expect(delivered()).toEqual(['2']))
  })

  it('moves the checkpoint past records that the filter drops', async () => {
    stream.shard('only', ['1', '2'])
    await start({ filters: [{ dynamodb: { SequenceNumber: ['never'] } }] })

    await until(async () => expect((await open()).position('only')?.after).toBe('2'))
    expect(delivered()).toEqual([])
  })

  it('LATEST: skips what was there, but nothing written while it was stopped', async () => {
    stream.shard('only', [])
    stream.put('only', record('1', 'a', 400))
    await start({ startingPosition: 'LATEST' })
    await until(() => expect(stream.reads('only')).toBeGreaterThan(2))
    expect(delivered()).toEqual([])

    stop.abort()
    await running
    stream.put('only', record('2', 'b', 1_200))
    await restart({ startingPosition: 'LATEST' })

    await until(() => expect(delivered()).toEqual(['2']))
  })

  it('keeps the order of each item with several batches at once', async () => {
    stream.shard('only', [])
    for (let i = 1; i <= 60; i++) stream.put('only', record(i, `item-${i % 7}`))
    let current = 0
    let most = 0
    const seen: string[] = []
    await start({ parallelizationFactor: 4, batchSize: 20 }, async (records) => {
      most = Math.max(most, ++current)
      await new Promise((resolve) => setImmediate(resolve))
      for (const one of records) seen.push(one.dynamodb.SequenceNumber)
      current--
    })

    await until(() => expect(seen).toHaveLength(60))
    for (let item = 0; item < 7; item++) {
      const own = seen.map(Number).filter((n) => n % 7 === item)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
    expect(most).toBeGreaterThan(1)
    await until(async () => expect((await open()).position('only')?.after).toBe('60'))
  })

  it('stops with the error when a checkpoint cannot be written', async () => {
    stream.shard('only', ['1'])
    stop = new AbortController()
    const checkpoints = await open()
    Object.defineProperty(checkpoints, 'advance', { value: () => Promise.reject(new Error('disk full')) })
    const clock = new FakeClock()
    const ports = { clock, random: () => 0, newRequestId: () => 'r', log: () => {}, discard: async () => {} }
    const invoke = async () => ({ ok: true as const, payload: 'null' })

    await expect(
      runMapping(
        {
          settings: settings(),
          source: stream,
          checkpoints,
          clock,
          random: () => 0,
          log: () => {},
          deliveryTo: () => ({ ...ports, invoke }),
        },
        stop.signal,
      ),
    ).rejects.toThrow('disk full')
  })
})
