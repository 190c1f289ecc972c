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
import { type CountName, METRICS_NAMESPACE } from '../../functions/bridge/runtime/metrics.ts'
import { pascalCase } from './pascal-case.ts'

/** The largest age, in milliseconds, at which a change may reach the function before someone is told: 1 minute. */
const ageLimit = Duration.minutes(1).toMilliseconds()

export interface StreamAlarmsProps {
  /** The function that the stream invokes. */
  readonly function: IFunction
  /** Names the function in its own metrics and in the alarms' descriptions, such as `back-sync`. */
  readonly service: string
  /** Where the changes go, for the alarms' descriptions. */
  readonly target: string
  /** Notified on alarm and on recovery. @default none: alarms show in CloudWatch only */
  readonly topicArn?: string
}

/**
 * Says when changes are late, fail, are set aside or are lost. Missing data are no breach: an idle stream has none.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
 */
export class StreamAlarms extends Construct {
  readonly #action: SnsAction | undefined
  readonly #service: string

  constructor(scope: Construct, id: string, props: StreamAlarmsProps) {
    super(scope, id)
    const { service, target } = props
    this.#service = service
    this.#action =
      props.topicArn === undefined
        ? undefined
        : new SnsAction(Topic.fromTopicArn(this, 'Topic', props.topicArn))

    const over = { period: Duration.minutes(1), statistic: Stats.SUM }
    this.#alarm('Late', {
      description: `Changes reach ${target} more than a minute late`,
      metric: props.function.metric('IteratorAge', { period: Duration.minutes(1), statistic: Stats.MAXIMUM }),
      threshold: ageLimit,
      periods: 3,
    })
    this.#alarm('Errors', {
      description: `The ${service} function fails; its batches are retried`,
      metric: props.function.metricErrors(over),
      periods: 3,
    })
    this.#alarm('Throttles', {
      description: `The ${service} function is throttled; retries do not count, only age ends them`,
      metric: props.function.metricThrottles(over),
      periods: 3,
    })
    const overdue: CountName = 'Overdue'
    this.#alarm('Overdue', {
      description: `Changes that wait for others have been tried in vain for minutes: see what they wait for, in npx backsync parked list`,
      metric: new Metric({
        namespace: METRICS_NAMESPACE,
        metricName: overdue,
        dimensionsMap: { service },
        ...over,
      }),
    })
    this.#alarm('Undeliverable', {
      description:
        'Lambda could not file a failed batch in the failure bucket: the batch is lost but for the stream',
      metric: props.function.metric('DestinationDeliveryFailures', over),
    })
  }

  /**
   * Adds the alarms of one event source mapping, which must have its event count metrics on.
   *
   * @param name of the mapping's source, unique among them
   */
  addMapping(name: string, mappingId: string): void {
    const metric = (metricName: string) =>
      new Metric({
        namespace: 'AWS/Lambda',
        metricName,
        dimensionsMap: { EventSourceMappingUUID: mappingId },
        period: Duration.minutes(1),
        statistic: Stats.SUM,
      })
    this.#alarm(`${name}SetAside`, {
      description: `Changes of ${name} were given up and filed in the failure bucket: see npx backsync undelivered list --stack ${Stack.of(this).stackName}`,
      metric: metric('OnFailureDestinationDeliveredEventCount'),
    })
    this.#alarm(`${name}Dropped`, {
      description: `Changes of ${name} were given up and not filed: re-read their keys before the stream forgets them`,
      metric: metric('DroppedEventCount'),
    })
  }

  /**
   * Adds the alarm on changes that can't be applied, by the metric that the function publishes.
   *
   * @param name of the entity or projection whose changes they are
   */
  addParked(name: string): void {
    const metricName: CountName = 'Parked'
    this.#alarm(`${pascalCase(name)}Parked`, {
      description: `Changes of ${name} can't be applied and are parked, with their reasons: repair these, and retry`,
      metric: new Metric({
        namespace: METRICS_NAMESPACE,
        metricName,
        dimensionsMap: { service: this.#service, entity: name },
        period: Duration.minutes(1),
        statistic: Stats.SUM,
      }),
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
    if (this.#action) {
      alarm.addAlarmAction(this.#action)
      alarm.addOkAction(this.#action)
    }
  }
}
