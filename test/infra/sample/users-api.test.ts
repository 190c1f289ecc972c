import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Stack } from 'aws-cdk-lib/core'
import * as z from 'zod'
import { sampleProjections, sampleTables } from '../../../functions/sample/tables/index.ts'
import { bundledCode, repository } from '../../../infra/constructs/bundled-code.ts'
import { sampleExtensions } from '../../../infra/sample/extensions.ts'
import { appWith, resourceOf, synthesise } from '../fixtures/synthesise.ts'

const { template } = synthesise({}, [], {
  tables: sampleTables,
  projections: sampleProjections,
  extensions: sampleExtensions,
})
const table = (id: string): string => resourceOf(template, 'AWS::DynamoDB::Table', id).id

/** What the users' function is granted, by the logical id of the table. */
const granted = (): Record<string, string[]> => {
  const { PolicyDocument } = resourceOf(template, 'AWS::IAM::Policy', 'UsersApiFunctionRole').properties
  const statement = z.object({
    Action: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
    Resource: z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) }),
  })
  const onTables = z
    .array(z.unknown())
    .parse(PolicyDocument.Statement)
    .filter((one) => JSON.stringify(one).includes('dynamodb:'))
  return Object.fromEntries(
    z
      .array(statement)
      .parse(onTables)
      .map(({ Action, Resource }) => [Resource['Fn::GetAtt'][0], Action.sort()]),
  )
}

const called = (file: string): string[] => {
  const text = readFileSync(join(repository, file), 'utf8')
  return Array.from(text.matchAll(/new ([A-Z]\w+)Command\(/g), ([, name]) => `dynamodb:${name}`).sort()
}

describe("the users' API", () => {
  it('is one file of at most 275 kB, which loads and exports its handler', () => {
    const app = appWith({ 'aws:cdk:bundling-stacks': ['**'] })
    new LambdaFunction(new Stack(app, 'Test'), 'Function', {
      code: bundledCode({ entry: 'functions/sample/users/handler.ts' }),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
    })
    const { directory } = app.synth()
    const [asset = ''] = readdirSync(directory).filter((name) => name.startsWith('asset.'))
    const file = join(directory, asset, 'index.mjs')
    expect(statSync(file).size).toBeLessThan(275_000)

    const script = `
      const { handler } = await import(${JSON.stringify(file)})
      console.log(typeof handler)
      process.exit()`
    const env = {
      AWS_REGION: 'us-east-1',
      TABLES: JSON.stringify({ users: 'users-1', 'users-by-city': 'users-2' }),
    }
    const args = ['--input-type=module', '--eval', script]
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000, env })).toBe(
      'function\n',
    )
  })

  it('may do with each table what its code calls, and no more', () => {
    expect(granted()).toEqual({
      [table('TablesUsersTable')]: called('functions/sample/users/users-table.ts'),
      [table('TablesUsersByCity')]: called('functions/sample/users/users-by-city.ts'),
    })
    const callers = globSync('functions/sample/**/*.ts', { cwd: repository }).filter(
      (file) => called(file).length > 0,
    )
    expect(callers).toHaveLength(2)
  })

  it('knows the two tables', () => {
    const { Variables } = resourceOf(template, 'AWS::Lambda::Function', 'UsersApi').properties.Environment
    expect(JSON.stringify(Variables.TABLES).match(/Tables\w+Table\w{8}/g)).toEqual([
      table('TablesUsersTable'),
      table('TablesUsersByCity'),
    ])
  })

  it('has its place in the API, with a valid example', () => {
    const usages = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(
      ({ Properties, Metadata }) => [Properties.RouteKey, Metadata?.['Backsync::Usage']],
    )
    const example = expect.objectContaining({ email: 'alice@example.com' })
    expect(Object.fromEntries(usages)).toMatchObject({
      'ANY /users': { methods: ['GET', 'POST'], example, query: ['state', 'city'] },
      'ANY /users/{email}': { methods: ['GET', 'DELETE'], example },
    })
  })
})
