import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as dynamodb from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from '@jest/globals'
import type { Template } from 'aws-cdk-lib/assertions'
import { build } from 'esbuild'
import * as z from 'zod'
import { repository } from '../../infra/constructs/bundled-code.ts'
import { resourceOf, synthesise } from './fixtures/synthesise.ts'

/** One of which items are lifted, and one of which none is. */
const { template } = synthesise({}, [
  { name: 'dish', plural: 'dishes', keyName: 'dishId', overruled: 'lift' },
  { name: 'recipe-step', plural: 'recipe-steps', keyName: 'stepKey', overruled: 'park' },
])

const statement = z.object({
  Condition: z.unknown().optional(),
  Action: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
  Resource: z.unknown(),
})

const policyOf = (role: string, of: Template) =>
  z
    .object({ Statement: z.array(statement) })
    .parse(resourceOf(of, 'AWS::IAM::Policy', role).properties.PolicyDocument)

/** The actions that a role is granted, of one service; on tables, those on the ones whose logical ids start so. */
function granted(role: string, service: string, table = '', of = template): string[] {
  const { Statement } = policyOf(role, of)
  const actions = Statement.filter(({ Resource }) => JSON.stringify(Resource).includes(`"${table}`))
    .flatMap(({ Action }) => Action)
    .filter((action) => action.startsWith(`${service}:`))
  return [...new Set(actions)].sort()
}

/** The functions' code, but for what is a team's. */
const own = 'functions/{bridge,legacy,modern,operations}/**/*.ts'

/**
 * The actions behind what the functions' code sends with one client of the SDK. A transaction needs those of its parts.
 *
 * @param files those that send it. @default all
 */
function called(client: string, service: string, files = own): string[] {
  const text = globSync(files, { cwd: repository })
    .map((file) => readFileSync(join(repository, file), 'utf8'))
    .filter((file) => file.includes(`@aws-sdk/${client}`))
    .join('\n')
  return actionsIn(text, service)
}

