import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { BACK_SYNC, LambdaMetrics } from '../../../functions/bridge/runtime/metrics.ts'
import { resourceOf, synthesise, templateOf } from '../fixtures/synthesise.ts'

describe('BackSync', () => {
  const template = templateOf()
  const bucket = resourceOf(template, 'AWS::S3::Bucket', 'BackSyncFailures')
  const lambda = resourceOf(template, 'AWS::Lambda::Function', 'BackSyncFunction')

  it.each(['DishTable', 'RecipeStepTable'])('follows the stream of %s from its start', (id) => {
    const table = resourceOf(template, 'AWS::DynamoDB::Table', id)
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [table.id, 'StreamArn'] },
      FunctionName: { Ref: lambda.id },
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 1000,
      ParallelizationFactor: 1,
      MaximumRetryAttempts: -1,
      MaximumRecordAgeInSeconds: 20 * 3600,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [bucket.id, 'Arn'] } } },
      MetricsConfig: { Metrics: ['EventCount'] },
    })
  })

  it('runs more batches of a shard at once when asked', () => {
    templateOf({ parallelizationFactor: '4' }).allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      ParallelizationFactor: 4,
    })
  })

  it('may read the streams and items, write the database, park changes and add failed batches; nothing else', () => {
    const { Statement } = resourceOf(template, 'AWS::IAM::Policy', 'BackSyncFunctionRole').properties
      .PolicyDocument
    const actions: string[] = Statement.flatMap(({ Action }: { Action: string | string[] }) => Action)
    expect([...new Set(actions)].sort()).toEqual([
      'dynamodb:BatchGetItem',
      'dynamodb:ConditionCheckItem',
      'dynamodb:DeleteItem',
      'dynamodb:DescribeStream',
      'dynamodb:GetItem',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'rds-data:BeginTransaction',
      'rds-data:CommitTransaction',
      'rds-data:ExecuteStatement',
      'rds-data:RollbackTransaction',
      's3:ListBucket',
      's3:PutObject',
      'secretsmanager:GetSecretValue',
    ])
  })

  it('may raise versions in the tables of entities that are to be lifted, and in no other', () => {
    const entities = [
      { name: 'dish', plural: 'dishes', keyName: 'dishId', overruled: 'lift' },
      { name: 'recipe-step', plural: 'recipe-steps', keyName: 'stepKey', overruled: 'park' },
      // What nothing is said of is as in a definition.
      { name: 'pan', plural: 'pans', keyName: 'panId' },
      { name: 'event', plural: 'events', keyName: 'eventId', versions: 'stream' },
    ] as const
    const of = synthesise({}, entities).template
    const { Statement } = resourceOf(of, 'AWS::IAM::Policy', 'BackSyncFunctionRole').properties.PolicyDocument
    const raised = (table: string): boolean =>
      Statement.some(
        ({ Action, Resource }: { Action: string | string[]; Resource: unknown }) =>
          [Action].flat().includes('dynamodb:UpdateItem') &&
          JSON.stringify(Resource).includes(resourceOf(of, 'AWS::DynamoDB::Table', table).id),
      )
    expect(['DishTable', 'RecipeStepTable', 'PanTable', 'EventTable'].map(raised)).toEqual([
      ...[true, false, true, false],
    ])
  })

  it('grants the failure bucket as Lambda asks for it, and no right to read it', () => {
    const arn = { 'Fn::GetAtt': [bucket.id, 'Arn'] }
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Effect: 'Allow', Action: 's3:PutObject', Resource: { 'Fn::Join': ['', [arn, '/aws/lambda/*']] } },
          { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn },
        ]),
      },
    })
  })
})

const byName = (a: { Name: string }, b: { Name: string }): number => (a.Name < b.Name ? -1 : 1)

