import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { resourceOf, templateOf } from '../fixtures/synthesise.ts'

const template = templateOf({ statementRunner: 'on' })
const idsOf = (of: ReturnType<typeof templateOf>): string[] =>
  Object.keys(of.toJSON().Resources).filter((id) => id.startsWith('StatementRunner'))
const groupOf = (name: string) => {
  const { id } = resourceOf(template, 'AWS::EC2::SecurityGroup', name)
  return { 'Fn::GetAtt': [id, 'GroupId'] }
}

describe('StatementRunner', () => {
  it('is there only where it is asked for, and changes nothing else of the network', () => {
    const without = templateOf()
    expect(idsOf(without)).toEqual([])
    expect(without.findResources('AWS::EC2::VPCEndpoint')).toEqual({})
    expect(without.findResources('AWS::EC2::SecurityGroupIngress')).toEqual({})
    const stateful = ['AWS::RDS::DBCluster', 'AWS::RDS::DBInstance', 'AWS::EC2::VPC', 'AWS::EC2::Subnet']
    for (const type of stateful) expect(template.findResources(type)).toEqual(without.findResources(type))
  })

  it('is a function beside the database, that may take as long as Lambda lets it', () => {
    const { properties } = resourceOf(template, 'AWS::Lambda::Function', 'StatementRunnerFunction')
    expect(properties).toMatchObject({
      Timeout: 900,
      VpcConfig: { SecurityGroupIds: [groupOf('StatementRunnerSecurityGroup')] },
    })
    expect(properties.VpcConfig.SubnetIds).toHaveLength(2)
  })

  it('reaches the database and Secrets Manager, and nothing reaches it', () => {
    const own = groupOf('StatementRunnerSecurityGroup')
    const ends = [
      [groupOf('LegacyDatabaseSecurityGroup'), 3306],
      [groupOf('StatementRunnerEndpointSecurityGroup'), 443],
    ] as const
    for (const [other, port] of ends) {
      const ports = { FromPort: port, ToPort: port, IpProtocol: 'tcp' }
      template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
        ...{ GroupId: own, DestinationSecurityGroupId: other, ...ports },
      })
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
        ...{ GroupId: other, SourceSecurityGroupId: own, ...ports },
      })
    }
    expect(Object.keys(template.findResources('AWS::EC2::SecurityGroupIngress'))).toHaveLength(2)
    template.hasResourceProperties('AWS::EC2::VPCEndpoint', {
      VpcEndpointType: 'Interface',
      PrivateDnsEnabled: true,
      SecurityGroupIds: [groupOf('StatementRunnerEndpointSecurityGroup')],
    })
  })

  it('is told to the migrations, which alone may have it run something', () => {
    const { id } = resourceOf(template, 'AWS::Lambda::Function', 'StatementRunnerFunction')
    const { properties } = resourceOf(template, 'AWS::Lambda::Function', 'MigrationsMigrate')
    expect(properties.Environment.Variables.RUNNER_FUNCTION).toEqual({ Ref: id })
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyName: Match.stringLikeRegexp('^MigrationsMigrateRole'),
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: 'lambda:InvokeFunction' })]),
      },
    })
  })
})
