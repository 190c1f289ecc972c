import { describe, expect, it } from '@jest/globals'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Stack } from 'aws-cdk-lib/core'
import { LegacyDatabase } from '../../../infra/constructs/legacy-database.ts'
import { appWith, settingsWith } from '../fixtures/synthesise.ts'

function build(context: Record<string, unknown> = {}) {
  const stack = new Stack(appWith({}), 'Test')
  const database = new LegacyDatabase(stack, 'Database', { settings: settingsWith(context) })
  return { stack, database, template: () => Template.fromStack(stack) }
}

describe('LegacyDatabase', () => {
  it('is Aurora MySQL 3.08 or newer on Serverless v2, with the Data API on and a pause after 5 idle minutes', () => {
    const template = build().template()
    template.hasResourceProperties('AWS::RDS::DBCluster', {
      Engine: 'aurora-mysql',
      EngineVersion: Match.stringLikeRegexp('^8\\.0\\.mysql_aurora\\.3\\.(0[89]|[1-9]\\d)\\.\\d+$'),
      EnableHttpEndpoint: true,
      DatabaseName: 'backsync',
      ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 4, SecondsUntilAutoPause: 300 },
      BackupRetentionPeriod: 1,
    })
    template.allResourcesProperties('AWS::RDS::DBInstance', { DBInstanceClass: 'db.serverless' })
    template.resourceCountIs('AWS::RDS::DBInstance', 1)
  })

  it('takes the name, the capacity and the backups of its settings', () => {
    build({ stage: 'prod', auth: 'iam', databaseName: 'kitchen', maxCapacity: 32.5 })
      .template()
      .hasResourceProperties('AWS::RDS::DBCluster', {
        DatabaseName: 'kitchen',
        ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 32.5 },
        BackupRetentionPeriod: 14,
        DeletionProtection: true,
      })
  })

  it('is strict, in UTC and in utf8mb4 whatever the defaults of the account say', () => {
    const template = build().template()
    template.hasResourceProperties('AWS::RDS::DBClusterParameterGroup', {
      Family: 'aurora-mysql8.0',
      Parameters: { time_zone: 'UTC', character_set_server: 'utf8mb4' },
    })
    template.hasResourceProperties('AWS::RDS::DBParameterGroup', {
      Family: 'aurora-mysql8.0',
      Parameters: { sql_mode: Match.stringLikeRegexp('STRICT_TRANS_TABLES') },
    })
    const [group] = Object.keys(template.findResources('AWS::RDS::DBParameterGroup'))
    template.hasResourceProperties('AWS::RDS::DBInstance', { DBParameterGroupName: { Ref: group } })
  })

  it('has two isolated subnets and no way out of them', () => {
    const template = build().template()
    template.resourceCountIs('AWS::EC2::Subnet', 2)
    for (const type of ['NatGateway', 'InternetGateway', 'Route']) {
      template.resourceCountIs(`AWS::EC2::${type}`, 0)
    }
  })

  it('generates its password in Secrets Manager', () => {
    build()
      .template()
      .hasResourceProperties('AWS::SecretsManager::Secret', {
        GenerateSecretString: {
          SecretStringTemplate: '{"username":"backsync"}',
          GenerateStringKey: 'password',
          PasswordLength: 30,
        },
      })
  })

  it('grants the actions of the Data API on the cluster, and the secret', () => {
    const { stack, database, template } = build()
    database.grantSql(new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }))
    template().hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: [
              'rds-data:BeginTransaction',
              'rds-data:CommitTransaction',
              'rds-data:ExecuteStatement',
              'rds-data:RollbackTransaction',
            ],
            Resource: stack.resolve(database.cluster.clusterArn),
          },
          {
            Effect: 'Allow',
            Action: 'secretsmanager:GetSecretValue',
            Resource: stack.resolve(database.secret.secretArn),
          },
        ],
      },
    })
  })

  it('says where it is', () => {
    const { stack, database } = build()
    expect(stack.resolve(database.environment)).toEqual({
      CLUSTER_ARN: stack.resolve(database.cluster.clusterArn),
      SECRET_ARN: stack.resolve(database.secret.secretArn),
      DATABASE_NAME: 'backsync',
    })
  })
})
