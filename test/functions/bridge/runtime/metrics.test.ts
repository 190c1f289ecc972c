import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { LambdaMetrics, VALUES_LIMIT } from '../../../../functions/bridge/runtime/metrics.ts'

/**
 * The rules of the embedded metric format.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const name = z.string().min(1).max(1024)
const emf = z
  .looseObject({
    _aws: z.object({
      Timestamp: z.int().positive(),
      CloudWatchMetrics: z
        .array(
          z.object({
            Namespace: name,
            Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
            Metrics: z
              .array(z.object({ Name: name, Unit: z.enum(['Count', 'Milliseconds']) }))
              .min(1)
              .max(100),
          }),
        )
        .min(1),
    }),
  })
  .superRefine(({ _aws, ...members }, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message })
    const values = z.union([z.number(), z.array(z.number()).min(1).max(100)])
    for (const { Dimensions, Metrics } of _aws.CloudWatchMetrics) {
      for (const dimension of Dimensions.flat()) {
        if (!name.safeParse(members[dimension]).success) wrong(`dimension ${dimension} is no text member`)
      }
      for (const { Name } of Metrics) {
        if (!values.safeParse(members[Name]).success) wrong(`${Name} has no numbers, or more than 100`)
        if (Dimensions.flat().includes(Name)) wrong(`${Name} is a metric and a dimension`)
      }
      if (new Set(Metrics.map(({ Name }) => Name)).size < Metrics.length) wrong('a metric is defined twice')
    }
  })

const made = (use: (metrics: LambdaMetrics) => void, random = () => 0.5) => {
  const lines: string[] = []
  const metrics = new LambdaMetrics('back-sync', {
    write: (line) => lines.push(line),
    now: () => 1_700_000_000_123,
    random,
    level: 'INFO',
  })
  use(metrics)
  return lines.map((line) => {
    expect(line.endsWith('\n')).toBe(true)
    expect(line.trimEnd()).not.toContain('\n')
    return emf.parse(JSON.parse(line))
  })
}

describe('LambdaMetrics', () => {
  it('prints one line an entity: counts added up, durations one by one', () => {
    const lines = made((metrics) => {
      metrics.count('Applied', 'chef', 2)
      metrics.count('Applied', 'chef', 3)
      metrics.count('Parked', 'recipe', 1)
      metrics.milliseconds('Lag', 'chef', 40)
      metrics.milliseconds('Lag', 'chef', 20.5)
      metrics.flush()
    })

    expect(lines).toEqual([
      {
        level: 'INFO',
        timestamp: '2023-11-14T22:13:20.123Z',
        _aws: {
          Timestamp: 1_700_000_000_123,
          CloudWatchMetrics: [
            {
              Namespace: 'Backsync',
              Dimensions: [['service', 'entity']],
              Metrics: [
                { Name: 'Applied', Unit: 'Count' },
                { Name: 'Lag', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        service: 'back-sync',
        entity: 'chef',
        Applied: 5,
        Lag: [20.5, 40],
      },
      expect.objectContaining({ entity: 'recipe', Parked: 1 }),
    ])
  })

  it('prints nothing when nothing was recorded, and nothing twice', () => {
    const lines = made((metrics) => {
      metrics.flush()
      metrics.count('Retried', 'chef', 0)
      metrics.flush()
      metrics.count('Retried', 'chef', 1)
      metrics.flush()
      metrics.flush()
    })

    expect(lines).toHaveLength(1)
  })

  it('takes what is no duration for none: clocks that differ, and numbers that are no number', () => {
    const lines = made((metrics) => {
      metrics.milliseconds('Lag', 'chef', -3)
      metrics.milliseconds('Lag', 'chef', Number.NaN)
      metrics.count('Applied', 'chef', Number.NaN)
      metrics.flush()
    })

    expect(lines).toMatchObject([{ Lag: 0 }])
    expect(lines[0]).not.toHaveProperty('Applied')
  })

  it.each([
    ['first', 0],
    ['last', 9_999],
  ])('keeps a line within the format for any number of durations, the largest (%s) among them', (_, at) => {
    let seed = 1
    const [line] = made(
      (metrics) => {
        for (let i = 0; i < 10_000; i++) metrics.milliseconds('Lag', 'chef', i === at ? 1e6 : i % 1000)
        metrics.flush()
      },
      () => {
        seed = (seed * 16_807) % 2_147_483_647
        return seed / 2_147_483_647
      },
    )

    const lag = z.array(z.number()).parse(line?.Lag)
    expect(lag).toHaveLength(VALUES_LIMIT)
    expect(lag.at(-1)).toBe(1e6)
    // A fair sample of 0 to 999, neither the first hundred nor the last.
    const mean = lag.slice(0, -1).reduce((sum, value) => sum + value, 0) / (lag.length - 1)
    expect(mean).toBeGreaterThan(350)
    expect(mean).toBeLessThan(650)
  })

  it.each([
    ['WARN', 'WARN'],
    [undefined, 'INFO'],
  ])('goes to standard output, at the level that the function lets through: %s', async (set, level) => {
    const source = new URL('../../../../functions/bridge/runtime/metrics.ts', import.meta.url).href
    const script = `
      import { LambdaMetrics } from ${JSON.stringify(source)}
      const metrics = new LambdaMetrics('back-sync')
      metrics.count('Applied', 'chef', 1)
      metrics.flush()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
      env: set === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: set },
    })

    expect(emf.parse(JSON.parse(stdout))).toMatchObject({ level, entity: 'chef', Applied: 1 })
  })
})
