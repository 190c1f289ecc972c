import type { EndedRoutes } from '../ports/ended.ts'
import type { Parking } from '../ports/parking.ts'
import type { Sink } from '../ports/sink.ts'
import type { Source } from '../ports/source.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'

/** What keeps one store by the changes of another: where they come from, where they go, and where the bad ones wait. */
export type Mirror = {
  readonly source: Source
  readonly sink: Sink
  readonly parking: Parking
  readonly deadline: Deadline
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => Date
  /**
   * Before each time that a change which waits for another one is tried once more, in milliseconds; then it is parked, and
   * waits there. @default 0, 100, 300
   */
  readonly patience?: readonly number[]
  /**
   * Has keys brought once more by the store that owns them, where this source has accepted something of them that it had no
   * right to: what the owner holds takes its place. Absent where nothing could bring them.
   */
  readonly reclaim?: (entity: string, keys: readonly string[]) => Promise<void>
  /** The entities of which nothing is carried any more: what comes is settled, and counted. @default none */
  readonly ended?: EndedRoutes | undefined
}
