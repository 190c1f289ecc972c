import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { FACADE, METRICS_NAMESPACE } from '../runtime/metrics.ts'
import { ANSWER_METRICS } from './count-answer.ts'

const HOUR = 3_600_000
/** Of fewer reads nothing is said. */
const LEAST_READS = 50
/** A read is slow that takes so many times what nine of ten take. */
const SLOWER = 2
/** What is answered in so many milliseconds is slow for nobody. */
const UNNOTICED = 50

/**
 * Above what a read of an entity's is slow, by what the old side has taken within the last hour.
 *
 * @param now milliseconds since 1970
 * @returns milliseconds; undefined where it was read too seldom
 * @throws MetricsError, DeadlineError
 */
export const readSlowAbove = async (
  client: CloudWatchClient,
  entity: string,
  { now, deadline }: { readonly now: number; readonly deadline: Deadline },
): Promise<number | undefined> => {
  const of = (statistic: string) => ({
    ...{ namespace: METRICS_NAMESPACE, name: ANSWER_METRICS.aurora.took, statistic },
    dimensions: { service: FACADE, entity },
  })
  const [counts = [], nines = []] = await readMetrics(
    client,
    [of('SampleCount'), of('p90')],
    { start: new Date(now - HOUR), end: new Date(now), period: HOUR / 1_000 },
    deadline,
  )
  // An hour begins at a whole one: of the two that there may be, the one that has more.
  const [most] = counts.toSorted((one, other) => other.value - one.value)
  if (most === undefined || most.value < LEAST_READS) return undefined
  const nine = nines.find(({ at }) => at.getTime() === most.at.getTime())?.value
  return nine === undefined ? undefined : Math.max(UNNOTICED, Math.ceil(nine * SLOWER))
}
