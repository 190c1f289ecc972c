import { describe, expect, it } from '@jest/globals'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Table } from 'aws-cdk-lib/aws-dynamodb'
import { Stack } from 'aws-cdk-lib/core'
import { DeclaredTables, type DeclaredTablesProps } from '../../../infra/constructs/declared-tables.ts'
import { appWith, resourceOf, settingsWith, threeProjections, twoTables } from '../fixtures/synthesise.ts'

const build = (
  props: Partial<DeclaredTablesProps> = {},
  context: Record<string, unknown> = {},
  stack = new Stack(appWith({}), 'Test'),
) => {
  const declared = { tables: twoTables, projections: threeProjections, ...props }
  const tables = new DeclaredTables(stack, 'Tables', { settings: settingsWith(context), ...declared })
  return { stack, tables, template: () => Template.fromStack(stack) }
}

describe('DeclaredTables', () => {
  it('makes each table with the keys of its declaration, of every type', () => {
    const { properties } = resourceOf(build().template(), 'AWS::DynamoDB::Table', 'TablesMeterReadings')

    expect(properties).toMatchObject({
      KeySchema: [
        { AttributeName: 'meter', KeyType: 'HASH' },
        { AttributeName: 'second', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'meter', AttributeType: 'B' },
        { AttributeName: 'second', AttributeType: 'N' },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    })
  })

  it('gives a stream of both images to what is followed, also where another table keeps it', () => {
    const template = build().template()
    const streamOf = (id: string) =>
      resourceOf(template, 'AWS::DynamoDB::Table', id).properties.StreamSpecification

    for (const id of ['TablesUsersTable', 'TablesMeterReadings', 'TablesUsersByTown'])
      expect([id, streamOf(id)]).toEqual([id, { StreamViewType: 'NEW_AND_OLD_IMAGES' }])
    for (const id of ['TablesDaily', 'TablesTowns']) expect([id, streamOf(id)]).toEqual([id, undefined])
  })

  it.each([
    [{}, 'Delete', false],
    [{ stage: 'prod', auth: 'iam' }, 'Retain', true],
  ])('with %j: deletion policy %s, protected %s', (context, policy, protection) => {
    build({}, context)
      .template()
      .allResources('AWS::DynamoDB::Table', {
        DeletionPolicy: policy,
        UpdateReplacePolicy: policy,
        Properties: Match.objectLike({ DeletionProtectionEnabled: protection }),
      })
  })

  it('takes what is there already instead of making it', () => {
    const stack = new Stack(appWith({}), 'Test')
    const own = Table.fromTableAttributes(stack, 'Own', {
      tableName: 'own',
      tableStreamArn: 'arn:aws:dynamodb:::s',
    })
    const { tables, template } = build({ existing: new Map([['users', own]]) }, {}, stack)

    expect(tables.table('users')).toBe(own)
    expect(tables.made.map(({ name }) => name)).toEqual(['meter-readings', 'users-by-town', 'daily', 'towns'])
    template().resourceCountIs('AWS::DynamoDB::Table', 4)
  })

  it('tells functions where tables are, by their names in this project', () => {
    const { stack, tables } = build()
    const own = stack.resolve(tables.table('daily').tableName)

    expect(stack.resolve(tables.environment(['daily']))).toEqual({
      TABLES: { 'Fn::Join': ['', ['{"daily":"', own, '"}']] },
    })
    expect(JSON.stringify(stack.resolve(tables.environment()))).toContain('towns')
  })

  it('refuses what it has no table for, or two declarations of', () => {
    const [first, second] = twoTables
    const stray = {
      name: 'stray',
      key: { partition: { name: 'id', type: 'S' } },
      from: { name: 'nobody' },
    } as const

    expect(() => build({ projections: [stray] })).toThrow(
      'stray is kept by nobody, which is no declared table',
    )
    expect(() => build({ tables: [first, second, first].flatMap((one) => one ?? []) })).toThrow(
      'users is declared twice',
    )
    expect(() => build({ projections: [] }).tables.table('daily')).toThrow(
      'daily is no declared table; they are users, meter-readings',
    )
  })
})
