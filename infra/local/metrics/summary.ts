import type { Log } from '../lambda/log-file.ts'
import { MetricStore, type MetricSummary } from './metric-store.ts'

/** How often the metrics are summed up for the person at the terminal, milliseconds; never while nothing happens. */
export const SUMMARY_MS = 10_000

/** An iterator age below this is not told: stream records carry whole seconds, and a local stream is never far behind. */
const TELLING_AGE_MS = 5_000

export type Summary = {
  /** Prints what has not been printed yet, and no more after it. */
  close(): Promise<void>
}

/** Prints a line per service and entity for what was measured since the last time, at most every `intervalMs`. */
export const summarise = (store: MetricStore, log: Log, intervalMs: number = SUMMARY_MS): Summary => {
  let recent = new MetricStore()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const print = (): void => {
    timer = undefined
    const told = recent
    recent = new MetricStore()
    for (const line of summaryLines(told.summaries())) log(line)
  }
  store.listen((measurement) => {
    if (closed) return
    recent.record(measurement)
    timer ??= setTimeout(print, intervalMs).unref()
  })
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      print()
    },
  }
}

/** Such as `back-sync chef: 12 applied, 1 parked, lag p50 40 ms, p99 85 ms, max 90 ms`. */
const summaryLines = (summaries: readonly MetricSummary[]): string[] => {
  const lines = new Map<string, string[]>()
  for (const summary of summaries) {
    if (summary.name === 'IteratorAge' && summary.max < TELLING_AGE_MS) continue
    const subject = `${summary.service} ${summary.entity}`
    const facts = lines.get(subject) ?? []
    lines.set(subject, facts)
    facts.push(factOf(summary))
  }
  return Array.from(lines, ([subject, facts]) => `${subject}: ${facts.join(', ')}`)
}

const factOf = ({ name, unit, sum, p50, p99, max }: MetricSummary): string => {
  const words = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase()
  const ms = (value: number): string => `${Math.round(value)} ms`
  return unit === 'Milliseconds'
    ? `${words} p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`
    : `${sum} ${words}`
}
