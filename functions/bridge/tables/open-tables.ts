import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { openDynamo } from '../drivers/dynamo/client.ts'
import { DynamoParking } from '../parking/dynamo-parking.ts'
import type { Tables } from '../runtime/tables.ts'
import type { Mirror } from '../sync/mirror.ts'
import type { Projection } from './projection.ts'
import { DynamoStates } from './states.ts'
import { TableSink } from './table-sink.ts'
import { TableSource } from './table-source.ts'

export type TablesConfig = {
  /** Table names in DynamoDB by their names in this project: sources and targets. */
  readonly TABLES: Tables
  readonly PARKING_TABLE: string
  readonly TOMBSTONES_TABLE: string
  readonly JOBS_TABLE: string
}

/** What keeping tables by others needs. */
export type TableSyncParts = Mirror & {
  readonly client: DynamoDBClient
  readonly tables: Tables
  readonly states: DynamoStates
  /** The table of tombstones. */
  readonly tombstones: string
}

type Given = Pick<Mirror, 'deadline' | 'log' | 'metrics'> & {
  readonly projections: readonly Projection[]
  /** @default the system's clock */
  readonly now?: () => Date
  /** @default one of the environment's settings */
  readonly client?: DynamoDBClient
}

/** @throws ConfigurationError when a source or a target has no table */
export const openTables = (config: TablesConfig, given: Given): TableSyncParts => {
  const { client = openDynamo(), now = () => new Date(), projections, deadline, log, metrics } = given
  const { TOMBSTONES_TABLE: tombstones } = config
  const tables = config.TABLES.including(projections.flatMap(({ name, from }) => [name, from.name]))
  return {
    client,
    tables,
    tombstones,
    sink: new TableSink({ client, projections, tables, tombstones, deadline, now }),
    source: new TableSource({ client, projections, tables, deadline }),
    parking: new DynamoParking({ client, table: config.PARKING_TABLE, deadline }),
    states: new DynamoStates(client, config.JOBS_TABLE, deadline),
    deadline,
    log,
    metrics,
    now,
  }
}
