import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { type MetricPoint, type MetricQuery, readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { BACK_SYNC, type DurationName, METRICS_NAMESPACE, RELAY } from '../runtime/metrics.ts'
import type { Lateness } from './read-status.ts'
import type { LagFigure } from './status.ts'

/** Percentiles can't be added up: those of the latest period are told in which anything arrived, of so many minutes each. */
const PERIOD = 5
const WINDOW = 15
const MINUTE = 60_000

const LAG: DurationName = 'Lag'

/**
 * How late changes arrived in the last minutes, and how late the functions that follow streams get their records.
 *
 * @param of.functions their names in Lambda
 * @throws MetricsError, DeadlineError
 */
export const readLateness = async (
  client: CloudWatchClient,
  of: { readonly entities: readonly string[]; readonly functions: readonly string[] },
  { now, deadline }: { readonly now: Date; readonly deadline: Deadline },
): Promise<Lateness> => {
  const { entities, functions } = of
  const queries = [
    ...functions.map(ageOf),
    ...entities.flatMap((entity) => [...lagOf(BACK_SYNC, entity), ...lagOf(RELAY, entity)]),
  ]
  const range = { start: new Date(now.getTime() - WINDOW * MINUTE), end: now, period: PERIOD * 60 }
  const found = queries.length === 0 ? [] : await readMetrics(client, queries, range, deadline)
  const [ages, lags] = [found.slice(0, functions.length), found.slice(functions.length)]
  const lagsFrom = (first: number): ReadonlyMap<string, LagFigure> =>
    new Map(
      entities.flatMap((entity, at) => {
        const lag = latest(lags[4 * at + first], lags[4 * at + first + 1])
        return lag === undefined ? [] : [[entity, lag]]
      }),
    )
  return {
    toAurora: lagsFrom(0),
    toDynamo: lagsFrom(2),
    streams: functions.map((name, at) => {
      const values = (ages[at] ?? []).map(({ value }) => value)
      return {
        function: name,
        iteratorAge: values.length === 0 ? null : Math.max(...values),
        minutes: WINDOW,
      }
    }),
  }
}

const ageOf = (FunctionName: string): MetricQuery => ({
  ...{ namespace: 'AWS/Lambda', name: 'IteratorAge', dimensions: { FunctionName } },
  statistic: 'Maximum',
})

const lagOf = (service: string, entity: string): readonly MetricQuery[] =>
  ['p50', 'p99'].map((statistic) => ({
    ...{ namespace: METRICS_NAMESPACE, name: LAG, dimensions: { service, entity } },
    statistic,
  }))

const latest = (
  p50: readonly MetricPoint[] = [],
  p99: readonly MetricPoint[] = [],
): LagFigure | undefined => {
  const [middle] = p50
  const worst = p99.find(({ at }) => at.getTime() === middle?.at.getTime())
  if (middle === undefined || worst === undefined) return undefined
  return { p50: Math.max(0, middle.value), p99: Math.max(0, worst.value), minutes: PERIOD }
}
