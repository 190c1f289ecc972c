import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { openAurora } from '../../../functions/bridge/aurora/open.ts'
import { DynamoParking } from '../../../functions/bridge/parking/dynamo-parking.ts'
import type { Parking, ParkingArchive } from '../../../functions/bridge/parking/parked.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import type { Metrics } from '../../../functions/bridge/runtime/metrics.ts'
import { openSync } from '../../../functions/bridge/sync/open.ts'
import type { SyncParts } from '../../../functions/bridge/sync/parts.ts'
import { entities } from '../../../functions/entities/index.ts'
import { pascalCase } from '../../constructs/pascal-case.ts'
import type { Context } from '../conventions/command.ts'
import { stderrLog } from './log.ts'
import { outputOf, type Target } from './target.ts'

/** The parking table of a stack. */
export const openParking = (target: Target): Parking & ParkingArchive =>
  new DynamoParking({
    client: new DynamoDBClient({ requestHandler: { connectionTimeout: 3_000 } }),
    table: outputOf(target, 'ParkingTableName'),
    // A command may take as long as it needs; each of its calls is bounded by itself.
    deadline: new Deadline(),
  })

/** What a command needs to write changes to Aurora as the stream function does. */
export const openWriteBack = ({ target, io, debug }: Pick<Context, 'target' | 'io' | 'debug'>): SyncParts => {
  const deadline = new Deadline()
  const aurora = {
    CLUSTER_ARN: outputOf(target, 'ClusterArn'),
    SECRET_ARN: outputOf(target, 'SecretArn'),
    DATABASE_NAME: outputOf(target, 'DatabaseName'),
  }
  const tables = new Set(entities.map(({ item }) => item.table))
  const config = {
    TABLES: Object.fromEntries(
      [...tables].map((name) => [name, outputOf(target, `${pascalCase(name)}TableName`)]),
    ),
    PARKING_TABLE: outputOf(target, 'ParkingTableName'),
  }
  const log = stderrLog(io, debug)
  const open = openSync(config, {
    ...openAurora(aurora, deadline),
    entities,
    deadline,
    metrics: UNCOUNTED,
    log,
    now: () => new Date(),
  })
  return open()
}

/** The metrics are the functions': what an operator does by hand is in the command's own answer. */
const UNCOUNTED: Metrics = { count: () => {}, milliseconds: () => {}, flush: () => {} }
