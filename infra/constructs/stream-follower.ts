import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import { MetricType, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Duration, Validations } from 'aws-cdk-lib/core'
import type { Settings } from '../settings.ts'
import type { BridgeFunction } from './bridge-function.ts'
import type { FailureBucket } from './failure-bucket.ts'
import type { StateTable } from './state-table.ts'
import type { StreamAlarms } from './stream-alarms.ts'

/** A table whose stream is followed. */
export interface FollowedTable {
  /** Unique among those that one function follows. */
  readonly name: string
  readonly table: ITable
}

export interface FollowProps {
  readonly settings: Settings
  readonly failures: FailureBucket
  readonly alarms: StreamAlarms
}

/**
 * Lets a function follow the streams of tables from their beginning, each with alarms of its own.
 *
 * What can't be applied is parked by the function itself, so whatever fails is about a store, and the number of attempts
 * says nothing: only age ends them, at 20 of the stream's 24 hours. What is left then is filed whole, to be delivered
 * again. Bisecting corners a record that ends the function itself.
 *
 * @throws Error of the CDK for a table without a stream
 */
export function followStreams(
  follower: BridgeFunction,
  tables: readonly FollowedTable[],
  { settings, failures, alarms }: FollowProps,
): void {
  for (const { name, table } of tables) {
    const source = new DynamoEventSource(table, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 1000,
      parallelizationFactor: settings.parallelizationFactor,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: -1,
      maxRecordAge: Duration.hours(20),
      onFailure: failures,
      metricsConfig: { metrics: [MetricType.EVENT_COUNT] },
    })
    follower.addEventSource(source)
    alarms.addMapping(name, source.eventSourceMappingId)
  }
  Validations.of(follower.role ?? follower).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'dynamodb:ListStreams, which Lambda asks for, lists streams by name and knows no narrower resource.',
  })
}

/**
 * Lets a follower park, resolve and read what is parked. A transaction asks for the rights of its parts, and has none
 * of its own.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
export const grantParking = (parking: StateTable, follower: IGrantable): Grant =>
  parking.grant(follower, [
    'BatchGetItem',
    'Query',
    'PutItem',
    'UpdateItem',
    'DeleteItem',
    'ConditionCheckItem',
  ])
