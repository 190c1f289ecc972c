import { describe, expect, it } from '@jest/globals'
import { schedulesOf } from '../../../../infra/local/template/resources/schedules.ts'
import { TemplateScope } from '../../../../infra/local/template/scope.ts'

const schedulesIn = (properties: Record<string, unknown>) => {
  const lines: string[] = []
  const rule = {
    Type: 'AWS::Events::Rule',
    DependsOn: [],
    Properties: { Targets: [{ Arn: 'arn:fn', Id: 'T' }], ...properties },
  }
  const scope = new TemplateScope(
    {
      stackName: 'S',
      template: { Resources: { Rule: rule }, Outputs: {}, Parameters: {}, Conditions: {}, Mappings: {} },
      assetFolders: new Map(),
    },
    () => undefined,
  )
  return { schedules: schedulesOf(scope, (line) => lines.push(line)), lines }
}

describe('the schedules of a template', () => {
  it.each([
    ['rate(1 minute)', 60_000],
    ['rate(5 minutes)', 300_000],
    ['rate(2 hours)', 7_200_000],
  ])('are those that have a rate: %s', (ScheduleExpression, every) => {
    const arn = 'arn:aws:events:us-east-1:000000000000:rule/S-Rule'
    expect(schedulesIn({ ScheduleExpression }).schedules).toEqual([
      { name: 'Rule', arn, every, functionArn: 'arn:fn' },
    ])
  })

  it.each([{ ScheduleExpression: 'cron(0 3 * * ? *)' }, { EventPattern: { source: ['aws.s3'] } }])(
    'leave out %j, which is not run here, and say so',
    (properties) => {
      const { schedules, lines } = schedulesIn(properties)
      expect(schedules).toEqual([])
      expect(lines).toHaveLength(1)
    },
  )

  it('leave out what is disabled', () => {
    expect(schedulesIn({ ScheduleExpression: 'rate(1 day)', State: 'DISABLED' })).toEqual({
      schedules: [],
      lines: [],
    })
  })
})
