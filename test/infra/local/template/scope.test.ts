import { describe, expect, it } from '@jest/globals'
import type { Assembly, Resource } from '../../../../infra/local/template/assembly.ts'
import { notRunHere } from '../../../../infra/local/template/not-run.ts'
import { startOrder } from '../../../../infra/local/template/order.ts'
import { mappingsOf } from '../../../../infra/local/template/resources/mappings.ts'
import { TemplateScope } from '../../../../infra/local/template/scope.ts'

const resource = (
  Type: string,
  Properties: Record<string, unknown> = {},
  more: Partial<Resource> = {},
): Resource => ({
  Type,
  Properties,
  DependsOn: [],
  ...more,
})

const assemblyOf = (
  Resources: Record<string, Resource>,
  more: Partial<Assembly['template']> = {},
): Assembly => ({
  stackName: 'Stack',
  assetFolders: new Map(),
  template: { Parameters: {}, Mappings: {}, Conditions: {}, Outputs: {}, Resources, ...more },
})

const scopeOf = (
  resources: Record<string, Resource>,
  more: Partial<Assembly['template']> = {},
): TemplateScope => new TemplateScope(assemblyOf(resources, more), () => '{"password":"p:w"}')

describe('TemplateScope', () => {
  it('gives the same names at every start', () => {
    const names = () => {
      const scope = scopeOf({
        T: resource('AWS::DynamoDB::Table'),
        S: resource('AWS::SecretsManager::Secret'),
      })
      return [scope.ref('T', ''), scope.ref('S', '')]
    }
    expect(names()).toEqual(names())
    expect(names()[1]).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:S-[a-z0-9]{6}$/)
  })

  it('refers through attachments, versions and aliases', () => {
    const scope = scopeOf({
      S: resource('AWS::SecretsManager::Secret'),
      A: resource('AWS::SecretsManager::SecretTargetAttachment', { SecretId: { Ref: 'S' } }),
      F: resource('AWS::Lambda::Function'),
      V: resource('AWS::Lambda::Version', { FunctionName: { Ref: 'F' } }),
      L: resource('AWS::Lambda::Alias', { FunctionName: { 'Fn::GetAtt': ['F', 'Arn'] }, Name: 'live' }),
    })
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:Stack-F'
    expect(scope.ref('A', '')).toBe(scope.ref('S', ''))
    expect(scope.getAtt('F', 'Arn', '')).toBe(arn)
    expect(scope.ref('V', '')).toBe(`${arn}:1`)
    expect(scope.ref('L', '')).toBe(`${arn}:live`)
  })

  it('tells an attribute that comes later from one that never comes', () => {
    const scope = scopeOf({ T: resource('AWS::DynamoDB::Table') })
    expect(() => scope.getAtt('T', 'StreamArn', 'p')).toThrow(
      expect.objectContaining({ code: 'template.not-started' }),
    )
    scope.publish('T', { StreamArn: 'arn:s' })
    expect(scope.getAtt('T', 'StreamArn', 'p')).toBe('arn:s')
    expect(() => scope.getAtt('T', 'Colour', 'p')).toThrow(
      expect.objectContaining({ code: 'template.unknown-attribute', path: 'p' }),
    )
  })

  it('makes up plausible values for what does not run here, and lists it', () => {
    const resources = {
      R: resource('AWS::IAM::Role'),
      Q: resource('AWS::IAM::Role'),
      F: resource('AWS::Lambda::Function'),
    }
    expect(scopeOf(resources).getAtt('R', 'Arn', '')).toBe('arn:aws:iam:us-east-1:000000000000:Stack-R')
    expect(notRunHere(assemblyOf(resources))).toEqual(['AWS::IAM::Role (2)'])
  })

  it('names a state machine, which does not run here', () => {
    const resources = { M: resource('AWS::StepFunctions::StateMachine') }
    const arn = 'arn:aws:states:us-east-1:000000000000:stateMachine:Stack-M'
    expect([scopeOf(resources).ref('M', ''), scopeOf(resources).getAtt('M', 'Name', '')]).toEqual([
      arn,
      'Stack-M',
    ])
    expect(notRunHere(assemblyOf(resources))).toEqual(['AWS::StepFunctions::StateMachine'])
  })

  it('evaluates conditions, parameters and secrets', () => {
    const scope = scopeOf(
      {
        Yes: resource('AWS::SQS::Queue', {}, { Condition: 'Prod' }),
        No: resource('AWS::SQS::Queue', {}, { Condition: 'Dev' }),
      },
      {
        Parameters: { Stage: { Default: 'prod' } },
        Conditions: {
          Prod: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
          Dev: { 'Fn::Not': [{ Condition: 'Prod' }] },
        },
        Outputs: { Password: { Value: '{{resolve:secretsmanager:any:SecretString:password::}}' } },
      },
    )
    expect(scope.resources('AWS::SQS::Queue').map(([id]) => id)).toEqual(['Yes'])
    expect(scope.outputs()).toEqual({ Password: 'p:w' })
  })

  it('refuses a reference to nothing, by its path', () => {
    const scope = scopeOf({ F: resource('AWS::Lambda::Function', { Handler: { Ref: 'Nobody' } }) })
    expect(() => scope.property('F', 'Handler')).toThrow(
      expect.objectContaining({
        code: 'template.unknown-reference',
        path: 'Resources.F.Properties.Handler.Ref',
      }),
    )
  })
})

