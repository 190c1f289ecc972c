import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { Duration, Stack } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { type CountName, FACADE, METRICS_NAMESPACE } from '../../functions/bridge/runtime/metrics.ts'

/** What all but one of a hundred requests have had their answer in. A paused cluster takes longer, and is no outage. */
const SLOW = Duration.seconds(3)

export interface FacadeAlarmsProps {
  readonly function: IFunction
  /** Notified on alarm and on recovery. @default none: alarms show in CloudWatch only */
  readonly topicArn?: string | undefined
}

/** Says when clients of the facade are refused, wait, or meet faults, and when its keys can't go where their route says. */
export class FacadeAlarms extends Construct {
  readonly #action: SnsAction | undefined

  constructor(scope: Construct, id: string, { function: facade, topicArn }: FacadeAlarmsProps) {
    super(scope, id)
    this.#action =
      topicArn === undefined ? undefined : new SnsAction(Topic.fromTopicArn(this, 'Topic', topicArn))
    const stack = `--stack ${Stack.of(this).stackName}`
    const over = { period: Duration.minutes(1), statistic: Stats.SUM }
    const own = (metricName: CountName) =>
      new Metric({
        namespace: METRICS_NAMESPACE,
        metricName,
        dimensionsMap: { service: FACADE },
        ...over,
      })
    this.#alarm('Errors', {
      description: 'The facade fails without an answer of its own: see its log',
      metric: facade.metricErrors(over),
      periods: 3,
    })
    this.#alarm('Throttles', {
      description:
        'The facade is throttled: clients are refused. Raise the concurrency of the account, or of the function',
      metric: facade.metricThrottles(over),
    })
    this.#alarm('Faults', {
      description: 'The facade answers with 500 and above: see its log, by the request’s id',
      metric: own('Faults'),
      periods: 3,
    })
    this.#alarm('Slow', {
      description: `One in a hundred answers of the facade takes longer than ${SLOW.toSeconds()} seconds`,
      metric: facade.metricDuration({ period: Duration.minutes(5), statistic: Stats.percentile(99) }),
      threshold: SLOW.toMilliseconds(),
      periods: 3,
    })
    this.#alarm('MovesRefused', {
      description: `Keys can't be moved to where their route has them: they are served where they are, and listed. See: npx backsync parked list ${stack}`,
      metric: own('MovesRefused'),
    })
    this.#alarm('RouteUnreadable', {
      description: `Where routes stand can't be read: keys are served by what was known, and only moves stop. See the table of routes, and: npx backsync cutover status ${stack}`,
      metric: own('RouteUnreadable'),
      periods: 3,
    })
  }

  #alarm(
    id: string,
    props: { description: string; metric: IMetric; threshold?: number; periods?: number },
  ): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: props.description,
      metric: props.metric,
      threshold: props.threshold ?? 0,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    if (this.#action === undefined) return
    alarm.addAlarmAction(this.#action)
    alarm.addOkAction(this.#action)
  }
}
