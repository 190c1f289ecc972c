import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { type CountName, FACADE, LambdaMetrics } from '../../../functions/bridge/runtime/metrics.ts'
import { resourceOf, templateOf } from '../fixtures/synthesise.ts'

const template = templateOf()
const OWN = [
  ['MovesRefused', 1, /npx backsync parked list --stack Backsync/],
  ['RouteUnreadable', 3, /npx backsync cutover status --stack Backsync/],
  ['Faults', 3, /500 and above/],
] as const satisfies readonly (readonly [CountName, number, RegExp])[]

describe('the alarms of the facade', () => {
  it.each(OWN)('tell of %s, as its function counts it, of all entities together', (name, periods, says) => {
    const lines: string[] = []
    const metrics = new LambdaMetrics(FACADE, { write: (line) => lines.push(line) })
    metrics.count(name, 'chef', 1)
    metrics.flush()
    const published = JSON.parse(lines.join(''))
    const together = published._aws.CloudWatchMetrics.find(
      ({ Dimensions }: { Dimensions: string[][] }) => Dimensions[0]?.length === 1,
    )
    expect(together.Metrics).toEqual([{ Name: name, Unit: 'Count' }])
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: together.Namespace,
      MetricName: name,
      Dimensions: [{ Name: 'service', Value: published.service }],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: periods,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp(says.source),
    })
  })

  it.each([
    ['Errors', { Statistic: 'Sum', Threshold: 0, EvaluationPeriods: 3 }],
    ['Throttles', { Statistic: 'Sum', Threshold: 0, EvaluationPeriods: 1 }],
    ['Duration', { ExtendedStatistic: 'p99', Threshold: 3_000, EvaluationPeriods: 3, Period: 300 }],
  ])('tell of its function’s %s, as Lambda measures it', (MetricName, how) => {
    const { id } = resourceOf(template, 'AWS::Lambda::Function', 'FacadeFunction')
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      ...{ Namespace: 'AWS/Lambda', MetricName, ...how },
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: id } }],
    })
  })

  it('reach the topic that alarms notify', () => {
    const notified = templateOf({ alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms' })
    const alarms = Object.entries(notified.findResources('AWS::CloudWatch::Alarm')).filter(([id]) =>
      id.startsWith('FacadeAlarms'),
    )
    expect(alarms).toHaveLength(6)
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toHaveLength(1)
      expect(Properties.OKActions).toEqual(Properties.AlarmActions)
    }
  })
})
