import { describe, expect, it, jest } from '@jest/globals'
import { LambdaMetrics } from '../../../../functions/bridge/runtime/metrics.ts'
import { type Measurement, readEmf } from '../../../../infra/local/metrics/emf.ts'
import { MetricStore, SAMPLE_SIZE } from '../../../../infra/local/metrics/metric-store.ts'
import { SUMMARY_MS, summarise } from '../../../../infra/local/metrics/summary.ts'

const measured = (name: string, values: number[], changes: Partial<Measurement> = {}): Measurement => ({
  service: 'back-sync',
  entity: 'chef',
  name,
  unit: name === 'Lag' || name === 'IteratorAge' ? 'Milliseconds' : 'Count',
  values,
  ...changes,
})
const emfLine = (members: object, dimensions: string[][] = [['service', 'entity']]): string =>
  `${JSON.stringify({
    _aws: {
      Timestamp: 1,
      CloudWatchMetrics: [
        { Namespace: 'N', Dimensions: dimensions, Metrics: [{ Name: 'Applied', Unit: 'Count' }] },
      ],
    },
    service: 's',
    entity: 'e',
    ...members,
  })}\n`

describe('readEmf', () => {
  it('reads what the functions print, in the middle of other lines', () => {
    const lines: string[] = ['{"message":"_aws is a word"}\n', 'plain text\n']
    const metrics = new LambdaMetrics('back-sync', { write: (line) => lines.push(line) })
    metrics.count('Applied', 'chef', 3)
    metrics.milliseconds('Lag', 'chef', 7)
    metrics.milliseconds('Lag', 'chef', 9)
    metrics.flush()

    expect(readEmf(lines.join(''))).toEqual([measured('Applied', [3]), measured('Lag', [7, 9])])
  })

  it.each([
    ['broken JSON', '{"_aws": {"CloudWatchMetrics": [\n'],
    ['a metric without its value', emfLine({})],
    ['a value that is no number', emfLine({ Applied: '3' })],
    ['other dimensions', emfLine({ Applied: 3 }, [['function']])],
    ['a record that only mentions the member', '{"message":"\\"_aws\\""}\n'],
  ])('takes %s for no metric', (_, line) => {
    expect(readEmf(line)).toEqual([])
  })
})

describe('MetricStore', () => {
  it('adds up per service, entity and name', () => {
    const store = new MetricStore()
    store.record(measured('Lag', [5, 1]))
    store.record(measured('Lag', [3]))
    store.record(measured('Lag', [100], { entity: 'recipe' }))
    store.record(measured('Applied', [2]))
    store.record(measured('Applied', []))

    expect(store.summaries()).toEqual([
      expect.objectContaining({ entity: 'chef', name: 'Applied', unit: 'Count', sum: 2, count: 1 }),
      expect.objectContaining({ entity: 'chef', name: 'Lag', sum: 9, count: 3, min: 1, max: 5, p50: 3 }),
      expect.objectContaining({ entity: 'recipe', name: 'Lag', sum: 100, p50: 100, p99: 100 }),
    ])
  })

  it('is exact in all but the percentiles once the values are too many to keep, and fair in these', () => {
    let seed = 1
    const store = new MetricStore(() => {
      seed = (seed * 16_807) % 2_147_483_647
      return seed / 2_147_483_647
    })
    for (let i = 1; i <= SAMPLE_SIZE * 10; i++) store.record(measured('Lag', [i]))

    const [summary] = store.summaries()
    expect(summary).toMatchObject({ count: SAMPLE_SIZE * 10, min: 1, max: SAMPLE_SIZE * 10 })
    expect(Number(summary?.p50) / (SAMPLE_SIZE * 10)).toBeCloseTo(0.5, 1)
    expect(Number(summary?.p99) / (SAMPLE_SIZE * 10)).toBeCloseTo(0.99, 1)
  })
})

describe('summarise', () => {
  it('prints a line an entity, at most every ten seconds, and none while nothing happens', async () => {
    jest.useFakeTimers()
    try {
      const lines: string[] = []
      const store = new MetricStore()
      const summary = summarise(store, (line) => lines.push(line))
      jest.advanceTimersByTime(SUMMARY_MS * 3)
      expect(lines).toEqual([])

      store.record(measured('Applied', [12]))
      store.record(measured('SkippedAsOlder', [1]))
      store.record(measured('Lag', [40, 90.4]))
      store.record(measured('Parked', [1], { entity: 'recipe' }))
      jest.advanceTimersByTime(SUMMARY_MS - 1)
      expect(lines).toEqual([])
      jest.advanceTimersByTime(1)
      expect(lines).toEqual([
        'back-sync chef: 12 applied, lag p50 40 ms, p99 90 ms, max 90 ms, 1 skipped as older',
        'back-sync recipe: 1 parked',
      ])

      store.record(measured('Applied', [3]))
      await summary.close()
      expect(lines.slice(2)).toEqual(['back-sync chef: 3 applied'])
      store.record(measured('Applied', [3]))
      jest.advanceTimersByTime(SUMMARY_MS * 3)
      expect(lines).toHaveLength(3)
    } finally {
      jest.useRealTimers()
    }
  })

  it('tells an iterator age only when a stream is behind', async () => {
    const lines: string[] = []
    const store = new MetricStore()
    const summary = summarise(store, (line) => lines.push(line))
    const mapping = { service: 'event-source-mapping', entity: 'Mapping' }
    store.record(measured('IteratorAge', [900], mapping))
    store.record(measured('IteratorAge', [7_000], { ...mapping, entity: 'Late' }))

    await summary.close()

    expect(lines).toEqual(['event-source-mapping Late: iterator age p50 7000 ms, p99 7000 ms, max 7000 ms'])
  })
})
