import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration, Stack, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import {
  type CountName,
  type GaugeName,
  GUARD,
  METRICS_NAMESPACE,
  WHOLE_STACK,
} from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { output } from './output.ts'
import type { StateTable } from './state-table.ts'

/** Metrics come by the minute, and so does what is made of them. */
const INTERVAL = Duration.minutes(1)

/** What is written at one store is to be in the other one by then. */
const LATE = Duration.minutes(1)
/** For so long a relay may not look, by its setting; two of an hour may fall together. */
const RESTS = { stay: Duration.seconds(0), minute: Duration.minutes(1), hour: Duration.hours(2) } as const

export interface GuardProps {
  readonly settings: Settings
  /** Where routes stand. */
  readonly routes: StateTable
  /** Where it is kept what is known of each. */
  readonly jobs: StateTable
  readonly code: Code
}

/** Looks how routes do that are on their way, and steps those back that are worse: whoever moved them may sleep. */
export class Guard extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: GuardProps) {
    super(scope, id)
    const { settings, routes, jobs } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Steps routes back that are worse than before',
      code: props.code,
      timeout: INTERVAL,
      memorySize: 256,
      environment: {
        ...routes.environment,
        ...jobs.environment,
        LATE: JSON.stringify({
          aurora: LATE.toMilliseconds(),
          dynamo: LATE.plus(RESTS[settings.relay]).toMilliseconds(),
        }),
      },
    })
    // A step back is one conditional write of the route, by the same code as the command's.
    routes.grant(this.function, ['GetItem', 'PutItem'])
    jobs.grant(this.function, ['GetItem', 'PutItem'])
    Grant.addToPrincipal({
      grantee: this.function,
      actions: ['cloudwatch:GetMetricData'],
      resourceArns: ['*'],
    })
    Validations.of(this.function.role ?? this.function).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'cloudwatch:GetMetricData has no resource; it reads figures, and no customer’s data.',
    })
    new Rule(this, 'Schedule', {
      description: 'Has judged the routes that are on their way',
      schedule: Schedule.rate(INTERVAL),
      // The next one comes soon, and does it as well.
      targets: [new LambdaFunction(this.function, { retryAttempts: 0, maxEventAge: INTERVAL })],
    })
    this.#addAlarms(settings)
    output(
      this,
      'GuardFunctionName',
      this.function.functionName,
      'The function that steps routes back that are worse',
    )
  }

  #addAlarms({ alarmTopicArn }: Settings): void {
    const action =
      alarmTopicArn === undefined
        ? undefined
        : new SnsAction(Topic.fromTopicArn(this, 'Topic', alarmTopicArn))
    const stack = `--stack ${Stack.of(this).stackName}`
    const add = (id: string, alarmDescription: string, metric: Metric, evaluationPeriods = 1): void => {
      const alarm = new Alarm(this, id, {
        ...{ alarmDescription, metric, threshold: 0, evaluationPeriods },
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      })
      if (action === undefined) return
      alarm.addAlarmAction(action)
      alarm.addOkAction(action)
    }
    const own = (
      metricName: CountName | GaugeName,
      dimensions: Readonly<Record<string, string>>,
      statistic: string,
    ) =>
      new Metric({
        namespace: METRICS_NAMESPACE,
        metricName,
        dimensionsMap: { service: GUARD, ...dimensions },
        period: INTERVAL,
        statistic,
      })
    add(
      'SteppedBack',
      `The guard has stepped a route back, since it was worse. See by what: npx backsync cutover status ${stack}, and cutover history`,
      own('StepsBack', {}, Stats.SUM),
    )
    add(
      'Unjudged',
      `The guard can't judge routes that are on their way, for five minutes: nobody would step them back. See its log, and: npx backsync cutover status ${stack}`,
      own('Unjudged', { entity: WHOLE_STACK }, Stats.MAXIMUM),
      5,
    )
    add(
      'WorseHeld',
      `The guard finds routes worse that somebody holds where they are. See: npx backsync cutover status ${stack}`,
      own('WorseHeld', { entity: WHOLE_STACK }, Stats.MAXIMUM),
    )
    add(
      'Errors',
      'The guard fails: routes that are worse stay where they are. See its log',
      this.function.metricErrors({ period: INTERVAL, statistic: Stats.SUM }),
      3,
    )
  }
}
