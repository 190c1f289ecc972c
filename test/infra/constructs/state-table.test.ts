import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { settings } from '../../../functions/bridge/runtime/config.ts'
import { grantFirstAnswers } from '../../../infra/constructs/api-tier.ts'
import { grantJobs } from '../../../infra/constructs/copy-table.ts'
import { grantRoutes } from '../../../infra/constructs/facade.ts'
import { StateTable, type StateTableProps } from '../../../infra/constructs/state-table.ts'
import { grantParking } from '../../../infra/constructs/stream-follower.ts'
import { grantStates, grantTombstones } from '../../../infra/constructs/table-sync.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

type Setting = StateTableProps['setting']

function build(setting: Setting, context: Record<string, unknown> = {}) {
  const stack = new Stack(appWith({}), 'Test')
  const own = new StateTable(stack, 'Own', { settings: settingsWith(context), setting })
  return { stack, own }
}

const string = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' })

/** Each table with its keys, as deployed stacks have them, and the setting that a function reads. */
const tables = [
  ['IDEMPOTENCY_TABLE', ['id'], settings.idempotency],
  ['PARKING_TABLE', ['pk', 'sk'], settings.parking],
  ['JOBS_TABLE', ['job', 'part'], settings.jobs],
  ['ROUTES_TABLE', ['entity'], settings.routes],
  ['TOMBSTONES_TABLE', ['pk'], settings.keptTables.pick({ TOMBSTONES_TABLE: true })],
] as const

describe.each(tables)("Backsync's own table of %s", (setting, [partition, sort], read) => {
  it('has the keys that the code uses, forgets what has expired, and can be restored to any second', () => {
    Template.fromStack(build(setting).stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: {
        KeySchema: [
          { AttributeName: partition, KeyType: 'HASH' },
          ...(sort === undefined ? [] : [{ AttributeName: sort, KeyType: 'RANGE' }]),
        ],
        AttributeDefinitions: [string(partition), ...(sort === undefined ? [] : [string(sort)])],
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: false,
      },
    })
  })

  it('outlives the stack where the stage retains', () => {
    const { stack } = build(setting, { stage: 'prod', auth: 'iam' })
    Template.fromStack(stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    })
  })

  it('has no stream: nothing reads one', () => {
    const { stack } = build(setting)
    const [table] = Object.values(Template.fromStack(stack).findResources('AWS::DynamoDB::Table'))
    expect(table?.Properties).not.toHaveProperty('StreamSpecification')
  })

  it('tells a function its name, in the setting that the function reads', () => {
    const { stack, own } = build(setting)
    expect(stack.resolve(own.environment)).toEqual({ [setting]: stack.resolve(own.table.tableName) })
    expect(Object.keys(read.shape)).toEqual([setting])
  })
})

type Grants = (table: StateTable, grantee: IGrantable) => unknown

describe('what is granted on them', () => {
  it.each<[string, Setting, Grants, readonly string[]]>([
    ['first answers', 'IDEMPOTENCY_TABLE', grantFirstAnswers, ['GetItem', 'PutItem']],
    [
      'parking',
      'PARKING_TABLE',
      grantParking,
      ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'PutItem', 'Query', 'UpdateItem'],
    ],
    ['routes', 'ROUTES_TABLE', grantRoutes, ['GetItem']],
    ['jobs', 'JOBS_TABLE', grantJobs, ['GetItem', 'PutItem', 'Query', 'UpdateItem']],
    ['states', 'JOBS_TABLE', grantStates, ['BatchGetItem', 'GetItem', 'UpdateItem']],
    ['tombstones', 'TOMBSTONES_TABLE', grantTombstones, ['ConditionCheckItem', 'GetItem', 'PutItem']],
  ])('for %s is that and nothing else, on the table alone', (_, setting, grant, operations) => {
    const { stack, own } = build(setting)
    grant(own, new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
    const actions = operations.map((operation) => `dynamodb:${operation}`)
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: actions.length === 1 ? actions[0] : actions,
            Resource: stack.resolve(own.table.tableArn),
          },
        ],
      },
    })
  })
})
