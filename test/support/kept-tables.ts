import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type KeySchema, keySchema } from '../../functions/bridge/drivers/dynamo/key-schema.ts'
import { jobsTable } from '../../functions/bridge/jobs/job-settings.ts'
import { parkingTable } from '../../functions/bridge/parking/keys.ts'
import { Deadline } from '../../functions/bridge/runtime/deadline.ts'
import type { Metrics } from '../../functions/bridge/runtime/metrics.ts'
import { Tables } from '../../functions/bridge/runtime/tables.ts'
import {
  openTables,
  type TableSyncParts,
  type TablesConfig,
} from '../../functions/bridge/tables/open-tables.ts'
import type { Projection } from '../../functions/bridge/tables/projection.ts'
import { tombstoneTable } from '../../functions/bridge/tables/tombstones.ts'
import type { TestTables } from './dynamo-tables.ts'
import { silent } from './log.ts'

const ownTables: Readonly<Record<'parking' | 'tombstones' | 'jobs', KeySchema>> = {
  parking: keySchema(parkingTable, 'parking'),
  tombstones: keySchema(tombstoneTable, 'tombstones'),
  jobs: keySchema(jobsTable, 'jobs'),
}

/** Tables that are kept by others, with all that keeping them needs. */
export type KeptTables = {
  readonly config: TablesConfig
  /** Names in DynamoDB by names in this project: sources and targets. */
  readonly tables: Readonly<Record<string, string>>
  readonly counts: ReadonlyMap<string, number>
  /** As a function's environment has them. */
  parts(options?: {
    readonly client?: DynamoDBClient
    readonly now?: () => Date
    readonly deadline?: Deadline
  }): TableSyncParts
}

/** @param stream whether the sources have one */
export const openKeptTables = async (
  ground: TestTables,
  projections: readonly Projection[],
  { stream = false } = {},
): Promise<KeptTables> => {
  const tables: Record<string, string> = {}
  for (const { name, key, from } of projections) {
    tables[from.name] ??= await ground.create(from.name, from.key, { stream })
    tables[name] = await ground.create(name, key)
  }
  const config: TablesConfig = {
    TABLES: new Tables(tables),
    PARKING_TABLE: await ground.create('parking', ownTables.parking),
    TOMBSTONES_TABLE: await ground.create('tombstones', ownTables.tombstones),
    JOBS_TABLE: await ground.create('jobs', ownTables.jobs),
  }
  const counts = new Map<string, number>()
  const metrics: Metrics = {
    count: (name, entity, n) => {
      counts.set(`${entity} ${name}`, (counts.get(`${entity} ${name}`) ?? 0) + n)
    },
    milliseconds: () => {},
    flush: () => {},
  }
  return {
    config,
    tables,
    counts,
    parts: ({ client = ground.client, now = () => new Date(), deadline = new Deadline() } = {}) =>
      openTables(config, { projections, deadline, log: silent, metrics, now, client }),
  }
}
