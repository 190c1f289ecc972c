import { describeTable } from '../drivers/dynamo/describe.ts'
import type { RateLimiter } from '../drivers/dynamo/rate-limiter.ts'
import { segmentCount } from '../jobs/segments.ts'
import { type Comparison, compareProjection } from './compare.ts'
import type { TableSyncParts } from './open-tables.ts'
import type { Projection } from './projection.ts'

type Sync = Pick<TableSyncParts, 'client' | 'tables' | 'deadline'>

/** How a kept table and its source are read to be compared. */
export type VerificationPlan = {
  readonly projection: Projection
  /** Items that both are believed to have, together. */
  readonly estimate: number
  readonly segments: number
}

/** @throws MissingTableError, DynamoError, DeadlineError; the signal's reason */
export const planVerification = async (
  projection: Projection,
  { client, tables, deadline }: Sync,
  signal?: AbortSignal,
): Promise<VerificationPlan> => {
  const counts = await Promise.all(
    [projection.from.name, projection.name].map(async (name) => {
      const { items } = await describeTable(client, tables.of(name), { deadline, signal })
      return items
    }),
  )
  const estimate = counts.reduce((sum, items) => sum + items, 0)
  return { projection, estimate, segments: segmentCount(Math.max(...counts)) }
}

/** Compares a kept table with its source, both ways. What differs is read again before it counts. */
export const verifyTable = (
  { projection, segments }: VerificationPlan,
  { client, tables, deadline }: Sync,
  options: {
    readonly signal?: AbortSignal | undefined
    readonly limiter?: RateLimiter | undefined
    /** Gets how many items were read in all. */
    readonly onProgress?: ((looked: number) => void) | undefined
  },
): Promise<Comparison> => compareProjection({ projection, client, tables, segments, deadline, ...options })
