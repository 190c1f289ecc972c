import type { Measurement } from './emf.ts'

/** What is known of one metric. Percentiles are of a sample, where there were more than `SAMPLE_SIZE` values. */
export type MetricSummary = {
  readonly service: string
  readonly entity: string
  readonly name: string
  readonly unit: string
  readonly sum: number
  /** How many values there were. */
  readonly count: number
  readonly min: number
  readonly max: number
  readonly p50: number
  readonly p99: number
}

/** Values kept for the percentiles of a metric. */
export const SAMPLE_SIZE = 2_000

type Series = {
  readonly labels: Pick<MetricSummary, 'service' | 'entity' | 'name' | 'unit'>
  sum: number
  count: number
  min: number
  max: number
  /** All values, or of more than fit as many as fit, each with the same chance (reservoir sampling). */
  readonly sample: number[]
}

/** Adds up the metrics of the local functions, as CloudWatch does for deployed ones. Bounded by the number of names. */
export class MetricStore {
  readonly #random: () => number
  readonly #series = new Map<string, Series>()
  readonly #listeners: ((measurement: Measurement) => void)[] = []

  /** @param random from 0 up to, not including, 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  record(measurement: Measurement): void {
    const { service, entity, name, unit, values } = measurement
    if (values.length === 0) return
    const key = JSON.stringify([service, entity, name, unit])
    const series = this.#series.get(key) ?? {
      labels: { service, entity, name, unit },
      sum: 0,
      count: 0,
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      sample: [],
    }
    this.#series.set(key, series)
    for (const value of values) this.#add(series, value)
    for (const listener of this.#listeners) listener(measurement)
  }

  /** Calls `listener` with each measurement from now on. */
  listen(listener: (measurement: Measurement) => void): void {
    this.#listeners.push(listener)
  }

  /** By service, entity and name. */
  summaries(): MetricSummary[] {
    return [...this.#series.values()]
      .map(({ labels, sum, count, min, max, sample }) => {
        const sorted = sample.toSorted((a, b) => a - b)
        return { ...labels, sum, count, min, max, p50: rank(sorted, 0.5), p99: rank(sorted, 0.99) }
      })
      .toSorted((a, b) => (labelOf(a) < labelOf(b) ? -1 : 1))
  }

  #add(series: Series, value: number): void {
    series.sum += value
    series.count++
    series.min = Math.min(series.min, value)
    series.max = Math.max(series.max, value)
    if (series.sample.length < SAMPLE_SIZE) series.sample.push(value)
    else {
      const at = Math.floor(this.#random() * series.count)
      if (at < SAMPLE_SIZE) series.sample[at] = value
    }
  }
}

/** The smallest value that is not below the given share of all (nearest rank). */
const rank = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN

const labelOf = ({ service, entity, name }: MetricSummary): string => `${service}\n${entity}\n${name}`
