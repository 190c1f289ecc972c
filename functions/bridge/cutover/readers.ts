import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { readMetrics } from '../drivers/cloudwatch/read-metrics.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { type CountName, LEGACY_API, METRICS_NAMESPACE } from '../runtime/metrics.ts'

const HOUR = 3_600_000
/** Whoever reads once a day is seen. */
const HOURS = 24

/** Who has been seen at an entity's legacy paths. What reads the table by SQL is seen by nobody here. */
export type Readers = {
  readonly hours: number
  readonly reads: number
  readonly writes: number
  /** The latest hour in which somebody read or wrote, by its beginning: ISO 8601, UTC; null: none. */
  readonly latest: string | null
}

/** @throws MetricsError, DeadlineError */
export const readReaders = async (
  client: CloudWatchClient,
  entity: string,
  { now, deadline }: { readonly now: Date; readonly deadline: Deadline },
): Promise<Readers> => {
  const names: readonly CountName[] = ['Reads', 'Writes']
  const [reads = [], writes = []] = await readMetrics(
    client,
    names.map((name) => ({
      ...{ namespace: METRICS_NAMESPACE, name, dimensions: { service: LEGACY_API, entity } },
      statistic: 'Sum',
    })),
    { start: new Date(now.getTime() - HOURS * HOUR), end: now, period: HOUR / 1_000 },
    deadline,
  )
  const sum = (points: typeof reads): number => points.reduce((total, { value }) => total + value, 0)
  const times = [...reads, ...writes].filter(({ value }) => value > 0).map(({ at }) => at.getTime())
  return {
    ...{ hours: HOURS, reads: sum(reads), writes: sum(writes) },
    latest: times.length === 0 ? null : new Date(Math.max(...times)).toISOString(),
  }
}
