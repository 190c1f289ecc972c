import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { GUARD, LambdaMetrics, WHOLE_STACK } from '../../../functions/bridge/runtime/metrics.ts'
import { resourceOf, synthesise, templateOf } from '../fixtures/synthesise.ts'

const template = templateOf()
const guards = (of: ReturnType<typeof templateOf>): string[] =>
  ['AWS::Lambda::Function', 'AWS::Events::Rule', 'AWS::CloudWatch::Alarm', 'AWS::IAM::Role'].flatMap((type) =>
    Object.keys(of.findResources(type)).filter((id) => id.startsWith('Guard')),
  )

describe('Guard', () => {
  it('has its function look once a minute', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [
        Match.objectLike({
          Arn: { 'Fn::GetAtt': [resourceOf(template, 'AWS::Lambda::Function', 'GuardFunction').id, 'Arn'] },
        }),
      ],
    })
  })

  it.each([
    ['stay', 60_000],
    ['minute', 120_000],
    ['hour', 7_260_000],
  ])('has it know how late a relay may be that is to %s: %i ms', (relay, dynamo) => {
    const { properties } = resourceOf(templateOf({ relay }), 'AWS::Lambda::Function', 'GuardFunction')
    expect(JSON.parse(properties.Environment.Variables.LATE)).toEqual({ aurora: 60_000, dynamo })
  })

  it('is there unless somebody does without it, and where there is a route', () => {
    expect(guards(template)).not.toEqual([])
    expect(guards(templateOf({ guard: 'off' }))).toEqual([])
    expect(guards(synthesise({}, []).template)).toEqual([])
    const retired = [{ name: 'dish', plural: 'dishes', keyName: 'dishId', retired: true }]
    expect(guards(synthesise({}, retired).template)).toEqual([])
  })

  it.each([
    ['StepsBack', 'Sum', 1, /cutover status --stack Backsync, and cutover history/],
    ['Unjudged', 'Maximum', 5, /cutover status --stack Backsync/],
    ['WorseHeld', 'Maximum', 1, /cutover status --stack Backsync/],
  ] as const)('alarms by %s, as its function publishes it', (name, Statistic, EvaluationPeriods, says) => {
    const lines: string[] = []
    const metrics = new LambdaMetrics(GUARD, { write: (line) => lines.push(line) })
    if (name === 'StepsBack') metrics.count(name, 'chef', 1)
    else metrics.gauge(name, WHOLE_STACK, 1)
    metrics.flush()
    const published = JSON.parse(lines.join(''))
    const { Namespace, Dimensions } = published._aws.CloudWatchMetrics.at(-1)

    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      ...{ Namespace, MetricName: name, Statistic, Period: 60, EvaluationPeriods, Threshold: 0 },
      Dimensions: Dimensions[0]
        .map((Name: string) => ({ Name, Value: published[Name] }))
        .toSorted((a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1)),
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp(says.source),
    })
  })

  it('alarms where its function fails, and tells the topic that alarms notify', () => {
    const notified = templateOf({ alarmTopicArn: 'arn:aws:sns:us-east-1:123456789012:alarms' })
    const { id } = resourceOf(notified, 'AWS::Lambda::Function', 'GuardFunction')
    notified.hasResourceProperties('AWS::CloudWatch::Alarm', {
      ...{ Namespace: 'AWS/Lambda', MetricName: 'Errors', EvaluationPeriods: 3 },
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: id } }],
    })
    const alarms = Object.entries(notified.findResources('AWS::CloudWatch::Alarm')).filter(([name]) =>
      name.startsWith('Guard'),
    )
    expect(alarms).toHaveLength(4)
    for (const [, { Properties }] of alarms) {
      expect(Properties.AlarmActions).toHaveLength(1)
      expect(Properties.OKActions).toEqual(Properties.AlarmActions)
    }
  })
})
