import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { ParkingTable } from '../../../infra/constructs/parking-table.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

function build(context: Record<string, unknown> = {}) {
  const stack = new Stack(appWith({}), 'Test')
  const parking = new ParkingTable(stack, 'Parking', { settings: settingsWith(context) })
  return { stack, parking }
}

describe('ParkingTable', () => {
  it('has the keys that parking uses, forgets what has expired, and can be restored to any second', () => {
    Template.fromStack(build().stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: false,
      },
    })
  })

  it('outlives the stack where the stage retains', () => {
    Template.fromStack(build({ stage: 'prod', auth: 'iam' }).stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    })
  })

  it('has no stream: nothing reads one', () => {
    const [table] = Object.values(Template.fromStack(build().stack).findResources('AWS::DynamoDB::Table'))
    expect(table?.Properties).not.toHaveProperty('StreamSpecification')
  })

  it('tells a function its name', () => {
    const { stack, parking } = build()
    expect(stack.resolve(parking.environment)).toEqual({
      PARKING_TABLE: stack.resolve(parking.table.tableName),
    })
  })

  it('grants the parts of its transactions and its reads, on the table alone', () => {
    const { stack, parking } = build()
    parking.grantParking(new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: [
              'dynamodb:BatchGetItem',
              'dynamodb:ConditionCheckItem',
              'dynamodb:DeleteItem',
              'dynamodb:PutItem',
              'dynamodb:Query',
              'dynamodb:UpdateItem',
            ],
            Resource: stack.resolve(parking.table.tableArn),
          },
        ],
      },
    })
  })
})
