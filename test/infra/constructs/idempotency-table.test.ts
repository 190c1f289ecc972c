import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { idempotencySettings } from '../../../functions/bridge/dynamo/idempotency-table.ts'
import { IdempotencyTable } from '../../../infra/constructs/idempotency-table.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

function build(context: Record<string, unknown> = {}) {
  const stack = new Stack(appWith({}), 'Test')
  const table = new IdempotencyTable(stack, 'Idempotency', { settings: settingsWith(context) })
  return { stack, table }
}

describe('IdempotencyTable', () => {
  it('is keyed by the id of a record, which DynamoDB removes when it expires', () => {
    Template.fromStack(build().stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Delete',
      Properties: {
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        DeletionProtectionEnabled: false,
      },
    })
  })

  it('is protected where the stage retains', () => {
    Template.fromStack(build({ stage: 'prod', auth: 'iam' }).stack).hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    })
  })

  it('tells a function where it is, in the setting that the function reads', () => {
    const { stack, table } = build()

    expect(Object.keys(table.environment)).toEqual(Object.keys(idempotencySettings.shape))
    expect(stack.resolve(Object.values(table.environment))).toEqual([stack.resolve(table.table.tableName)])
  })

  it('grants puts alone, on the table alone', () => {
    const { stack, table } = build()
    table.grantPut(new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))

    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: stack.resolve(table.table.tableArn) },
        ],
      },
    })
  })
})
