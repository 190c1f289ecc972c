import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { repository } from '../../infra/constructs/bundled-code.ts'
import { resourceOf, synthesise } from './fixtures/synthesise.ts'

const { template } = synthesise()

/** The actions that a role is granted, of one service. */
function granted(role: string, service: string): string[] {
  const { Statement } = z
    .object({ Statement: z.array(z.object({ Action: z.union([z.string(), z.array(z.string())]) })) })
    .parse(resourceOf(template, 'AWS::IAM::Policy', role).properties.PolicyDocument)
  const actions = Statement.flatMap(({ Action }) => Action).filter((action) =>
    action.startsWith(`${service}:`),
  )
  return [...new Set(actions)].sort()
}

/** The actions behind the commands that the functions' code sends with one client of the SDK. */
function called(client: string, service: string): string[] {
  const text = globSync('functions/**/*.ts', { cwd: repository })
    .map((file) => readFileSync(join(repository, file), 'utf8'))
    .filter((file) => file.includes(`@aws-sdk/${client}`))
    .join('\n')
  const commands = text.matchAll(/new ([A-Z]\w+)Command\(/g)
  return [...new Set(Array.from(commands, ([, name]) => `${service}:${name}`))].sort()
}

/** A grant that the code doesn't use is too wide; a call that isn't granted fails on AWS only. */
describe('what is granted is what the code calls', () => {
  it.each(['LegacyApiRole', 'BackSyncFunctionRole', 'MigrationsMigrateRole'])(
    'of the Data API, for %s',
    (role) => {
      expect(granted(role, 'rds-data')).toEqual(called('client-rds-data', 'rds-data'))
    },
  )

  it('of DynamoDB, for the modern API', () => {
    expect(granted('ModernApiRole', 'dynamodb')).toEqual(called('client-dynamodb', 'dynamodb'))
  })

  it.each(['LegacyApiRole', 'MigrationsMigrateRole'])('of DynamoDB nothing, for %s', (role) => {
    expect(granted(role, 'dynamodb')).toEqual([])
  })

  it('of the Data API nothing, for the modern API', () => {
    expect(granted('ModernApiRole', 'rds-data')).toEqual([])
  })
})
