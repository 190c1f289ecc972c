import type { Checkpoints } from './checkpoints.ts'
import type { Clock } from './clock.ts'
import type { DeliveryPorts } from './deliver.ts'
import type { ProgressLimits } from './progress.ts'
import type { MappingSettings } from './settings.ts'
import type { StreamSource } from './source.ts'

/** What the consumer of one shard needs. */
export type ShardPorts = {
  readonly settings: MappingSettings
  readonly source: StreamSource
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly random: () => number
  readonly log: (line: string) => void
  readonly deliveryTo: (shardId: string) => Omit<DeliveryPorts, 'checkpoint'>
  /** Asks the stream whether a shard will get no more records: it has ended, has a child, or is gone. */
  readonly isClosed: (shardId: string) => Promise<boolean>
  /** @default limitsOf(settings) */
  readonly limits?: ProgressLimits
}
