import type { Parking } from '../ports/parked.ts'
import type { Sink, Source } from '../ports/sink.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'

/** What applying a stream's changes to a store, and setting aside those that can't be applied, needs. */
export type SyncParts = {
  readonly sink: Sink
  readonly source: Source
  readonly parking: Parking
  readonly deadline: Deadline
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => Date
}