function actionsIn(text: string, service: string): string[] {
  const commands = Array.from(text.matchAll(/new ([A-Z]\w+?)Command\d*\(/g), ([, name = '']) => name)
  const names = commands.flatMap((name) => {
    if (name === 'BatchExecuteStatement') return statementsIn(text)
    return name === 'TransactWriteItems' ? transactionParts(text) : [name]
  })
  return [...new Set(names.map((name) => `${service}:${name}`))].sort()
}

const transactionParts = (text: string): string[] =>
  Array.from(text.matchAll(/\b(Put|Update|Delete|ConditionCheck): \{/g), ([, part = '']) => `${part}Item`)

/** What PartiQL's statements are granted by. */
const statementsIn = (text: string): string[] =>
  Array.from(
    text.matchAll(/`(INSERT|UPDATE|DELETE|SELECT)\b[^`$]*"\$\{/g),
    ([, verb = '']) => `PartiQL${verb[0] ?? ''}${verb.slice(1).toLowerCase()}`,
  )

/** Who calls DynamoDB from where. */
const callers = {
  modern: 'functions/bridge/dynamo/{dynamo-store,create-once,get-item}.ts',
  items: 'functions/bridge/dynamo/{entity-source,get-item}.ts',
  mirror: 'functions/bridge/dynamo/{entity-sink,take-back,entity-source,get-item}.ts',
  parking: 'functions/bridge/parking/*.ts',
  sources: 'functions/bridge/tables/table-source.ts',
  targets: 'functions/bridge/tables/{table-sink,guarded-actions}.ts',
  tombstones: 'functions/bridge/tables/{table-sink,tombstones}.ts',
  states: 'functions/bridge/tables/states.ts',
  jobs: 'functions/bridge/jobs/job-calls.ts',
  marks: 'functions/bridge/jobs/dynamo-marks.ts',
  routes: 'functions/bridge/routes/{dynamo-routes,read-route}.ts',
  reads: 'functions/bridge/{drivers/dynamo/{scan,describe},copy/copy-plan}.ts',
  scans: 'functions/bridge/drivers/dynamo/{scan,describe}.ts',
  writes: 'functions/bridge/copy/bulk-writer.ts',
  /** New items, many with one call; and what is there already of a page. */
  births: 'functions/bridge/dynamo/made-together.ts',
  looks: 'functions/bridge/dynamo/many-items.ts',
  /** Makes clients that send what the others do. */
  roles: 'functions/bridge/copy/role-client.ts',
  /** Run by commands, with the rights of whoever gives them. */
  commands: 'functions/bridge/{tables/mend,jobs/job-notes,drivers/dynamo/batch-get}.ts',
  claims: 'functions/bridge/dynamo/claim-calls.ts',
  getOne: 'functions/bridge/dynamo/get-item.ts',
  /** First answers, in the table in which the modern side keeps its own. */
  answers: 'functions/bridge/cutover/side-answers.ts',
}

/** Entry points of what is deployed, with what their code could send and never does: of what they import they use a part. */
const bundles: Readonly<Record<string, { readonly entry: string; readonly unsent: readonly string[] }>> = {
  ModernApi: { entry: 'functions/modern/handler.ts', unsent: [] },
  BackSyncFunction: { entry: 'functions/legacy/handler.ts', unsent: [] },
  FacadeFunction: { entry: 'functions/cutover/handler.ts', unsent: [] },
  BackfillFunction: { entry: 'functions/operations/backfill.ts', unsent: [] },
  SweepFunction: { entry: 'functions/operations/sweep.ts', unsent: [] },
  CopyTableFunction: { entry: 'functions/operations/copy-table.ts', unsent: ['DeleteItem'] },
  FillTablesFunction: { entry: 'functions/operations/fill-tables.ts', unsent: [] },
  TableSyncFunction: { entry: 'functions/operations/keep-tables.ts', unsent: [] },
  MirrorFunction: { entry: 'functions/operations/relay.ts', unsent: [] },
  GuardFunction: {
    entry: 'functions/operations/guard.ts',
    unsent: ['DeleteItem', 'Query', 'Scan'],
  },
  WatchFunction: {
    entry: 'functions/operations/watch.ts',
    unsent: ['BatchGetItem', 'DeleteItem', 'PutItem', 'Scan', 'UpdateItem'],
  },
}
const mirrored = synthesise({}, [{ name: 'dish', plural: 'dishes', keyName: 'dishId', mirror: {} }])

/** Clients of other services have commands of their own in the same bundle; the Data API has one of the same name. */
const isOfDynamo = (action: string): boolean =>
  action.startsWith('dynamodb:PartiQL') ||
  (`${action.slice('dynamodb:'.length)}Command` in dynamodb && action !== 'dynamodb:ExecuteStatement')

/** A grant that the code doesn't use is too wide; a call that isn't granted fails on AWS only. */
describe('what is granted is what the code calls', () => {
  it.each([
    'LegacyApiRole',
    'BackSyncFunctionRole',
    'BackfillFunctionRole',
    'SweepFunctionRole',
    'MigrationsMigrateRole',
    'WatchFunctionRole',
  ])('of the Data API, for %s', (role) => {
    expect(granted(role, 'rds-data')).toEqual(called('client-rds-data', 'rds-data'))
  })

  it.each(Object.entries(bundles))(
    'of DynamoDB: %s may do whatever its bundle may send, but for what is said here',
    async (role, { entry, unsent }) => {
      const { outputFiles } = await build({
        ...{ entryPoints: [join(repository, entry)], bundle: true, write: false, logLevel: 'silent' },
        ...{ format: 'esm', platform: 'node', packages: 'external' },
      })
      const sent = actionsIn(outputFiles.map(({ text }) => text).join(''), 'dynamodb')
      const allowed = granted(`${role}Role`, 'dynamodb', '', mirrored.template)
      expect(sent.filter((action) => isOfDynamo(action) && !allowed.includes(action))).toEqual(
        unsent.map((name) => `dynamodb:${name}`),
      )
    },
  )

  it('of DynamoDB, from nowhere else than what is compared below', () => {
    const known = new Set(Object.values(callers).flatMap((files) => globSync(files, { cwd: repository })))
    const others = globSync(own, { cwd: repository }).filter(
      (file) => !known.has(file) && called('client-dynamodb', 'dynamodb', file).length > 0,
    )
    expect(others).toEqual([])
  })

  it('of DynamoDB, for the modern API', () => {
    expect(granted('ModernApiRole', 'dynamodb')).toEqual(
      called('client-dynamodb', 'dynamodb', callers.modern),
    )
    expect(granted('ModernApiRole', 'dynamodb', 'Idempotency')).toEqual([
      'dynamodb:GetItem',
      'dynamodb:PutItem',
    ])
    expect(granted('ModernApiRole', 'dynamodb', 'Parking')).toEqual([])
  })

  it.each([
    ['DishTable', []],
    ['RecipeStepTable', ['dynamodb:UpdateItem']],
  ])('of DynamoDB, for the way back: items of %s, but for %j', (table, needless) => {
    const stream = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator']
    const items = called('client-dynamodb', 'dynamodb', callers.items)
    expect(items).toEqual(expect.arrayContaining(needless))
    expect(granted('BackSyncFunctionRole', 'dynamodb', table)).toEqual(
      [...stream, ...items].filter((action) => !needless.includes(action)).sort(),
    )
  })

  it('of DynamoDB, for the way back: parking', () => {
    const parking = called('client-dynamodb', 'dynamodb', callers.parking)
    expect(parking).toContain('dynamodb:ConditionCheckItem')
    expect(granted('BackSyncFunctionRole', 'dynamodb', 'Parking')).toEqual(parking)
  })

  it('of DynamoDB, for who looks what is in conflict: the list of it, and neither to read payloads nor to end any', () => {
    expect(granted('WatchFunctionRole', 'dynamodb')).toEqual(['dynamodb:GetItem', 'dynamodb:Query'])
    for (const table of ['FacadeRoutes', 'Jobs'])
      expect(granted('WatchFunctionRole', 'dynamodb', table)).toEqual(['dynamodb:GetItem'])
    expect(granted('WatchFunctionRole', 'dynamodb', 'Parking')).toEqual(['dynamodb:Query'])
  })

  it.each(['TablesUsersTable', 'TablesMeterReadings'])(
    'of DynamoDB, for what is kept: source %s',
    (table) => {
      const stream = ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator']
      const items = called('client-dynamodb', 'dynamodb', callers.sources)
      expect(granted('TableSyncFunctionRole', 'dynamodb', table)).toEqual([...stream, ...items].sort())
    },
  )

  it.each([
    ['TablesDaily', callers.targets],
    ['TablesTowns', callers.targets],
    ['TableSyncTombstones', callers.tombstones],
    ['Jobs', callers.states],
    ['Parking', callers.parking],
  ])('of DynamoDB, for what is kept: %s', (table, files) => {
    expect(granted('TableSyncFunctionRole', 'dynamodb', table)).toEqual(
      called('client-dynamodb', 'dynamodb', files),
    )
  })

  it.each(['TablesUsersTable', 'TablesDaily', 'DishTable'])('of DynamoDB, for a copy: %s', (table) => {
    const both = [callers.reads, callers.writes].flatMap((files) =>
      called('client-dynamodb', 'dynamodb', files),
    )
    expect(granted('CopyTableFunctionRole', 'dynamodb', table)).toEqual(both.sort())
  })

  it('of DynamoDB, for a copy: its jobs, but for the list of them, which commands ask for', () => {
    const calls = called('client-dynamodb', 'dynamodb', callers.jobs)
    expect(granted('CopyTableFunctionRole', 'dynamodb', 'Jobs')).toEqual(
      calls.filter((action) => action !== 'dynamodb:Scan'),
    )
  })

  it.each(['Parking', 'Idempotency', 'TableSyncTombstones'])(
    'of DynamoDB, for a copy: nothing of %s',
    (table) => {
      expect(granted('CopyTableFunctionRole', 'dynamodb', table)).toEqual([])
    },
  )

  it.each([
    ['TablesUsersTable', [callers.scans, callers.sources]],
    ['TablesUsersByTown', [callers.scans, callers.sources, callers.targets]],
    ['TablesDaily', [callers.targets]],
    ['FillTables', []],
    ['TableSyncTombstones', [callers.tombstones]],
    ['Parking', [callers.parking]],
    ['DishTable', []],
  ])('of DynamoDB, for the filling of what is kept: %s', (table, files) => {
    const calls = files.flatMap((some) => called('client-dynamodb', 'dynamodb', some))
    expect(granted('FillTablesFunctionRole', 'dynamodb', table)).toEqual([...new Set(calls)].sort())
  })

  it('of DynamoDB, for the filling of what is kept: its jobs, and where it stands that they are followed', () => {
    const calls = [callers.jobs, callers.states].flatMap((files) =>
      called('client-dynamodb', 'dynamodb', files),
    )
    expect(granted('FillTablesFunctionRole', 'dynamodb', 'Jobs')).toEqual(
      [...new Set(calls)].filter((action) => action !== 'dynamodb:Scan').sort(),
    )
    expect(granted('FillTablesFunctionRole', 'rds-data')).toEqual([])
  })

  it('of both stores, for a fill: items of what is mirrored, no more than to read and lift of what is not, its jobs, parking', () => {
    const of = synthesise({}, [
      { name: 'dish', plural: 'dishes', keyName: 'dishId', mirror: {} },
      { name: 'guest', plural: 'guests', keyName: 'guestId', overruled: 'park' },
    ]).template
    const own = (service: string, table?: string) => granted('BackfillFunctionRole', service, table, of)
    const scans = called('client-dynamodb', 'dynamodb', callers.scans)
    const calls = (files: string) => called('client-dynamodb', 'dynamodb', files)

    expect(own('dynamodb', 'DishTable')).toEqual(
      [
        ...new Set([...scans, ...calls(callers.mirror), ...calls(callers.births), ...calls(callers.looks)]),
      ].sort(),
    )
    expect(own('dynamodb', 'GuestTable')).toEqual([...scans, 'dynamodb:GetItem'].sort())
    expect(own('dynamodb', 'Parking')).toEqual(calls(callers.parking))
    expect(own('dynamodb', 'Jobs')).toEqual(
      calls(callers.jobs).filter((action) => action !== 'dynamodb:Scan'),
    )
    expect(own('dynamodb', 'Tables')).toEqual([])
    expect(own('rds-data')).toEqual(called('client-rds-data', 'rds-data'))
    expect(own('lambda')).toEqual([])
  })

  it('of both stores, for a sweep: items to read and to claim, its job, where routes stand, parking', () => {
    const own = (service: string, table?: string) => granted('SweepFunctionRole', service, table)
    const calls = (files: string) => called('client-dynamodb', 'dynamodb', files)

    expect(own('dynamodb', 'DishTable')).toEqual(
      [
        ...new Set([callers.scans, callers.claims, callers.getOne].flatMap(calls)),
        'dynamodb:BatchGetItem',
      ].sort(),
    )
    expect(own('dynamodb', 'FacadeRoutes')).toEqual(
      calls(callers.routes).filter((action) => action !== 'dynamodb:Scan'),
    )
    expect(own('dynamodb', 'Parking')).toEqual(calls(callers.parking))
    expect(own('dynamodb', 'Jobs')).toEqual(
      calls(callers.jobs).filter((action) => action !== 'dynamodb:Scan'),
    )
    expect(own('lambda')).toEqual([])
  })

  it('of where routes stand, for the guard: to read it and to move one; of jobs, its own notes; of CloudWatch, to read figures', () => {
    const own = (service: string, table?: string) => granted('GuardFunctionRole', service, table)

    expect(own('dynamodb', 'FacadeRoutes')).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem'])
    expect(own('dynamodb', 'Jobs')).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem'])
    expect(own('dynamodb')).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem'])
    const figures = policyOf('GuardFunctionRole', template).Statement.filter(({ Action }) =>
      Action.some((action) => action.startsWith('cloudwatch:')),
    )
    expect(figures.map(({ Action }) => Action)).toEqual([called('client-cloudwatch', 'cloudwatch')])
    expect([own('rds-data'), own('lambda')]).toEqual([[], []])
  })

  it('of STS what a copy calls, for the roles that are named and no other', () => {
    const roles = 'arn:aws:iam::222222222222:role/copy,arn:aws:iam::333333333333:role/copy'
    const { Statement } = policyOf('CopyTableFunctionRole', synthesise({ copyRoleArns: roles }).template)
    const allowed = Statement.filter(({ Action }) => Action.some((action) => action.startsWith('sts:')))

    expect(granted('CopyTableFunctionRole', 'sts')).toEqual([])
    expect(allowed).toEqual([{ Action: called('client-sts', 'sts'), Resource: roles.split(',') }])
  })

  it('of a table that may only be copied from, nothing but to read it', () => {
    const { Statement } = policyOf('CopyTableFunctionRole', synthesise({ copySources: 'old-users' }).template)
    const allowed = Statement.filter(({ Resource }) => JSON.stringify(Resource).includes(':table/old-users"'))

    expect(allowed.flatMap(({ Action }) => Action).sort()).toEqual(
      called('client-dynamodb', 'dynamodb', callers.reads),
    )
  })

  it('of S3, for who looks what is undelivered: the list of it, and neither to read nor to end any', () => {
    const { Statement } = policyOf('WatchFunctionRole', template)
    const listed = Statement.filter(({ Action }) => Action.some((action) => action.startsWith('s3:')))

    expect(called('client-s3', 's3')).toContain('s3:ListObjectsV2')
    expect(listed).toMatchObject([
      { Action: ['s3:ListBucket'], Condition: { StringLike: { 's3:prefix': ['aws/lambda/*'] } } },
    ])
  })

  it('of what is mirrored, for the relay: items, parking and the Data API, and neither streams nor scans', () => {
    const of = synthesise({}, [
      { name: 'dish', plural: 'dishes', keyName: 'dishId', mirror: {} },
      { name: 'guest', plural: 'guests', keyName: 'guestId' },
    ]).template
    const own = (service: string, table?: string) => granted('MirrorFunctionRole', service, table, of)

    expect(own('dynamodb', 'DishTable')).toEqual(
      [callers.mirror, callers.births]
        .flatMap((files) => called('client-dynamodb', 'dynamodb', files))
        .sort(),
    )
    expect(own('dynamodb', 'GuestTable')).toEqual(called('client-dynamodb', 'dynamodb', callers.items))
    expect(own('dynamodb', 'Parking')).toEqual(called('client-dynamodb', 'dynamodb', callers.parking))
    expect(own('dynamodb', 'JobsTable')).toEqual(called('client-dynamodb', 'dynamodb', callers.marks))
    expect(own('rds-data')).toEqual(called('client-rds-data', 'rds-data'))
    expect(own('lambda')).toEqual([])
  })

  it('of both stores, for the facade: what either side writes, what moves a key, and where routes stand, to be read only', () => {
    const own = (service: string, table?: string) => granted('FacadeFunctionRole', service, table)
    const items = [callers.modern, callers.claims].flatMap((files) =>
      called('client-dynamodb', 'dynamodb', files),
    )
    expect(own('dynamodb', 'DishTable')).toEqual([...new Set(items)].sort())
    expect(own('dynamodb', 'Idempotency')).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem'])
    expect(called('client-dynamodb', 'dynamodb', callers.answers)).toEqual(['dynamodb:PutItem'])
    expect(own('dynamodb', 'Parking')).toEqual(called('client-dynamodb', 'dynamodb', callers.parking))
    expect(called('client-dynamodb', 'dynamodb', callers.routes)).toContain('dynamodb:PutItem')
    expect(own('dynamodb', 'FacadeRoutes')).toEqual(['dynamodb:GetItem'])
    expect(own('rds-data')).toEqual(called('client-rds-data', 'rds-data'))
    expect(own('lambda')).toEqual([])
  })

  it('of functions that serve sides: to call these, for the facade and nobody else', () => {
    const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:old-dishes:live'
    const { template: served } = synthesise({}, [
      { name: 'dish', plural: 'dishes', keyName: 'dishId', sides: { aurora: { functionArn: ARN } } },
    ])
    const called = policyOf('FacadeFunctionRole', served).Statement.filter(({ Action }) =>
      Action.includes('lambda:InvokeFunction'),
    )
    expect(called.map(({ Resource }) => Resource)).toEqual([ARN])
    for (const role of ['LegacyApiRole', 'ModernApiRole', 'BackSyncFunctionRole'])
      expect([role, granted(role, 'lambda', '', served)]).toEqual([role, []])
  })

  it('of DynamoDB nothing, for the migrations; for the legacy API which routes are complete, and nothing else', () => {
    expect(granted('MigrationsMigrateRole', 'dynamodb')).toEqual([])
    expect(granted('LegacyApiRole', 'dynamodb')).toEqual(['dynamodb:GetItem'])
    expect(granted('LegacyApiRole', 'dynamodb', 'FacadeRoutes')).toEqual(['dynamodb:GetItem'])
  })

  it.each(['BackSyncFunctionRole', 'LegacyApiRole'])('of where routes stand, for %s: to read it', (role) => {
    expect(granted(role, 'dynamodb', 'FacadeRoutes')).toEqual(['dynamodb:GetItem'])
  })

  it.each(['ModernApiRole', 'TableSyncFunctionRole', 'CopyTableFunctionRole'])(
    'of the Data API nothing, for %s',
    (role) => {
      expect(granted(role, 'rds-data')).toEqual([])
    },
  )
})
