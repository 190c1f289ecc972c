import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { BACK_SYNC } from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription, EntityTable } from './entity-table.ts'
import { FailureBucket } from './failure-bucket.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { StreamAlarms } from './stream-alarms.ts'
import { followStreams } from './stream-follower.ts'

export interface BackSyncProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /**
   * Whose parked changes raise an alarm. Pass all of them where entities share a table.
   *
   * @default the entities that the tables were made for
   */
  readonly entities?: readonly EntityDescription[]
  /** The legacy handler: the very package that serves the legacy API. */
  readonly code: Code
  /** TABLES: which entity a stream belongs to. */
  readonly environment: Readonly<Record<string, string>>
}

/** The way back: each table's stream invokes the legacy handler, which writes the same changes to Aurora. */
export class BackSync extends Construct {
  readonly function: BridgeFunction
  readonly failures: FailureBucket

  constructor(scope: Construct, id: string, props: BackSyncProps) {
    super(scope, id)
    const { settings, database } = props
    this.failures = new FailureBucket(this, 'Failures', { settings })
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Writes changes of the DynamoDB tables back to Aurora with the legacy handler',
      code: props.code,
      timeout: Duration.seconds(60),
      environment: { ...database.environment, ...props.environment },
    })
    database.grantSql(this.function)

    const alarms = new StreamAlarms(this, 'Alarms', {
      function: this.function,
      service: BACK_SYNC,
      target: 'Aurora',
      ...(settings.alarmTopicArn !== undefined && { topicArn: settings.alarmTopicArn }),
    })
    followStreams(
      this.function,
      props.tables.map(({ entity, table }) => ({ name: entity.name, table })),
      { settings, failures: this.failures, alarms },
    )
    for (const { name } of props.entities ?? props.tables.map(({ entity }) => entity)) alarms.addParked(name)
  }
}
