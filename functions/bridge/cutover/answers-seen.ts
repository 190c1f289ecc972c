import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { type MetricPoint, readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { Looks } from '../guard/looks.ts'
import type { Epoch } from '../model/owner.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { FACADE, METRICS_NAMESPACE } from '../runtime/metrics.ts'
import { ANSWER_COUNTS } from './count-answer.ts'
import type { RouteInterval } from './route-watch.ts'

/*
 * What facades have seen of a route, minute by minute: read from the metrics of their function.
 */

const MINUTE = 60_000
/** What a function has logged is in CloudWatch by then, in milliseconds: a minute that is told doesn't change any more. */
const ARRIVES = 2 * MINUTE
/** Nothing older is asked for, in milliseconds: whoever looks again after so long begins with what is at hand. */
const LOOKS_BACK = 3 * 3_600_000

/**
 * What was seen in the whole minutes behind the last one that counts, as far as they are over. Metrics don't say under which move:
 * it is told as of the one that is known, and the guard leaves out what is near a move.
 *
 * @param through as of `RouteWatch`
 * @throws MetricsError, DeadlineError
 */
export const readAnswersSeen = async (
  client: CloudWatchClient,
  entity: string,
  { epoch, through }: { readonly epoch: Epoch; readonly through: string },
  { now, deadline }: { readonly now: number; readonly deadline: Deadline },
): Promise<readonly RouteInterval[]> => {
  const end = Math.floor((now - ARRIVES) / MINUTE) * MINUTE
  const known = Date.parse(through)
  const start = Math.max(end - LOOKS_BACK, Number.isNaN(known) ? 0 : known + MINUTE)
  if (start >= end) return []
  const names = [
    ANSWER_COUNTS.aurora.answers,
    ANSWER_COUNTS.aurora.faults,
    ANSWER_COUNTS.dynamo.answers,
    ANSWER_COUNTS.dynamo.faults,
  ]
  const [aurora = [], badAurora = [], dynamo = [], badDynamo = []] = await readMetrics(
    client,
    names.map((name) => ({
      ...{ namespace: METRICS_NAMESPACE, name, dimensions: { service: FACADE, entity } },
      statistic: 'Sum',
    })),
    { start: new Date(start), end: new Date(end), period: MINUTE / 1_000 },
    deadline,
  )
  const minutes = new Set([...aurora, ...dynamo].map(({ at }) => at.getTime()))
  return [...minutes]
    .toSorted((a, b) => a - b)
    .map((at) => ({
      ...{ at: new Date(at).toISOString(), epoch },
      sides: {
        aurora: { error: looksIn(aurora, badAurora, at) },
        dynamo: { error: looksIn(dynamo, badDynamo, at) },
      },
    }))
}

const looksIn = (answers: readonly MetricPoint[], faults: readonly MetricPoint[], at: number): Looks => {
  const inMinute = (points: readonly MetricPoint[]): number =>
    points.find((point) => point.at.getTime() === at)?.value ?? 0
  return { looks: inMinute(answers), bad: inMinute(faults) }
}
