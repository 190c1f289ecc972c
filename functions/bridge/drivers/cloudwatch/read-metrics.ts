import { CloudWatchClient, GetMetricDataCommand, type GetMetricDataOutput } from '@aws-sdk/client-cloudwatch'
import type { Deadline } from '../../runtime/deadline.ts'
import { withoutLog } from '../../runtime/without-log.ts'
import { MetricsError } from './errors.ts'

/** How long a connection may take, and a call with its repeats, in milliseconds. */
const CONNECTION_TIMEOUT = 3_000
const CALL_LIMIT = 15_000
/** GetMetricData takes so many queries; and an answer that goes on longer than this is not what was asked for. */
const MOST_QUERIES = 500
const MOST_PAGES = 20

/** A client of CloudWatch, by the settings of the environment. */
export const openCloudWatch = (): CloudWatchClient =>
  withoutLog(new CloudWatchClient({ requestHandler: { connectionTimeout: CONNECTION_TIMEOUT } }))

/** One statistic of one metric. */
export type MetricQuery = {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
  /** Such as `Maximum` or `p99`. */
  readonly statistic: string
}

/** The value of a period, and when that begins. */
export type MetricPoint = { readonly at: Date; readonly value: number }

/**
 * Reads metrics.
 *
 * @param range.period in seconds, whole minutes
 * @returns of each query, in their order, the points that there are, the latest first
 * @throws MetricsError, DeadlineError
 */
export const readMetrics = async (
  client: CloudWatchClient,
  queries: readonly MetricQuery[],
  range: { readonly start: Date; readonly end: Date; readonly period: number },
  deadline: Deadline,
): Promise<readonly (readonly MetricPoint[])[]> => {
  const found = queries.map((): MetricPoint[] => [])
  for (let from = 0; from < queries.length; from += MOST_QUERIES) {
    const some = queries.slice(from, from + MOST_QUERIES)
    let next: string | undefined
    for (let page = 0; page === 0 || (next !== undefined && page < MOST_PAGES); page++) {
      const answer = await ask(client, { queries: some, range, next }, deadline)
      for (const { Id = '', Timestamps = [], Values = [] } of answer.MetricDataResults ?? [])
        for (const [at, time] of Timestamps.entries()) {
          const value = Values[at]
          if (value !== undefined) found[from + Number(Id.slice(1))]?.push({ at: time, value })
        }
      next = answer.NextToken
    }
  }
  return found
}

const ask = async (
  client: CloudWatchClient,
  {
    queries,
    range,
    next,
  }: {
    readonly queries: readonly MetricQuery[]
    readonly range: { readonly start: Date; readonly end: Date; readonly period: number }
    readonly next: string | undefined
  },
  deadline: Deadline,
): Promise<GetMetricDataOutput> => {
  const command = new GetMetricDataCommand({
    MetricDataQueries: queries.map(({ namespace, name, dimensions, statistic }, at) => ({
      Id: `q${at}`,
      MetricStat: {
        Metric: {
          Namespace: namespace,
          MetricName: name,
          Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
        },
        Period: range.period,
        Stat: statistic,
      },
    })),
    StartTime: range.start,
    EndTime: range.end,
    ScanBy: 'TimestampDescending',
    ...(next !== undefined && { NextToken: next }),
  })
  try {
    return await client.send(command, { abortSignal: deadline.signal(CALL_LIMIT) })
  } catch (cause) {
    throw new MetricsError('GetMetricData', cause)
  }
}
