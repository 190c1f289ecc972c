import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { KEEP_TABLES, LambdaMetrics } from '../../../functions/bridge/runtime/metrics.ts'
import {
  resourceOf,
  synthesise,
  templateOf,
  threeProjections,
  twoEntities,
  users,
} from '../fixtures/synthesise.ts'

describe('TableSync', () => {
  const template = templateOf()
  const lambda = resourceOf(template, 'AWS::Lambda::Function', 'TableSyncFunction')
  const bucket = resourceOf(template, 'AWS::S3::Bucket', 'BackSyncFailures')
  const mappings = Object.values(
    template.findResources('AWS::Lambda::EventSourceMapping', {
      Properties: { FunctionName: { Ref: lambda.id } },
    }),
  )

  it('follows the stream of each source once, and of no other table', () => {
    const streams = ['TablesMeterReadings', 'TablesUsersByTown', 'TablesUsersTable'].map(
      (id) => resourceOf(template, 'AWS::DynamoDB::Table', id).id,
    )
    expect(mappings.map(({ Properties }) => Properties.EventSourceArn['Fn::GetAtt']).sort()).toEqual(
      streams.map((id) => [id, 'StreamArn']),
    )
  })

  it('follows them as the way back follows its own', () => {
    const [back] = Object.values(
      template.findResources('AWS::Lambda::EventSourceMapping', {
        Properties: {
          FunctionName: { Ref: resourceOf(template, 'AWS::Lambda::Function', 'BackSyncFunction').id },
        },
      }),
    )
    const { EventSourceArn, FunctionName, ...settings } = back?.Properties ?? {}
    expect([EventSourceArn, FunctionName]).not.toContain(undefined)
    expect(settings.DestinationConfig.OnFailure.Destination).toEqual({ 'Fn::GetAtt': [bucket.id, 'Arn'] })
    for (const { Properties } of mappings) expect(Properties).toMatchObject(settings)
  })

  it("takes an entity's table as a source, beside the way back", () => {
    const dish = { name: 'dish', key: { partition: { name: 'dishId', type: 'S' } } } as const
    const { template: other } = synthesise({}, twoEntities, {
      tables: [users, dish],
      projections: [{ ...dish, name: 'menu', from: dish }],
    })
    const { id } = resourceOf(other, 'AWS::DynamoDB::Table', 'DishTable')
    const readers = other.findResources('AWS::Lambda::EventSourceMapping', {
      Properties: { EventSourceArn: { 'Fn::GetAtt': [id, 'StreamArn'] } },
    })
    expect(
      Object.values(readers)
        .map(({ Properties }) => Properties.FunctionName.Ref.slice(0, -8))
        .sort(),
    ).toEqual(['BackSyncFunction', 'TableSyncFunction'])
  })

  it.each(threeProjections.map(({ name }) => name))(
    'watches the parked changes of %s, by the name under which the function publishes them',
    (name) => {
      const lines: string[] = []
      const metrics = new LambdaMetrics(KEEP_TABLES, { write: (line) => lines.push(line) })
      metrics.count('Parked', name, 1)
      metrics.flush()
      const published = JSON.parse(lines.join(''))
      const [{ Namespace, Dimensions, Metrics }] = published._aws.CloudWatchMetrics

      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace,
        MetricName: Metrics[0].Name,
        Dimensions: Dimensions[0]
          .map((Name: string) => ({ Name, Value: published[Name] }))
          .toSorted((a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1)),
        Threshold: 0,
      })
    },
  )

  it.each(['IteratorAge', 'Errors', 'Throttles', 'DestinationDeliveryFailures'])(
    'watches %s of the function, and says so of it',
    (MetricName) => {
      const alarms = template.findResources('AWS::CloudWatch::Alarm', {
        Properties: { MetricName, Dimensions: [{ Name: 'FunctionName', Value: { Ref: lambda.id } }] },
      })
      expect(Object.values(alarms)).toHaveLength(1)
      expect(JSON.stringify(alarms)).not.toMatch(/aurora|back-sync/i)
    },
  )

  it('remembers deletes in a table of its own, for a time', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      StreamSpecification: Match.absent(),
    })
  })

  it('reads the database by no way', () => {
    const { Statement } = resourceOf(template, 'AWS::IAM::Policy', 'TableSyncFunctionRole').properties
      .PolicyDocument
    const actions: string[] = Statement.flatMap(({ Action }: { Action: string | string[] }) => Action)
    expect(actions.filter((action) => !/^(dynamodb|logs|s3):/.test(action))).toEqual([])
  })
})
