import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import {
  type GaugeName,
  METRICS_NAMESPACE,
  WATCH,
  WHOLE_STACK,
} from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { FailureBucket } from './failure-bucket.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import type { StateTable } from './state-table.ts'

/** How often it is looked. */
const interval = Duration.minutes(5)

export interface WatchProps {
  readonly settings: Settings
  readonly failures: FailureBucket
  /** Where conflicts are set aside. */
  readonly parking: StateTable
  /** Where routes stand, and how far the jobs are that have their keys follow; undefined: there are none. */
  readonly routes: StateTable | undefined
  readonly jobs: StateTable
  /** Whose tombstones end. */
  readonly database: LegacyDatabase
  /** The function that looks. */
  readonly code: Code
}

/** What is alarmed about for as long as there is any, and the command that shows it. */
const ALARMS: readonly (readonly [GaugeName, string])[] = [
  [
    'Undelivered',
    'Batches of changes were given up and wait in the failure bucket. See: npx backsync undelivered list',
  ],
  ['Undecided', 'Keys are in conflict: what both sides hold is set aside. See: npx backsync parked list'],
  [
    'Unseen',
    'Triggers of mirrored entities are missing or changed: plain SQL is not seen. See: npx backsync mirror status',
  ],
]

/** As these, where there are routes. */
const UNFOLLOWED = [
  'Unfollowed',
  'Keys have not followed the last move of their route, and nobody has them do so: a sweep stands still, or there is none for a day. See: npx backsync cutover status',
] as const satisfies (typeof ALARMS)[number]

/**
 * Says what waits for an operator, for as long as it does: an alarm on what has just been given up is silent a minute
 * later, when the batch is still there.
 */
export class Watch extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id)
    const { settings, failures, parking, routes, jobs, database } = props
    const watch = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Counts what waits for an operator',
      code: props.code,
      // Of a paused cluster that is to wake up, and of what has expired since it did last.
      timeout: Duration.minutes(2),
      memorySize: 256,
      environment: {
        ...failures.environment,
        ...parking.environment,
        ...database.environment,
        ...(routes && { ...routes.environment, ...jobs.environment }),
      },
    })
    this.function = watch
    failures.grantList(watch)
    parking.grant(watch, ['Query'])
    database.grantSql(watch)
    if (routes !== undefined) for (const table of [routes, jobs]) table.grant(watch, ['GetItem'])
    new Rule(this, 'Schedule', {
      description: 'Has counted what waits for an operator',
      schedule: Schedule.rate(interval),
      // The next one comes soon; an old count is of no use.
      targets: [new LambdaFunction(watch, { retryAttempts: 0, maxEventAge: interval })],
    })

    const topic =
      settings.alarmTopicArn === undefined
        ? undefined
        : Topic.fromTopicArn(this, 'Topic', settings.alarmTopicArn)
    for (const [metricName, alarmDescription] of routes === undefined ? ALARMS : [...ALARMS, UNFOLLOWED]) {
      const alarm = new Alarm(this, metricName, {
        alarmDescription: `${alarmDescription} --stack ${Stack.of(this).stackName}`,
        metric: new Metric({
          namespace: METRICS_NAMESPACE,
          metricName,
          dimensionsMap: { service: WATCH, entity: WHOLE_STACK },
          period: interval,
          statistic: Stats.MAXIMUM,
        }),
        threshold: 0,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluationPeriods: 1,
        // A count that failed says nothing of what is there: the alarm stays as it was.
        treatMissingData: TreatMissingData.IGNORE,
      })
      if (topic === undefined) continue
      const action = new SnsAction(topic)
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
    }
  }
}