describe('startOrder', () => {
  it('puts each resource behind what it depends on', () => {
    const { template } = assemblyOf({
      Trigger: resource('Custom::Trigger', { HandlerArn: { Ref: 'F' } }, { DependsOn: ['C'] }),
      F: resource('AWS::Lambda::Function', { Environment: { Variables: { S: { Ref: 'S' } } } }),
      C: resource('AWS::RDS::DBCluster'),
      S: resource('AWS::SecretsManager::Secret'),
    })
    expect(startOrder(template)).toEqual(['C', 'S', 'F', 'Trigger'])
  })

  it('refuses a circle', () => {
    const { template } = assemblyOf({
      A: resource('Custom::Trigger', {}, { DependsOn: ['B'] }),
      B: resource('Custom::Trigger', { x: { Ref: 'A' } }),
    })
    expect(() => startOrder(template)).toThrow(
      expect.objectContaining({ code: 'template.circular-dependency' }),
    )
  })
})

describe('mappingsOf', () => {
  const mapping = (properties: Record<string, unknown>) =>
    mappingsOf(
      scopeOf({
        M: resource('AWS::Lambda::EventSourceMapping', {
          EventSourceArn: 'arn:aws:dynamodb:r:0:table/t/stream/s',
          FunctionName: 'f',
          StartingPosition: 'LATEST',
          ...properties,
        }),
      }),
    )[0]

  it('fills in the defaults of Lambda', () => {
    expect(mapping({})).toMatchObject({
      enabled: true,
      settings: {
        batchSize: 100,
        windowSeconds: 0,
        parallelizationFactor: 1,
        bisectOnError: false,
        maximumRetryAttempts: -1,
        maximumRecordAgeSeconds: -1,
        reportBatchItemFailures: false,
        filters: [],
      },
    })
  })

  it('reads numbers and booleans that came as text', () => {
    expect(mapping({ Enabled: 'false', BatchSize: '7' })).toMatchObject({
      enabled: false,
      settings: { batchSize: 7 },
    })
  })

  it.each([
    ['BatchSize', 10_001],
    ['ParallelizationFactor', 11],
    ['MaximumRecordAgeInSeconds', 59],
    ['TumblingWindowInSeconds', 5],
    ['StartingPosition', 'AT_TIMESTAMP'],
    ['EventSourceArn', 'arn:aws:kinesis:r:0:stream/s'],
  ])('refuses %s %s', (name, value) => {
    expect(() => mapping({ [name]: value })).toThrow(expect.objectContaining({ name: 'TemplateError' }))
  })
})
