import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import * as z from 'zod'
import { repository } from '../../infra/constructs/bundled-code.ts'
import { resourceOf, synthesise } from './fixtures/synthesise.ts'

const { template } = synthesise()

const statement = z.object({
  Action: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
  Resource: z.unknown(),
})

/** The actions that a role is granted, of one service; on tables, those on the ones whose logical ids start so. */
function granted(role: string, service: string, table = ''): string[] {
  const { Statement } = z
    .object({ Statement: z.array(statement) })
    .parse(resourceOf(template, 'AWS::IAM::Policy', role).properties.PolicyDocument)
  const actions = Statement.filter(({ Resource }) => JSON.stringify(Resource).includes(`"${table}`))
    .flatMap(({ Action }) => Action)
    .filter((action) => action.startsWith(`${service}:`))
  return [...new Set(actions)].sort()
}

/**
 * The actions behind what the functions' code sends with one client of the SDK. A transaction needs those of its parts.
 *
 * @param files those that send it. @default all
 */
function called(client: string, service: string, files = 'functions/**/*.ts'): string[] {
  const text = globSync(files, { cwd: repository })
    .map((file) => readFileSync(join(repository, file), 'utf8'))
    .filter((file) => file.includes(`@aws-sdk/${client}`))
    .join('\n')
  const commands = Array.from(text.matchAll(/new ([A-Z]\w+)Command\(/g), ([, name = '']) => name)
  const names = commands.flatMap((name) => (name === 'TransactWriteItems' ? transactionParts(text) : [name]))
  return [...new Set(names.map((name) => `${service}:${name}`))].sort()
}

const transactionParts = (text: string): string[] =>
  Array.from(text.matchAll(/\b(Put|Update|Delete|ConditionCheck): \{/g), ([, part = '']) => `${part}Item`)

/** Who calls DynamoDB from where. */
const callers = {
  modern: 'functions/bridge/dynamo/{dynamo-store,create-once}.ts',
  items: 'functions/bridge/dynamo/current-items.ts',
  parking: 'functions/bridge/parking/*.ts',
}

/** A grant that the code doesn't use is too wide; a call that isn't granted fails on AWS only. */
describe('what is granted is what the code calls', () => {
  it.each(['LegacyApiRole', 'BackSyncFunctionRole', 'MigrationsMigrateRole'])(
    'of the Data API, for %s',
    (role) => {
      expect(granted(role, 'rds-data')).toEqual(called('client-rds-data', 'rds-data'))
    },
  )

  it('of DynamoDB, from nowhere else than what is compared below', () => {
    const known = new Set(Object.values(callers).flatMap((files) => globSync(files, { cwd: repository })))
    const others = globSync('functions/**/*.ts', { cwd: repository }).filter(
      (file) => !known.has(file) && called('client-dynamodb', 'dynamodb', file).length > 0,
    )
    expect(others).toEqual([])
  })

  it('of DynamoDB, for the modern API', () => {
    expect(granted('ModernApiRole', 'dynamodb')).toEqual(
      called('client-dynamodb', 'dynamodb', callers.modern),
    )
    expect(granted('ModernApiRole', 'dynamodb', 'Idempotency')).toEqual(['dynamodb:PutItem'])
    expect(granted('ModernApiRole', 'dynamodb', 'Parking')).toEqual([])
  })

  it.each(['DishTable', 'RecipeStepTable'])('of DynamoDB, for the way back: items of %s', (table) => {
    const stream = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator']
    const items = called('client-dynamodb', 'dynamodb', callers.items)
    expect(granted('BackSyncFunctionRole', 'dynamodb', table)).toEqual([...stream, ...items].sort())
  })

  it('of DynamoDB, for the way back: parking', () => {
    const parking = called('client-dynamodb', 'dynamodb', callers.parking)
    expect(parking).toContain('dynamodb:ConditionCheckItem')
    expect(granted('BackSyncFunctionRole', 'dynamodb', 'Parking')).toEqual(parking)
  })

  it.each(['LegacyApiRole', 'MigrationsMigrateRole'])('of DynamoDB nothing, for %s', (role) => {
    expect(granted(role, 'dynamodb')).toEqual([])
  })

  it('of the Data API nothing, for the modern API', () => {
    expect(granted('ModernApiRole', 'rds-data')).toEqual([])
  })
})
