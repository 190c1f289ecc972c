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

/** How often it is looked. */
const interval = Duration.minutes(5)

export interface WatchProps {
  readonly settings: Settings
  readonly failures: FailureBucket
  /** The function that looks. */
  readonly code: Code
}

/**
 * Says what waits for an operator, for as long as it does: an alarm on what has just been given up is silent a minute
 * later, when the batch is still there.
 */
export class Watch extends Construct {
  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id)
    const { settings, failures } = props
    const watch = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Counts what waits for an operator',
      code: props.code,
      timeout: Duration.seconds(30),
      memorySize: 256,
      environment: failures.environment,
    })
    failures.grantList(watch)
    new Rule(this, 'Schedule', {
      description: 'Has counted what waits for an operator',
      schedule: Schedule.rate(interval),
      // The next one comes soon; an old count is of no use.
      targets: [new LambdaFunction(watch, { retryAttempts: 0, maxEventAge: interval })],
    })

    const metricName: GaugeName = 'Undelivered'
    const alarm = new Alarm(this, 'Undelivered', {
      alarmDescription: `Batches of changes were given up and wait in the failure bucket. See: npx backsync undelivered list --stack ${Stack.of(this).stackName}`,
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
    if (settings.alarmTopicArn !== undefined) {
      const action = new SnsAction(Topic.fromTopicArn(this, 'Topic', settings.alarmTopicArn))
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
    }
  }
}
