import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { readBody } from '../http/body.ts'
import { type LocalServer, type Log, listen } from '../http/server.ts'
import type { RecentMetrics, Values } from '../metrics/recent-metrics.ts'

/** Five hundred queries of some hundred bytes each. */
const REQUEST_LIMIT = 512 * 1024
/** The target's prefix of CloudWatch in AWS JSON 1.0. */
const TARGET = 'GraniteServiceVersion20100801.'

class CloudWatchError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const seconds = z.number().min(0)
const query = z.object({
  Id: z.string().regex(/^[a-z][A-Za-z0-9_]*$/),
  MetricStat: z.object({
    Metric: z.object({
      Namespace: z.string(),
      MetricName: z.string(),
      Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })).default([]),
    }),
    Period: z.int().min(60).multipleOf(60),
    Stat: z.string(),
  }),
})
/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const getMetricData = z.object({
  MetricDataQueries: z.array(query).min(1).max(500),
  StartTime: seconds,
  EndTime: seconds,
  ScanBy: z.enum(['TimestampDescending', 'TimestampAscending']).default('TimestampDescending'),
})

/**
 * Starts an endpoint that the AWS SDK takes for CloudWatch: `GetMetricData` of what the functions here have measured in the last
 * hour, without metric math. Other actions are refused as unknown.
 *
 * @param metrics in which namespace one is, is not asked: there is no other application
 */
export const startCloudWatch = ({
  metrics,
  port,
  log,
}: {
  readonly metrics: RecentMetrics
  readonly port?: number
  readonly log?: Log
}): Promise<LocalServer> =>
  listen({
    ...(port !== undefined && { port }),
    ...(log && { log }),
    handler: async (request, response) => {
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, {
          'content-type': 'application/x-amz-json-1.0',
          'x-amzn-requestid': randomUUID(),
        })
        response.end(JSON.stringify(body))
      }
      try {
        const bytes = await readBody(request, REQUEST_LIMIT)
        if (!bytes) throw new CloudWatchError('InvalidParameterValue', 'Request size exceeds the limit')
        const target = request.headers['x-amz-target']
        if (target !== `${TARGET}GetMetricData`)
          throw new CloudWatchError(
            'UnknownOperationException',
            `The local CloudWatch does not know ${String(target)}`,
          )
        answer(200, metricData(metrics, bytes.toString('utf8')))
      } catch (error) {
        if (!(error instanceof CloudWatchError)) throw error
        answer(400, { __type: `com.amazonaws.cloudwatch#${error.code}`, message: error.message })
      }
    },
  })

const metricData = (metrics: RecentMetrics, text: string) => {
  const parsed = getMetricData.safeParse(jsonOf(text))
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new CloudWatchError('InvalidParameterValue', `invalid value at '${at}'`, { cause: parsed.error })
  }
  const { MetricDataQueries, StartTime, EndTime, ScanBy } = parsed.data
  if (EndTime <= StartTime)
    throw new CloudWatchError('InvalidParameterValue', 'StartTime must be before EndTime')
  return {
    MetricDataResults: MetricDataQueries.map(({ Id, MetricStat: { Metric, Period, Stat } }) => {
      const dimensions = Object.fromEntries(Metric.Dimensions.map(({ Name, Value }) => [Name, Value]))
      const range = { start: StartTime * 1_000, end: EndTime * 1_000, period: Period * 1_000 }
      const statistic = statisticOf(Stat)
      const points = [...metrics.values({ name: Metric.MetricName, dimensions }, range)].map(
        ([at, values]) => ({ at: at / 1_000, value: statistic(values) }),
      )
      if (ScanBy === 'TimestampDescending') points.reverse()
      return {
        ...{ Id, Label: Metric.MetricName, StatusCode: 'Complete' },
        Timestamps: points.map(({ at }) => at),
        Values: points.map(({ value }) => value),
      }
    }),
    Messages: [],
  }
}

const SIMPLE: Readonly<Record<string, (values: Values) => number>> = {
  Sum: ({ sum }) => sum,
  SampleCount: ({ count }) => count,
  Average: ({ sum, count }) => sum / count,
  Minimum: ({ min }) => min,
  Maximum: ({ max }) => max,
}

const statisticOf = (stat: string): ((values: Values) => number) => {
  const simple = SIMPLE[stat]
  if (simple !== undefined) return simple
  const [, from, to] = /^TC\((\d+(?:\.\d+)?):(\d+(?:\.\d+)?)\)$/.exec(stat) ?? []
  if (from !== undefined)
    return ({ count, sample }) => {
      const inside = sample.filter((value) => value > Number(from) && value <= Number(to)).length
      return Math.round((count * inside) / sample.length)
    }
  const share = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/.exec(stat)?.[1]
  if (share === undefined)
    throw new CloudWatchError(
      'InvalidParameterValue',
      `The local CloudWatch does not know the statistic ${stat}`,
    )
  return ({ sample }) =>
    rank(
      sample.toSorted((a, b) => a - b),
      Number(share) / 100,
    )
}

/** The smallest value that is not below the given share of all (nearest rank). */
const rank = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CloudWatchError('SerializationException', 'The request is no JSON', { cause })
  }
}
