import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import type { MetricQuery } from '../drivers/cloudwatch/read-metrics.ts'
import type { Looks } from '../guard/looks.ts'
import type { Signal } from '../guard/signals.ts'
import type { Owner } from '../model/owner.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { FACADE, METRICS_NAMESPACE } from '../runtime/metrics.ts'
import { ANSWER_METRICS } from './count-answer.ts'
import { BEFORE, lateIn, lateQueries, type MirrorWays } from './late-minutes.ts'
import { MINUTE, readMinutes, type ValueAt } from './minute-metrics.ts'
import type { RouteInterval, RouteWatch } from './route-watch.ts'

/*
 * What was seen of a route, minute by minute: read from the metrics of the facades' function, and of those that mirror.
 */

/** What a function has logged is in CloudWatch by then, in milliseconds: a minute that is told doesn't change any more. */
const ARRIVES = 2 * MINUTE
/** Nothing older is asked for, in milliseconds: whoever looks again after so long begins with what is at hand. */
const LOOKS_BACK = 3 * 60 * MINUTE
/** Nothing takes longer than a function may run, in milliseconds. */
const LONGEST = 900_000

/**
 * What was seen in the whole minutes behind the last one that counts, as far as they are over. Metrics don't say under which move:
 * it is told as of the one that is known, and the guard leaves out what is near a move.
 *
 * @param behind what is known already; without `slowAbove` no read is slow, nor is one that isn't
 * @param ways how soon what is written is to be in either store
 * @throws MetricsError, DeadlineError
 */
export const readAnswersSeen = async (
  client: CloudWatchClient,
  entity: string,
  { epoch, through, slowAbove }: Pick<RouteWatch, 'epoch' | 'through' | 'slowAbove'>,
  { ways, now, deadline }: { readonly ways: MirrorWays; readonly now: number; readonly deadline: Deadline },
): Promise<readonly RouteInterval[]> => {
  const end = Math.floor((now - ARRIVES) / MINUTE) * MINUTE
  const known = Date.parse(through)
  const start = Math.max(end - LOOKS_BACK, Number.isNaN(known) ? 0 : known + MINUTE)
  if (start >= end) return []
  const valueAt = await readMinutes(
    client,
    {
      ...sideQueries(entity, 'aurora', slowAbove),
      ...sideQueries(entity, 'dynamo', slowAbove),
      ...lateQueries(entity, ways),
    },
    { start: start - BEFORE, end },
    deadline,
  )
  const told: RouteInterval[] = []
  for (let at = start; at < end; at += MINUTE) {
    const aurora = sideIn('aurora', at, valueAt)
    const dynamo = sideIn('dynamo', at, valueAt)
    const tooLate = lateIn(ways, at, valueAt)
    if (aurora === undefined && dynamo === undefined && tooLate === undefined) continue
    told.push({
      ...{ at: new Date(at).toISOString(), epoch },
      sides: { aurora: aurora ?? NONE, dynamo: dynamo ?? NONE },
      ...(tooLate !== undefined && { both: { tooLate } }),
    })
  }
  return told
}

const NONE = { error: { looks: 0, bad: 0 } }

const sideQueries = (
  entity: string,
  side: Owner,
  slowAbove: number | undefined,
): Record<string, MetricQuery> => {
  const { answers, faults, took } = ANSWER_METRICS[side]
  const of = (name: string, statistic: string): MetricQuery => ({
    ...{ namespace: METRICS_NAMESPACE, name, statistic },
    dimensions: { service: FACADE, entity },
  })
  return {
    [`${side} answers`]: of(answers, 'Sum'),
    [`${side} faults`]: of(faults, 'Sum'),
    ...(slowAbove !== undefined && {
      [`${side} reads`]: of(took, 'SampleCount'),
      [`${side} slow`]: of(took, `TC(${slowAbove}:${LONGEST})`),
    }),
  }
}

/** What a side has answered in a minute; undefined: nothing. */
const sideIn = (
  side: Owner,
  at: number,
  valueAt: ValueAt,
): Readonly<Partial<Record<Signal, Looks>>> | undefined => {
  const answers = valueAt(`${side} answers`, at)
  if (answers === undefined) return undefined
  const reads = valueAt(`${side} reads`, at)
  return {
    error: { looks: answers, bad: valueAt(`${side} faults`, at) ?? 0 },
    ...(reads !== undefined && { tooSlow: { looks: reads, bad: valueAt(`${side} slow`, at) ?? 0 } }),
  }
}
