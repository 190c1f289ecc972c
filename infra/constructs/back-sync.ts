import { type Code, MetricType, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Duration, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { EntityDescription, EntityTable } from './entity-table.ts'
import { FailureBucket } from './failure-bucket.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { StreamAlarms } from './stream-alarms.ts'

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

/**
 * The way back: each table's stream invokes the legacy handler, which writes the same changes to Aurora.
 *
 * Eleven attempts of up to a minute each outlast a cluster that resumes or fails over; what a longer outage leaves is
 * filed whole, to be delivered again. Attempts that Lambda throttles don't count, so age bounds those: 6 hours, which
 * leaves 18 of the stream's 24 for repair. Bisecting corners a record that can't be applied: it is filed alone.
 */
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

    Validations.of(this.function.role ?? this.function).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'dynamodb:ListStreams, which Lambda asks for, lists streams by name and knows no narrower resource.',
    })

    const alarms = new StreamAlarms(this, 'Alarms', {
      function: this.function,
      ...(settings.alarmTopicArn !== undefined && { topicArn: settings.alarmTopicArn }),
    })
    for (const { entity, table } of props.tables) {
      const source = new DynamoEventSource(table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 1000,
        parallelizationFactor: settings.parallelizationFactor,
        reportBatchItemFailures: true,
        bisectBatchOnError: true,
        retryAttempts: 10,
        maxRecordAge: Duration.hours(6),
        onFailure: this.failures,
        metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
      })
      this.function.addEventSource(source)
      alarms.addMapping(entity.name, source.eventSourceMappingId)
    }
    for (const { name } of props.entities ?? props.tables.map(({ entity }) => entity)) alarms.addEntity(name)
  }
}
