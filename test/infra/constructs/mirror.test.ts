import { describe, expect, it } from '@jest/globals'
import { Match, type Template } from 'aws-cdk-lib/assertions'
import { LambdaMetrics, RELAY, WHOLE_STACK } from '../../../functions/bridge/runtime/metrics.ts'
import { resourceOf, synthesise, templateOf } from '../fixtures/synthesise.ts'

const dish = { name: 'dish', plural: 'dishes', keyName: 'dishId', mirror: {} }
const mirrored = (context: Readonly<Record<string, string>> = {}): Template =>
  synthesise(context, [dish, { name: 'guest', plural: 'guests', keyName: 'guestId' }]).template
const template = mirrored()

describe('Mirror', () => {
  it('is there only where an entity is mirrored', () => {
    expect(JSON.stringify(templateOf().toJSON())).not.toContain('RELAY_STAYS')
    expect(Object.keys(template.toJSON().Outputs)).toContain('RelayFunctionName')
  })

  it.each([
    ['stay', 'rate(1 minute)', 'true'],
    ['minute', 'rate(1 minute)', 'false'],
    ['hour', 'rate(1 hour)', 'false'],
  ])('has a relay that is to %s begin at a rate, and says to it whether it stays', (relay, rate, stays) => {
    const of = mirrored({ relay })
    const { id } = resourceOf(of, 'AWS::Lambda::Function', 'MirrorFunction')
    of.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: rate,
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [id, 'Arn'] } })],
    })
    of.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ RELAY_STAYS: stays }) },
    })
  })

  it.each([
    ['stay', false],
    ['minute', true],
    ['hour', true],
  ])('of a relay that is to %s lets the legacy API and the facade wake it: %s', (relay, mayWake) => {
    const of = mirrored({ relay })
    const { id } = resourceOf(of, 'AWS::Lambda::Function', 'MirrorFunction')
    for (const caller of ['LegacyApi', 'FacadeFunction']) {
      const { properties } = resourceOf(of, 'AWS::Lambda::Function', caller)
      const policy = JSON.stringify(resourceOf(of, 'AWS::IAM::Policy', `${caller}Role`).properties)
      expect(JSON.stringify(properties).includes('RELAY_FUNCTION')).toBe(mayWake)
      expect(policy.includes('lambda:InvokeFunction') && policy.includes(id)).toBe(mayWake)
    }
  })

  it('has one that stays run on until the next one has begun', () => {
    const { properties } = resourceOf(template, 'AWS::Lambda::Function', 'MirrorFunction')
    // It begins nothing in its last ten seconds.
    expect(Number(properties.Timeout) - 10).toBeGreaterThan(60)
    expect(properties).not.toHaveProperty('VpcConfig')
  })

  it('alarms when what was written waits for more than a minute, by the gauge that is published', () => {
    const lines: string[] = []
    const metrics = new LambdaMetrics(RELAY, { write: (line) => lines.push(line) })
    metrics.gauge('LogAge', WHOLE_STACK, 5)
    metrics.flush()
    const published = JSON.parse(lines.join(''))
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: published._aws.CloudWatchMetrics[0].Metrics[0].Name,
      Dimensions: [
        { Name: 'entity', Value: published.entity },
        { Name: 'service', Value: published.service },
      ],
      Statistic: 'Maximum',
      Threshold: 60_000,
      EvaluationPeriods: 3,
    })
  })

  it('alarms about what is parked, of the entities that are mirrored', () => {
    const alarms = Object.keys(template.findResources('AWS::CloudWatch::Alarm'))
    expect(alarms.filter((id) => id.startsWith('Mirror') && id.includes('Parked'))).toEqual([
      expect.stringMatching(/^MirrorDishParked/),
    ])
  })
})
