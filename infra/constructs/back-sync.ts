import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { BACK_SYNC } from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription, EntityTable } from './entity-table.ts'
import { FailureBucket } from './failure-bucket.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { output } from './output.ts'
import type { StateTable } from './state-table.ts'
import { StreamAlarms } from './stream-alarms.ts'
import { followStreams, grantParking } from './stream-follower.ts'
import { tableNames } from './table-names.ts'

export interface BackSyncProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /**
   * Whose parked changes raise an alarm, and whose items may be lifted. Pass all of them where entities share a table.
   *
   * @default the entities that the tables were made for
   */
  readonly entities?: readonly EntityDescription[]
  /** The legacy handler: the very package that serves the legacy API. */
  readonly code: Code
  /** Where changes are set aside that Aurora refuses. */
  readonly parking: StateTable
}

/** The way back: each table's stream invokes the legacy handler, which writes the same changes to Aurora. */
export class BackSync extends Construct {
  readonly function: BridgeFunction
  readonly failures: FailureBucket

  constructor(scope: Construct, id: string, props: BackSyncProps) {
    super(scope, id)
    const { settings, database, tables, parking } = props
    this.failures = new FailureBucket(this, 'Failures', { settings })
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Writes changes of the DynamoDB tables back to Aurora with the legacy handler',
      code: props.code,
      timeout: Duration.seconds(60),
      environment: { ...database.environment, ...tableNames(this, tables), ...parking.environment },
    })
    database.grantSql(this.function)
    grantParking(parking, this.function)
    const entities = props.entities ?? tables.map(({ entity }) => entity)
    for (const table of tables) {
      table.grantGet(this.function)
      table.grantLift(this.function, entities)
    }

    const alarms = new StreamAlarms(this, 'Alarms', {
      function: this.function,
      service: BACK_SYNC,
      target: 'Aurora',
      ...(settings.alarmTopicArn !== undefined && { topicArn: settings.alarmTopicArn }),
    })
    followStreams(
      this.function,
      tables.map(({ entity, table }) => ({ name: entity.name, table })),
      { settings, failures: this.failures, alarms },
    )
    for (const { name } of entities) alarms.addParked(name)
    output(
      this,
      'FailureBucketName',
      this.failures.bucket.bucketName,
      'Batches of streams that were given up on',
    )
  }
}
