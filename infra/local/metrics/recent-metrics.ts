import type { Measurement } from './emf.ts'

/** So many minutes are kept; who asks for more gets what there is. */
const KEPT = 60
/** Values kept of a minute for its percentiles. */
const SAMPLE = 500
const MINUTE = 60_000

type Minute = { count: number; sum: number; min: number; max: number; readonly sample: number[] }

/** Some values of a metric together. */
export type Values = {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  /** All of them, or as many as fit. */
  readonly sample: readonly number[]
}

/** What a metric is known by: its name, and its dimensions. */
export type MetricName = { readonly name: string; readonly dimensions: Readonly<Record<string, string>> }

/** The metrics of the last hour by the minute, as CloudWatch has them. Bounded by the number of names. */
export class RecentMetrics {
  readonly #series = new Map<string, Map<number, Minute>>()
  readonly #now: () => number
  readonly #random: () => number

  /** @param now epoch milliseconds @param random from 0 up to, not including, 1 */
  constructor(now: () => number = Date.now, random: () => number = Math.random) {
    this.#now = now
    this.#random = random
  }

  record(measurement: Measurement): void {
    const minute = Math.floor(this.#now() / MINUTE)
    for (const dimensions of dimensionsOf(measurement)) {
      const key = keyOf({ name: measurement.name, dimensions })
      const series = this.#series.get(key) ?? new Map<number, Minute>()
      this.#series.set(key, series)
      const own = series.get(minute) ?? { count: 0, sum: 0, min: Infinity, max: -Infinity, sample: [] }
      series.set(minute, own)
      for (const value of measurement.values) this.#add(own, value)
      for (const old of series.keys()) if (old <= minute - KEPT) series.delete(old)
    }
  }

  /**
   * What was measured between two times, by periods that begin where CloudWatch has them begin: at multiples of their length.
   *
   * @param start epoch milliseconds, as `end`, which is left out
   * @param period in milliseconds, whole minutes
   * @returns by when each period begins, the oldest first; none for one in which nothing was
   */
  values(
    of: MetricName,
    { start, end, period }: { readonly start: number; readonly end: number; readonly period: number },
  ): ReadonlyMap<number, Values> {
    const series = this.#series.get(keyOf(of)) ?? new Map<number, Minute>()
    const inside = [...series]
      .map(([minute, own]) => [minute * MINUTE, own] as const)
      .filter(([at]) => at >= Math.floor(start / period) * period && at < end)
      .toSorted(([one], [other]) => one - other)
    const periods = Map.groupBy(inside, ([at]) => Math.floor(at / period) * period)
    return new Map([...periods].map(([at, minutes]) => [at, together(minutes.map(([, own]) => own))]))
  }

  #add(minute: Minute, value: number): void {
    minute.count += 1
    minute.sum += value
    minute.min = Math.min(minute.min, value)
    minute.max = Math.max(minute.max, value)
    if (minute.sample.length < SAMPLE) minute.sample.push(value)
    else {
      const at = Math.floor(this.#random() * minute.count)
      if (at < SAMPLE) minute.sample[at] = value
    }
  }
}

const together = (minutes: readonly Minute[]): Values => ({
  count: minutes.reduce((n, { count }) => n + count, 0),
  sum: minutes.reduce((n, { sum }) => n + sum, 0),
  min: Math.min(...minutes.map(({ min }) => min)),
  max: Math.max(...minutes.map(({ max }) => max)),
  sample: minutes.flatMap(({ sample }) => sample),
})

/** Lambda's own metrics are a function's; a function's own have the dimensions that it gives them. */
const dimensionsOf = ({ functionName, service, entity }: Measurement): MetricName['dimensions'][] =>
  functionName === undefined ? [{ service, entity }] : [{ FunctionName: functionName }]

const keyOf = ({ name, dimensions }: MetricName): string =>
  JSON.stringify([name, ...Object.entries(dimensions).toSorted(([one], [other]) => (one < other ? -1 : 1))])
