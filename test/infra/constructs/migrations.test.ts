import { describe, expect, it } from '@jest/globals'
import { resourceOf, templateOf } from '../fixtures/synthesise.ts'

describe('Migrations', () => {
  const template = templateOf()
  const trigger = resourceOf(template, 'Custom::Trigger', 'Migrations')

  it('invokes the current version of the function and waits for its answer', () => {
    const version = resourceOf(template, 'AWS::Lambda::Version', 'MigrationsMigrate')
    expect(trigger.properties).toMatchObject({
      HandlerArn: { Ref: version.id },
      InvocationType: 'RequestResponse',
      ExecuteOnHandlerChange: true,
    })
  })

  it.each([
    ['AWS::RDS::DBCluster', 'LegacyDatabase'],
    ['AWS::RDS::DBInstance', 'LegacyDatabase'],
    ['AWS::SecretsManager::SecretTargetAttachment', 'LegacyDatabase'],
    ['AWS::IAM::Policy', 'MigrationsProviderLogs'],
  ])('waits for %s (%s)', (type, id) => {
    expect(trigger.resource.DependsOn).toContain(resourceOf(template, type, id).id)
  })

  it("keeps the trigger's own function to one log group", () => {
    const group = resourceOf(template, 'AWS::Logs::LogGroup', 'MigrationsOnDeployLogs').id
    const provider = resourceOf(template, 'AWS::Lambda::Function', 'AWSCDKTrigger')
    const role = resourceOf(template, 'AWS::IAM::Role', 'AWSCDKTrigger')
    expect(provider.properties.LoggingConfig).toEqual({ LogGroup: { Ref: group } })
    expect(role.properties).not.toHaveProperty('ManagedPolicyArns')
    expect(resourceOf(template, 'AWS::IAM::Policy', 'MigrationsProviderLogs').properties).toMatchObject({
      Roles: [{ Ref: role.id }],
      PolicyDocument: {
        Statement: [
          {
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: { 'Fn::GetAtt': [group, 'Arn'] },
          },
        ],
      },
    })
  })
})
