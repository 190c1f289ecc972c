import { describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import * as z from 'zod'
import { readSettings } from '../../../infra/settings.ts'
import { BacksyncStack } from '../../../infra/stack.ts'
import { entities } from '../../fixtures/legacy-functions/entities.ts'
import { functionSources } from '../../fixtures/legacy-functions/sources.ts'
import { appWith, resourceOf, standIns, templateOf } from '../fixtures/synthesise.ts'

const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:legacy-crates:live'

describe('functions of a team’s own that write entities', () => {
  const app = appWith({})
  const stack = new BacksyncStack(app, 'Backsync', {
    ...{ settings: readSettings(app.node), entities, tables: [], projections: [] },
    ...{ sources: functionSources, entries: standIns },
  })
  const template = Template.fromStack(stack)
  const statements = (role: string) =>
    z
      .object({ Statement: z.array(z.object({ Action: z.unknown(), Resource: z.unknown() })) })
      .parse(resourceOf(template, 'AWS::IAM::Policy', role).properties.PolicyDocument).Statement
  const functionOf = (id: string) => resourceOf(template, 'AWS::Lambda::Function', `LegacyFunctions${id}`)

  it('are made of modules, each by itself, with its own time', () => {
    expect(functionOf('Chef').properties).toMatchObject({ Timeout: 5, Handler: 'index.handler' })
    expect(functionOf('Platter').properties).toMatchObject({ Timeout: 5 })
    expect(Object.keys(template.findResources('AWS::Lambda::Function')).join()).not.toContain('Crate')
  })

  it('may run SQL and write their logs, and nothing else', () => {
    const granted = statements('LegacyFunctionsChefRole').flatMap(({ Action }) => Action)
    expect(granted.sort()).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'rds-data:BeginTransaction',
      'rds-data:CommitTransaction',
      'rds-data:ExecuteStatement',
      'rds-data:RollbackTransaction',
      'secretsmanager:GetSecretValue',
    ])
  })

  it.each(['LegacyApiRole', 'BackSyncFunctionRole'])('may be called by %s: those, and no other', (role) => {
    const allowed = statements(role).filter(({ Action }) => JSON.stringify(Action).includes('lambda:'))
    const arnOf = (id: string) => ({ 'Fn::GetAtt': [functionOf(id).id, 'Arn'] })
    expect(allowed).toEqual([
      { Action: 'lambda:InvokeFunction', Resource: [ARN, arnOf('Chef'), arnOf('Platter')] },
    ])
  })

  it.each(['ModernApiRole', 'MigrationsMigrateRole', 'CopyTableFunctionRole', 'LegacyFunctionsChefRole'])(
    'may not be called by %s',
    (role) => {
      expect(JSON.stringify(statements(role))).not.toContain('lambda:')
    },
  )

  it.each(['LegacyApi', 'BackSyncFunction'])('are known to %s by their entities', (id) => {
    const { Variables } = resourceOf(template, 'AWS::Lambda::Function', id).properties.Environment
    expect(JSON.stringify(Variables.LEGACY_FUNCTIONS)).toContain(ARN)
    expect(JSON.stringify(Variables.LEGACY_FUNCTIONS)).toContain(functionOf('Platter').id)
  })

  it('are said in an output, for commands', () => {
    expect(JSON.stringify(template.findOutputs('LegacyFunctionNames'))).toContain(ARN)
  })

  it('give cdk-nag nothing to find', () => {
    const { violations } = new AwsSolutionsChecks(app, { verbose: true }).validateScope(app)
    const found = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
    )
    expect(found.filter((one) => one.includes('LegacyFunctions'))).toEqual([])
  })

  it('leave nothing in the template where no entity has one', () => {
    const other = templateOf()
    const text = JSON.stringify(other.toJSON())
    expect(['LEGACY_FUNCTIONS', 'LegacyFunction'].filter((trace) => text.includes(trace))).toEqual([])
    const policies = JSON.stringify(other.findResources('AWS::IAM::Policy'))
    expect(policies.includes('lambda:InvokeFunction","Effect":"Allow","Resource":"arn')).toBe(false)
  })
})
