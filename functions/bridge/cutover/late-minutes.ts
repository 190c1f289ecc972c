import type { MetricQuery } from '../drivers/cloudwatch/read-metrics.ts'
import type { Looks } from '../guard/looks.ts'
import { type Owner, otherOf } from '../model/owner.ts'
import { BACK_SYNC, type CountName, FACADE, METRICS_NAMESPACE, RELAY } from '../runtime/metrics.ts'
import { ANSWER_METRICS } from './count-answer.ts'
import { MINUTE, type ValueAt } from './minute-metrics.ts'

/*
 * Minutes in which a store was late. What was carried over says how long it was on its way; a mirror that has stopped says
 * nothing, and is known by what clients have written meanwhile.
 */

/**
 * Within how many milliseconds what is written at the other store is to be in this one; undefined of a way that nothing is carried.
 */
export type MirrorWays = Readonly<Record<Owner, number | undefined>>

/** Who tells what has come to a store: the function that follows streams, and the relay. */
const CARRIERS: Readonly<Record<Owner, string>> = { aurora: BACK_SYNC, dynamo: RELAY }

/** What becomes of a change that has come: applied or not, it was looked at. Each is a figure to be paid for. */
const SETTLED: readonly CountName[] = ['Applied', 'SkippedAsOlder', 'Parked', 'Waiting']

/** A relay tells of what it has done when its invocation ends, which may be the next minute but one. */
const TOLD_WITHIN = 2
/** So long before the first minute that is asked about it has to be known what was written, in milliseconds. */
export const BEFORE = TOLD_WITHIN * MINUTE
/** Of a way on which something may be on its way for longer nobody can say that it has stopped. */
const STOPS_WITHIN = 3 * MINUTE

const WAYS: readonly Owner[] = ['aurora', 'dynamo']

/** What has to be known of an entity, by the minute. */
export const lateQueries = (entity: string, ways: MirrorWays): Readonly<Record<string, MetricQuery>> =>
  Object.fromEntries(
    WAYS.filter((to) => ways[to] !== undefined).flatMap((to) => {
      const of = (service: string, name: string, statistic: string): MetricQuery => ({
        ...{ namespace: METRICS_NAMESPACE, name, statistic },
        dimensions: { service, entity },
      })
      return [
        [`written for ${to}`, of(FACADE, ANSWER_METRICS[otherOf(to)].written, 'Sum')] as const,
        [`lag to ${to}`, of(CARRIERS[to], 'Lag', 'Maximum')] as const,
        ...SETTLED.map((name) => [`${name} in ${to}`, of(CARRIERS[to], name, 'Sum')] as const),
      ]
    }),
  )

/**
 * Whether a store was late in a minute: for longer than it may be, or with nothing come to it of what was written.
 *
 * @returns one look; undefined where nothing was written, nor carried
 */
export const lateIn = (ways: MirrorWays, at: number, valueAt: ValueAt): Looks | undefined => {
  const each = WAYS.flatMap((to) => lateBy(to, ways[to], at, valueAt) ?? [])
  if (each.length === 0) return undefined
  return { looks: 1, bad: each.includes(true) ? 1 : 0 }
}

const lateBy = (to: Owner, within: number | undefined, at: number, valueAt: ValueAt): boolean | undefined => {
  if (within === undefined) return undefined
  const lag = valueAt(`lag to ${to}`, at)
  if (lag !== undefined && lag > within) return true
  const isWritten = (valueAt(`written for ${to}`, at - BEFORE) ?? 0) > 0
  if (isWritten && within <= STOPS_WITHIN && !hasCome(to, at, valueAt)) return true
  return lag !== undefined || isWritten ? false : undefined
}

/** Whether anything has come to a store since a minute's writes were done. */
const hasCome = (to: Owner, at: number, valueAt: ValueAt): boolean => {
  for (let minute = at - BEFORE; minute <= at; minute += MINUTE)
    for (const name of SETTLED) if ((valueAt(`${name} in ${to}`, minute) ?? 0) > 0) return true
  return false
}
