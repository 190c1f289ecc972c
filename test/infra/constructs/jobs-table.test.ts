import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { JobsTable } from '../../../infra/constructs/jobs-table.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

function build() {
  const stack = new Stack(appWith({}), 'Test')
  const jobs = new JobsTable(stack, 'Jobs', { settings: settingsWith() })
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
  return { stack, jobs, role }
}

describe('JobsTable', () => {
  it('has the keys that jobs use, no stream, and forgets what has expired', () => {
    const { stack } = build()
    const [table] = Object.values(Template.fromStack(stack).findResources('AWS::DynamoDB::Table'))

    expect(table?.Properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'job', KeyType: 'HASH' },
        { AttributeName: 'part', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'job', AttributeType: 'S' },
        { AttributeName: 'part', AttributeType: 'S' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    })
    expect(table?.Properties).not.toHaveProperty('StreamSpecification')
  })

  it('tells a function its name', () => {
    const { stack, jobs } = build()
    expect(stack.resolve(jobs.environment)).toEqual({ JOBS_TABLE: stack.resolve(jobs.table.tableName) })
  })

  it.each([
    ['grantJobs', ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem']],
    ['grantStates', ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem']],
  ] as const)('%s allows that and nothing else, on the table alone', (grant, actions) => {
    const { stack, jobs, role } = build()
    jobs[grant](role)

    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: actions, Resource: stack.resolve(jobs.table.tableArn) }],
      },
    })
  })
})