describe('StreamAlarms', () => {
  const template = templateOf()
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => Properties,
  )
  const lambda = resourceOf(template, 'AWS::Lambda::Function', 'BackSyncFunction')

  it.each([
    ['IteratorAge', 'Maximum', 60_000, 3],
    ['Errors', 'Sum', 0, 3],
    ['Throttles', 'Sum', 0, 3],
    ['DestinationDeliveryFailures', 'Sum', 0, 1],
  ])('watches %s of the function', (metric, statistic, threshold, periods) => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'AWS/Lambda',
      MetricName: metric,
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: lambda.id } }],
      Statistic: statistic,
      Threshold: threshold,
      EvaluationPeriods: periods,
      ComparisonOperator: 'GreaterThanThreshold',
    })
  })

  it.each(['OnFailureDestinationDeliveredEventCount', 'DroppedEventCount'])(
    'watches %s of each stream',
    (metric) => {
      const mappings = Object.keys(template.findResources('AWS::Lambda::EventSourceMapping'))
      const watched = alarms.filter(({ MetricName }) => MetricName === metric)
      expect(watched.map(({ Dimensions: [{ Name, Value }] }) => [Name, Value.Ref]).sort()).toEqual(
        mappings.map((id) => ['EventSourceMappingUUID', id]).sort(),
      )
    },
  )

  it.each(['dish', 'recipe-step'])(
    'watches the parked changes of %s, by the name under which the function publishes them',
    (entity) => {
      const lines: string[] = []
      const metrics = new LambdaMetrics(BACK_SYNC, { write: (line) => lines.push(line) })
      metrics.count('Parked', entity, 1)
      metrics.flush()
      const published = JSON.parse(lines.join(''))
      const [{ Namespace, Dimensions, Metrics }] = published._aws.CloudWatchMetrics

      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace,
        MetricName: Metrics[0].Name,
        Dimensions: Match.arrayWith(
          Dimensions[0].map((Name: string) => ({ Name, Value: published[Name] })).toSorted(byName),
        ),
        Statistic: 'Sum',
        Threshold: 0,
        EvaluationPeriods: 1,
        ComparisonOperator: 'GreaterThanThreshold',
      })
    },
  )

  it('watches what has waited for too long in one alarm for all entities, and nothing that is merely late', () => {
    const lines: string[] = []
    const metrics = new LambdaMetrics(BACK_SYNC, { write: (line) => lines.push(line) })
    for (const entity of ['dish', 'recipe-step']) metrics.count('Overdue', entity, 1)
    metrics.flush()
    for (const line of lines) {
      const { Namespace, Dimensions, Metrics } = JSON.parse(line)._aws.CloudWatchMetrics[1]
      expect([Dimensions, Metrics]).toEqual([[['service']], [{ Name: 'Overdue', Unit: 'Count' }]])
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        Namespace,
        MetricName: 'Overdue',
        Dimensions: [{ Name: 'service', Value: BACK_SYNC }],
        Statistic: 'Sum',
        Threshold: 0,
      })
    }
    expect(alarms.filter(({ MetricName }) => MetricName === 'Waiting')).toEqual([])
  })

  it('is calm while nothing flows, and tells nobody unless a topic is named', () => {
    // Of back-sync 11, of table-sync with its three sources and projections 14, of the facade six, of the guard four, and four on gauges: of these, missing
    // data say nothing.
    expect(alarms).toHaveLength(39)
    for (const alarm of alarms) {
      const isGauge = ['Undelivered', 'Undecided', 'Unseen', 'Unfollowed'].includes(String(alarm.MetricName))
      expect(alarm).toMatchObject({ TreatMissingData: isGauge ? 'ignore' : 'notBreaching' })
      expect(alarm).not.toHaveProperty('AlarmActions')
    }
  })

  it('notifies the topic of alarm and recovery', () => {
    const arn = 'arn:aws:sns:eu-west-1:111111111111:oncall'
    synthesise({ alarmTopicArn: arn }).template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [arn],
      OKActions: [arn],
    })
  })
})
