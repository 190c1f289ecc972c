import type { AuroraStore } from '../aurora/aurora-store.ts'
import type { GuardedWriter } from '../aurora/guarded-writer.ts'
import type { Entity } from '../entity.ts'
import type { Parking } from '../parking/parked.ts'
import type { Deadline } from '../runtime/deadline.ts'
import type { Log } from '../runtime/log.ts'
import type { Metrics } from '../runtime/metrics.ts'
import type { Value } from '../values.ts'

/** Reads the current item of a key from the entity's table, strongly consistent. */
export interface CurrentItems {
  /** @returns the item's attributes; undefined when there is no item of this entity under the key */
  get(entity: Entity, key: string): Promise<Readonly<Record<string, Value>> | undefined>
}

/** What applying changes to Aurora, and setting aside those that can't be applied, needs. */
export type SyncParts = {
  /** In order of reference: each behind those that it refers to. */
  readonly entities: readonly Entity[]
  readonly writer: GuardedWriter
  readonly store: AuroraStore
  readonly parking: Parking
  readonly items: CurrentItems
  readonly deadline: Deadline
  readonly metrics: Metrics
  readonly log: Log
  readonly now: () => Date
}
