import { describe, expect, it } from '@jest/globals'
import { Match } from 'aws-cdk-lib/assertions'
import { Duration } from 'aws-cdk-lib/core'
import { resourceOf, synthesise, twoEntities } from './fixtures/synthesise.ts'

const dev = synthesise()
const prod = synthesise({ stage: 'prod', auth: 'iam' })

const lambda = (id: string, of = dev) => resourceOf(of.template, 'AWS::Lambda::Function', id)

describe('the stack', () => {
  it('has an output for every endpoint and every store', () => {
    const api = resourceOf(dev.template, 'AWS::ApiGatewayV2::Api', 'HttpApi').id
    const below = (path: string) => ({ 'Fn::Join': ['', [{ 'Fn::GetAtt': [api, 'ApiEndpoint'] }, path]] })
    const values = Object.fromEntries(
      Object.entries(dev.template.toJSON().Outputs).map(([name, output]) => [
        name,
        Object(output).Value as unknown,
      ]),
    )
    const table = (id: string) => ({ Ref: resourceOf(dev.template, 'AWS::DynamoDB::Table', id).id })
    expect(values).toEqual({
      ApiUrl: { 'Fn::GetAtt': [api, 'ApiEndpoint'] },
      AuroraUrl: below('/aurora'),
      AuroraDishesUrl: below('/aurora/dishes'),
      DynamoDishesUrl: below('/dynamo/dishes'),
      AuroraRecipeStepsUrl: below('/aurora/recipe-steps'),
      DynamoRecipeStepsUrl: below('/dynamo/recipe-steps'),
      DishTableName: table('DishTable'),
      RecipeStepTableName: table('RecipeStepTable'),
      ClusterArn: lambda('LegacyApi').properties.Environment.Variables.CLUSTER_ARN,
      SecretArn: lambda('LegacyApi').properties.Environment.Variables.SECRET_ARN,
      DatabaseName: 'backsync',
      ParkingTableName: table('ParkingTable'),
      GreetingsUrl: below('/greetings'),
      UsersTableName: table('TablesUsersTable'),
      MeterReadingsTableName: table('TablesMeterReadingsTable'),
      UsersByTownTableName: table('TablesUsersByTownTable'),
      DailyTableName: table('TablesDailyTable'),
      TownsTableName: table('TablesTownsTable'),
      JobsTableName: table('JobsTable'),
      RoutesTableName: table('FacadeRoutesTable'),
      DishesUrl: below('/dishes'),
      RecipeStepsUrl: below('/recipe-steps'),
      TombstonesTableName: table('TableSyncTombstonesTable'),
      GuardFunctionName: { Ref: lambda('GuardFunction').id },
      BackSyncFunctionName: { Ref: lambda('BackSyncFunction').id },
      TableSyncFunctionName: { Ref: lambda('TableSyncFunction').id },
      CopyTableFunctionName: { Ref: lambda('CopyTableFunction').id },
      CopyTableStateMachineArn: {
        Ref: resourceOf(dev.template, 'AWS::StepFunctions::StateMachine', 'CopyTable').id,
      },
      BackfillStateMachineArn: {
        Ref: resourceOf(dev.template, 'AWS::StepFunctions::StateMachine', 'Backfill').id,
      },
      SweepStateMachineArn: {
        Ref: resourceOf(dev.template, 'AWS::StepFunctions::StateMachine', 'Sweep').id,
      },
      FillTablesStateMachineArn: {
        Ref: resourceOf(dev.template, 'AWS::StepFunctions::StateMachine', 'FillTables').id,
      },
      FailureBucketName: { Ref: resourceOf(dev.template, 'AWS::S3::Bucket', 'BackSyncFailures').id },
    })
  })

  it('tells each function what it works on, and no more', () => {
    const cluster = ['CLUSTER_ARN', 'DATABASE_NAME', 'SECRET_ARN']
    const variables = (id: string) => Object.keys(lambda(id).properties.Environment.Variables).sort()
    expect(variables('LegacyApi')).toEqual([...cluster, 'LOG_LEVEL', 'ROUTES_TABLE', 'STAGE'].sort())
    expect(variables('BackSyncFunction')).toEqual(
      [...cluster, 'LOG_LEVEL', 'PARKING_TABLE', 'ROUTES_TABLE', 'STAGE', 'TABLES'].sort(),
    )
    expect(variables('ModernApi')).toEqual(['IDEMPOTENCY_TABLE', 'LOG_LEVEL', 'STAGE', 'TABLES'])
    expect(variables('MigrationsMigrate')).toEqual(
      [...cluster, 'LOG_LEVEL', 'MIGRATE_ON_REQUEST', 'STAGE'].sort(),
    )
    expect(variables('BackfillFunction')).toEqual(
      [...cluster, 'JOBS_TABLE', 'LOG_LEVEL', 'PARKING_TABLE', 'STAGE', 'TABLES'].sort(),
    )
    expect(variables('SweepFunction')).toEqual([...variables('BackfillFunction'), 'ROUTES_TABLE'].sort())
    expect(variables('FillTablesFunction')).toEqual(variables('TableSyncFunction'))
    expect(variables('TableSyncFunction')).toEqual([
      'JOBS_TABLE',
      'LOG_LEVEL',
      'PARKING_TABLE',
      'STAGE',
      'TABLES',
      'TOMBSTONES_TABLE',
    ])
    expect(variables('CopyTableFunction')).toEqual(['JOBS_TABLE', 'LOG_LEVEL', 'STAGE'])
    expect(variables('WatchFunction')).toEqual(
      [
        ...cluster,
        ...['FAILURE_BUCKET', 'JOBS_TABLE', 'LOG_LEVEL', 'PARKING_TABLE', 'ROUTES_TABLE', 'STAGE'],
      ].sort(),
    )
    expect(variables('GuardFunction')).toEqual(['JOBS_TABLE', 'LATE', 'LOG_LEVEL', 'ROUTES_TABLE', 'STAGE'])
    expect(variables('FacadeFunction')).toEqual(
      [
        ...cluster,
        'IDEMPOTENCY_TABLE',
        'LOG_LEVEL',
        'PARKING_TABLE',
        'ROUTES_TABLE',
        'STAGE',
        'TABLES',
      ].sort(),
    )
    expect(variables('Greeter')).toEqual(['LOG_LEVEL', 'STAGE', 'TABLES'])
  })

  it.each(['ModernApi', 'BackSyncFunction', 'FacadeFunction'])(
    'gives %s the tables by entity name, as JSON',
    (id) => {
      const table = (start: string) => resourceOf(dev.template, 'AWS::DynamoDB::Table', start).id
      expect(lambda(id).properties.Environment.Variables.TABLES).toEqual({
        'Fn::Join': [
          '',
          ['{"dish":"', { Ref: table('Dish') }, '","recipe-step":"', { Ref: table('RecipeStep') }, '"}'],
        ],
      })
    },
  )

  it('gives an extension the tables that it asks for, and what keeps tables all of them', () => {
    const table = (start: string) => ({ Ref: resourceOf(dev.template, 'AWS::DynamoDB::Table', start).id })
    const tablesOf = (id: string) => lambda(id).properties.Environment.Variables.TABLES
    const users = table('TablesUsersTable')

    expect(tablesOf('Greeter')).toEqual({ 'Fn::Join': ['', ['{"users":"', users, '"}']] })
    expect(tablesOf('TableSync')).toEqual({
      'Fn::Join': [
        '',
        [
          '{"users":"',
          users,
          '","meter-readings":"',
          table('TablesMeterReadings'),
          '","users-by-town":"',
          table('TablesUsersByTown'),
          '","daily":"',
          table('TablesDaily'),
          '","towns":"',
          table('TablesTowns'),
          '"}',
        ],
      ],
    })
  })

  it.each([
    ['LegacyApi', 29, 512],
    ['ModernApi', 29, 512],
    ['BackSyncFunction', 60, 512],
    ['MigrationsMigrate', 300, 512],
    ['TableSyncFunction', 60, 512],
    ['CopyTableFunction', 900, 1024],
    ['WatchFunction', 120, 256],
    ['GuardFunction', 60, 256],
    ['Greeter', 29, 512],
  ])('runs %s on Node 24 and arm64, %i s at most, with JSON logs', (id, seconds, memory) => {
    expect(lambda(id).properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: seconds,
      MemorySize: memory,
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } },
    })
  })

  it('runs one package for the legacy API and for the way back', () => {
    expect(lambda('LegacyApi').properties.Code).toEqual(lambda('BackSyncFunction').properties.Code)
  })

  it('migrates before any other function of ours changes', () => {
    const trigger = resourceOf(dev.template, 'Custom::Trigger', 'Migrations')
    for (const id of ['LegacyApi', 'ModernApi', 'BackSyncFunction']) {
      expect(lambda(id).resource.DependsOn).toContain(trigger.id)
    }
    expect(lambda('MigrationsMigrate').resource.DependsOn).not.toContain(trigger.id)
  })

  it('lets nothing that writes Aurora start on a stream before the migrations', () => {
    const trigger = resourceOf(dev.template, 'Custom::Trigger', 'Migrations')
    const mappings = Object.values(
      dev.template.findResources('AWS::Lambda::EventSourceMapping', {
        Properties: { FunctionName: { Ref: lambda('BackSyncFunction').id } },
      }),
    )
    expect(mappings).toHaveLength(2)
    for (const mapping of mappings) expect(mapping.DependsOn).toEqual([trigger.id])
  })

  it('serves every entity on both sides', () => {
    const routes = Object.values(dev.template.findResources('AWS::ApiGatewayV2::Route')).map(
      ({ Properties }) => Properties.RouteKey,
    )
    expect(routes.sort()).toEqual(
      [
        'ANY /aurora',
        'ANY /aurora/{slash+}',
        'ANY /aurora/{entities}/{slash+}',
        'ANY /dynamo/{entities}/{slash+}',
        ...['ANY /dishes', 'ANY /dishes/{dishId}', 'ANY /dishes/{slash+}'],
        ...['ANY /recipe-steps', 'ANY /recipe-steps/{stepKey}', 'ANY /recipe-steps/{slash+}'],
        'ANY /greetings',
        'ANY /greetings/{slash+}',
        'ANY /greetings/{name}',
        'ANY /greetings/{name}/{slash+}',
        ...twoEntities.flatMap(({ plural, keyName }) => [
          `ANY /aurora/${plural}`,
          `ANY /aurora/${plural}/{${keyName}}`,
          `ANY /dynamo/${plural}`,
          `ANY /dynamo/${plural}/{${keyName}}`,
        ]),
      ].sort(),
    )
  })

  it('makes one table for entities that share it, with one mapping, and alarms for each', () => {
    const item = { table: 'kitchen', keyAttribute: 'pk' }
    const { template } = synthesise({}, [
      { name: 'pan', plural: 'pans', keyName: 'panId', item },
      { name: 'knife', plural: 'knives', keyName: 'knifeId', item },
    ])
    const kitchen = resourceOf(template, 'AWS::DynamoDB::Table', 'Kitchen')
    expect(kitchen.properties.KeySchema).toEqual([{ AttributeName: 'pk', KeyType: 'HASH' }])
    const mappings = template.findResources('AWS::Lambda::EventSourceMapping', {
      Properties: { EventSourceArn: { 'Fn::GetAtt': [kitchen.id, 'StreamArn'] } },
    })
    expect(Object.keys(mappings)).toHaveLength(1)
    expect(
      resourceOf(template, 'AWS::Lambda::Function', 'ModernApi').properties.Environment.Variables.TABLES,
    ).toEqual({ 'Fn::Join': ['', ['{"kitchen":"', { Ref: kitchen.id }, '"}']] })
    template.hasOutput('KitchenTableName', { Value: { Ref: kitchen.id } })
    for (const name of ['Pan', 'Knife'])
      expect(
        Object.keys(template.findResources('AWS::CloudWatch::Alarm')).filter((id) =>
          id.includes(`${name}Parked`),
        ),
      ).toHaveLength(1)
  })

  it('works without an entity, a table or an extension', () => {
    const { template } = synthesise({}, [], { tables: [], projections: [] })
    const tables = Object.keys(template.findResources('AWS::DynamoDB::Table'))
    expect(tables.map((id) => id.slice(0, -8)).sort()).toEqual([
      'IdempotencyTable',
      'JobsTable',
      'ParkingTable',
      'TableSyncTombstonesTable',
    ])
    // The state of the schema, and three for a slash at the end.
    template.resourceCountIs('AWS::ApiGatewayV2::Route', 4)
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 0)
    expect(
      resourceOf(template, 'AWS::Lambda::Function', 'ModernApi').properties.Environment.Variables.TABLES,
    ).toBe('{}')
  })

  it('is tagged with the application and its stage', () => {
    for (const [of, stage] of [
      [dev, 'dev'],
      [prod, 'prod'],
    ] as const) {
      of.template.hasResourceProperties('AWS::DynamoDB::Table', {
        Tags: [
          { Key: 'application', Value: 'backsync' },
          { Key: 'stage', Value: stage },
        ],
      })
    }
  })

  it('gives the stages stacks of different names, so that one never turns into the other', () => {
    expect([dev.stack.stackName, prod.stack.stackName]).toEqual(['Backsync', 'Backsync-prod'])
    expect([dev.stack.terminationProtection, prod.stack.terminationProtection]).toEqual([false, true])
  })

  it('applies pending migrations on request in dev and only reports in prod', () => {
    const onRequest = (of: typeof dev) =>
      lambda('MigrationsMigrate', of).properties.Environment.Variables.MIGRATE_ON_REQUEST
    expect([onRequest(dev), onRequest(prod)]).toEqual(['true', 'false'])
  })

  it.each([
    ['AWS::RDS::DBCluster', 'LegacyDatabase'],
    ['AWS::SecretsManager::Secret', 'LegacyDatabase'],
    ['AWS::DynamoDB::Table', 'DishTable'],
    ['AWS::DynamoDB::Table', 'RecipeStepTable'],
    ['AWS::DynamoDB::Table', 'Idempotency'],
    ['AWS::DynamoDB::Table', 'TablesUsersTable'],
    ['AWS::DynamoDB::Table', 'TablesTownsTable'],
    ['AWS::DynamoDB::Table', 'Jobs'],
    ['AWS::DynamoDB::Table', 'TableSyncTombstones'],
    ['AWS::Logs::LogGroup', 'CopyTableLog'],
    ['AWS::S3::Bucket', 'BackSyncFailures'],
    ['AWS::Logs::LogGroup', 'LegacyApi'],
  ])('keeps %s (%s) in prod and deletes it with a dev stack', (type, id) => {
    expect(resourceOf(prod.template, type, id).resource).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
    })
    expect(resourceOf(dev.template, type, id).resource).toMatchObject({ DeletionPolicy: 'Delete' })
  })

  it('refuses the deletion of stores in prod', () => {
    prod.template.allResourcesProperties('AWS::DynamoDB::Table', { DeletionProtectionEnabled: true })
    prod.template.allResourcesProperties('AWS::RDS::DBCluster', { DeletionProtection: true })
    dev.template.allResourcesProperties('AWS::RDS::DBCluster', { DeletionProtection: false })
  })

  it('passes the log level on, to Lambda as to the code', () => {
    const { template } = synthesise({ logLevel: 'debug' })
    template.resourcePropertiesCountIs(
      'AWS::Lambda::Function',
      {
        Environment: { Variables: Match.objectLike({ LOG_LEVEL: 'debug' }) },
        LoggingConfig: Match.objectLike({ ApplicationLogLevel: 'DEBUG' }),
      },
      13,
    )
  })

  it("waits for a migration longer than it may run, within the deployment's own limit of an hour", () => {
    const { Timeout } = resourceOf(dev.template, 'Custom::Trigger', 'Migrations').properties
    expect(Number(Timeout)).toBeGreaterThan(Duration.seconds(300).toMilliseconds())
    expect(Number(Timeout)).toBeLessThan(Duration.minutes(15).toMilliseconds())
  })
})
