import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { type MetricQuery, readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { Deadline } from '../runtime/deadline.ts'

/** In milliseconds. */
export const MINUTE = 60_000

/**
 * The value of a metric in a minute; undefined where nothing was measured.
 *
 * @param name as it was given to the query
 * @param at when the minute begins, in milliseconds since 1970
 */
export type ValueAt = (name: string, at: number) => number | undefined

/**
 * Reads metrics by the minute.
 *
 * @param queries by names of the caller's
 * @param range milliseconds since 1970, at whole minutes; `end` is left out
 * @throws MetricsError, DeadlineError
 */
export const readMinutes = async (
  client: CloudWatchClient,
  queries: Readonly<Record<string, MetricQuery>>,
  { start, end }: { readonly start: number; readonly end: number },
  deadline: Deadline,
): Promise<ValueAt> => {
  const found = await readMetrics(
    client,
    Object.values(queries),
    { start: new Date(start), end: new Date(end), period: MINUTE / 1_000 },
    deadline,
  )
  const values = new Map(
    Object.keys(queries).map((name, n) => [
      name,
      new Map((found[n] ?? []).map(({ at, value }) => [at.getTime(), value])),
    ]),
  )
  return (name, at) => values.get(name)?.get(at)
}
