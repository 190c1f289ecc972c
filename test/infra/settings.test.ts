import { describe, expect, it } from '@jest/globals'
import { readSettings, SettingsError, stages } from '../../infra/settings.ts'
import { appWith } from './fixtures/synthesise.ts'

const read = (context: Record<string, unknown>) => readSettings(appWith(context).node)

/** The problems that a context has; fails when it has none. */
function problemsOf(context: Record<string, unknown>): readonly string[] {
  try {
    read(context)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  throw new Error('the context was accepted')
}

const jwt = { auth: 'jwt', jwtIssuer: 'https://issuer.example/pool', jwtAudience: 'web, phone' }

describe('readSettings', () => {
  it('has a default for everything in dev', () => {
    expect(read({})).toEqual({
      stage: 'dev',
      policy: stages.dev,
      auth: { kind: 'none' },
      databaseName: 'backsync',
      maxCapacity: 4,
      parallelizationFactor: 1,
      relay: 'stay',
      guard: 'on',
      statementRunner: 'off',
      logLevel: 'info',
      copyRoleArns: [],
      copySources: [],
    })
  })

  it('takes every setting, numbers as the text that a command line gives', () => {
    const settings = read({
      ...jwt,
      stage: 'prod',
      databaseName: 'kitchen_2',
      maxCapacity: '7.5',
      parallelizationFactor: '10',
      relay: 'hour',
      guard: 'off',
      statementRunner: 'on',
      logLevel: 'debug',
      alarmTopicArn: 'arn:aws:sns:eu-west-1:111111111111:oncall',
      copyRoleArns: 'arn:aws:iam::222222222222:role/copy, arn:aws:iam::333333333333:role/ops/copy',
      copySources: 'users-restored,users-restored',
    })
    expect(settings).toEqual({
      stage: 'prod',
      policy: stages.prod,
      auth: { kind: 'jwt', issuer: 'https://issuer.example/pool', audience: ['web', 'phone'] },
      databaseName: 'kitchen_2',
      maxCapacity: 7.5,
      parallelizationFactor: 10,
      relay: 'hour',
      guard: 'off',
      statementRunner: 'on',
      logLevel: 'debug',
      alarmTopicArn: 'arn:aws:sns:eu-west-1:111111111111:oncall',
      copyRoleArns: ['arn:aws:iam::222222222222:role/copy', 'arn:aws:iam::333333333333:role/ops/copy'],
      copySources: ['users-restored'],
    })
  })

  it('retains and protects in prod and not in dev', () => {
    expect(read({}).policy).toMatchObject({ retain: false, migrateOnRequest: true })
    expect(read({ stage: 'prod', auth: 'iam' }).policy).toMatchObject({
      retain: true,
      migrateOnRequest: false,
    })
  })

  it.each<[Record<string, unknown>, string]>([
    [{ stage: 'live' }, 'stage: expected one of dev, prod, got "live"'],
    [{ stage: 'constructor' }, 'stage: expected one of dev, prod, got "constructor"'],
    [{ auth: 'basic' }, 'auth: expected one of none, iam, jwt, got "basic"'],
    [
      { databaseName: 'a-b' },
      'databaseName: expected a letter, then up to 63 letters, digits or underscores, got "a-b"',
    ],
    [
      { databaseName: '' },
      'databaseName: expected a letter, then up to 63 letters, digits or underscores, got ""',
    ],
    [
      { databaseName: 'a'.repeat(65) },
      `databaseName: expected a letter, then up to 63 letters, digits or underscores, got "${'a'.repeat(65)}"`,
    ],
    [
      { maxCapacity: '0.5' },
      'maxCapacity: expected Aurora capacity units from 1 to 256 in steps of 0.5, got "0.5"',
    ],
    [
      { maxCapacity: '1.2' },
      'maxCapacity: expected Aurora capacity units from 1 to 256 in steps of 0.5, got "1.2"',
    ],
    [
      { maxCapacity: 257 },
      'maxCapacity: expected Aurora capacity units from 1 to 256 in steps of 0.5, got 257',
    ],
    [{ parallelizationFactor: '0' }, 'parallelizationFactor: expected a whole number from 1 to 10, got "0"'],
    [
      { parallelizationFactor: '1.5' },
      'parallelizationFactor: expected a whole number from 1 to 10, got "1.5"',
    ],
    [
      { parallelizationFactor: true },
      'parallelizationFactor: expected a whole number from 1 to 10, got true',
    ],
    [{ guard: 'maybe' }, 'guard: expected one of on, off, got "maybe"'],
    [{ statementRunner: 'yes' }, 'statementRunner: expected one of off, on, got "yes"'],
    [{ relay: 'always' }, 'relay: expected one of stay, minute, hour, got "always"'],
    [{ logLevel: 'loud' }, 'logLevel: expected one of debug, info, warn, error, got "loud"'],
    [{ alarmTopicArn: 'oncall' }, 'alarmTopicArn: expected the ARN of an SNS topic, got "oncall"'],
    [
      { copyRoleArns: 'arn:aws:iam::222222222222:role/copy,admin' },
      'copyRoleArns: expected ARNs of IAM roles, separated by commas, got "arn:aws:iam::222222222222:role/copy,admin"',
    ],
    [
      { copySources: 'users restored' },
      'copySources: expected names of DynamoDB tables, separated by commas, got "users restored"',
    ],
    [
      { ...jwt, jwtIssuer: 'http://issuer.example' },
      'jwtIssuer: expected the https URL of the token issuer (with auth=jwt), got "http://issuer.example"',
    ],
    [
      { ...jwt, jwtAudience: 'web,' },
      'jwtAudience: expected the accepted audiences, separated by commas (with auth=jwt), got "web,"',
    ],
    [
      { ...jwt, jwtIssuer: undefined },
      'jwtIssuer: missing; expected the https URL of the token issuer (with auth=jwt)',
    ],
    [
      { ...jwt, jwtAudience: undefined },
      'jwtAudience: missing; expected the accepted audiences, separated by commas (with auth=jwt)',
    ],
    [{ jwtAudience: 'web' }, 'jwtAudience: has no meaning with auth=none'],
    [{ stage: 'prod' }, 'auth: stage prod refuses an API without an authorizer; choose auth=iam or auth=jwt'],
    [
      { stage: 'prod', auth: 'none' },
      'auth: stage prod refuses an API without an authorizer; choose auth=iam or auth=jwt',
    ],
    [
      { databasename: 'x' },
      'databasename: unknown key; known are stage, auth, jwtIssuer, jwtAudience, databaseName, maxCapacity, parallelizationFactor, relay, guard, statementRunner, logLevel, alarmTopicArn, copyRoleArns, copySources',
    ],
  ])('refuses %j', (context, problem) => {
    expect(problemsOf(context)).toEqual([problem])
  })

  it('names every problem at once', () => {
    const error = new SettingsError(problemsOf({ stage: 'live', logLevel: 'loud', colour: 'red' }))
    expect(error.code).toBe('settings.invalid')
    expect(error.message).toBe(
      [
        'Invalid context:',
        '  - colour: unknown key; known are stage, auth, jwtIssuer, jwtAudience, databaseName, maxCapacity, parallelizationFactor, relay, guard, statementRunner, logLevel, alarmTopicArn, copyRoleArns, copySources',
        '  - stage: expected one of dev, prod, got "live"',
        '  - logLevel: expected one of debug, info, warn, error, got "loud"',
      ].join('\n'),
    )
  })

  it("leaves the CDK's own keys alone", () => {
    const context = { '@aws-cdk/core:x': true, 'aws:cdk:y': 'z', 'availability-zones:account=1': ['a'] }
    expect(read(context).stage).toBe('dev')
  })
})
