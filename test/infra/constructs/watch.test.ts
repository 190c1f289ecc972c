import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { LambdaMetrics, WATCH, WHOLE_STACK } from '../../../functions/bridge/runtime/metrics.ts'
import { resourceOf, templateOf } from '../fixtures/synthesise.ts'

const template = templateOf()

describe('Watch', () => {
  it('has its function look every five minutes', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
      Targets: [
        Match.objectLike({
          Arn: { 'Fn::GetAtt': [resourceOf(template, 'AWS::Lambda::Function', 'WatchFunction').id, 'Arn'] },
        }),
      ],
    })
  })

  it.each([
    ['Undelivered', 'npx backsync undelivered list --stack Backsync'],
    ['Undecided', 'npx backsync parked list --stack Backsync'],
    ['Unseen', 'npx backsync mirror status --stack Backsync'],
    ['Unfollowed', 'npx backsync cutover status --stack Backsync'],
  ] as const)(
    'alarms while anything is %s, by the gauge that the function publishes, and says with which command to look',
    (name, command) => {
      const lines: string[] = []
      const metrics = new LambdaMetrics(WATCH, { write: (line) => lines.push(line) })
      metrics.gauge(name, WHOLE_STACK, 0)
      metrics.flush()
      const published = JSON.parse(lines.join(''))
      const [{ Namespace, Dimensions, Metrics }] = published._aws.CloudWatchMetrics

      // None is a figure, too: by it the alarm ends.
      expect(published[Metrics[0].Name]).toBe(0)
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace,
        MetricName: Metrics[0].Name,
        Dimensions: Match.arrayWith(
          Dimensions[0]
            .map((Name: string) => ({ Name, Value: published[Name] }))
            .toSorted((a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1)),
        ),
        Statistic: 'Maximum',
        Period: 300,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        AlarmDescription: Match.stringLikeRegexp(command),
      })
    },
  )
})
