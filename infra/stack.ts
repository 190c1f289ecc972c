import { Table } from 'aws-cdk-lib/aws-dynamodb'
import { Stack, Tags } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { keptIn } from '../functions/bridge/model/retired.ts'
import { addApiTier } from './constructs/api-tier.ts'
import { BackSync } from './constructs/back-sync.ts'
import { Backfill } from './constructs/backfill.ts'
import { bundledCode } from './constructs/bundled-code.ts'
import { CopyTable } from './constructs/copy-table.ts'
import { DeclaredTables } from './constructs/declared-tables.ts'
import { type EntityDescription, EntityTable, onePerTable, tablesOf } from './constructs/entity-table.ts'
import type { Extension } from './constructs/extension.ts'
import { Facade, knowsRoutes } from './constructs/facade.ts'
import { FillTables } from './constructs/fill-tables.ts'
import { Guard } from './constructs/guard.ts'
import { HttpApi } from './constructs/http-api.ts'
import { LegacyDatabase } from './constructs/legacy-database.ts'
import { haveFunctions, LegacyFunctions } from './constructs/legacy-functions.ts'
import { Migrations } from './constructs/migrations.ts'
import { isMirrored, Mirror } from './constructs/mirror.ts'
import { output } from './constructs/output.ts'
import { pascalCase } from './constructs/pascal-case.ts'
import type { ProjectionDescription, TableDescription } from './constructs/plain-table.ts'
import { grantSides, haveSides } from './constructs/side-functions.ts'
import { StateTable } from './constructs/state-table.ts'
import { StatementRunner } from './constructs/statement-runner.ts'
import { Sweep } from './constructs/sweep.ts'
import { TableSync } from './constructs/table-sync.ts'
import { Watch } from './constructs/watch.ts'
import type { Settings } from './settings.ts'

export interface BacksyncStackProps {
  readonly settings: Settings
  readonly entities: readonly EntityDescription[]
  /** The tables that jobs read. */
  readonly tables: readonly TableDescription[]
  /** The tables that are kept by the streams of others. */
  readonly projections: readonly ProjectionDescription[]
  /** What a team adds. @default nothing */
  readonly extensions?: readonly Extension[]
  /** Where the functions' modules are, below the repository. @default the repository's own */
  readonly entries?: FunctionEntries
  /** What the functions' packages have of a team's. @default the repository's own */
  readonly sources?: TeamSources
}

/** Where a team's part of the functions' packages comes from; all paths are below the repository. */
export interface TeamSources {
  /** Modules that stand for others, such as the list of entities. */
  readonly replace: Readonly<Record<string, string>>
  /** The folders of migrations, by their names in the package. */
  readonly migrations: Readonly<Record<string, string>>
}

const ownSources: TeamSources = { replace: {}, migrations: { sql: 'sql' } }

const [WAKE, NO_WAKE] = ['functions/bridge/mirror/open-wake.ts', 'infra/constructs/bundle/no-wake.ts']
const [RUNS, NO_RUNS] = ['functions/bridge/migrations/open-runner.ts', 'infra/constructs/bundle/no-runner.ts']
const [SIDES, NO_SIDES] = ['functions/bridge/cutover/open-sides.ts', 'infra/constructs/bundle/no-sides.ts']
const [CALLS, NO_CALLS] = ['functions/bridge/legacy-function/open.ts', 'infra/constructs/bundle/no-calls.ts']

/** The modules that export the handlers. */
export interface FunctionEntries {
  readonly legacy: string
  readonly modern: string
  readonly migrate: string
  readonly keepTables: string
  readonly copyTable: string
  readonly backfill: string
  readonly fillTables: string
  readonly watch: string
  readonly relay: string
  readonly facade: string
  readonly sweep: string
  readonly guard: string
  readonly runStatement: string
}

const ownEntries: FunctionEntries = {
  legacy: 'functions/legacy/handler.ts',
  modern: 'functions/modern/handler.ts',
  migrate: 'functions/operations/migrate.ts',
  keepTables: 'functions/operations/keep-tables.ts',
  copyTable: 'functions/operations/copy-table.ts',
  backfill: 'functions/operations/backfill.ts',
  fillTables: 'functions/operations/fill-tables.ts',
  watch: 'functions/operations/watch.ts',
  relay: 'functions/operations/relay.ts',
  facade: 'functions/cutover/handler.ts',
  sweep: 'functions/operations/sweep.ts',
  guard: 'functions/operations/guard.ts',
  runStatement: 'functions/operations/run-statement.ts',
}

/**
 * The bridge: Aurora and its legacy API, DynamoDB and its modern API, and the way back from the one to the other; and
 * DynamoDB tables that are kept by, or copied from, others.
 */
export class BacksyncStack extends Stack {
  constructor(scope: Construct, id: string, props: BacksyncStackProps) {
    const { settings, entities, entries = ownEntries, sources = ownSources } = props
    // Of what is retired nothing is left but its table, and the paths that are served from that.
    const kept = keptIn(entities)
    const calls = haveFunctions(kept)
    // What calls functions, and the client for it, is in the packages only where there is something to call.
    const wakes = settings.relay !== 'stay' && kept.some(isMirrored)
    const replace = {
      ...sources.replace,
      ...(!calls && { [CALLS]: NO_CALLS }),
      ...(!wakes && { [WAKE]: NO_WAKE }),
      ...(settings.statementRunner === 'off' && { [RUNS]: NO_RUNS }),
      ...(!haveSides(entities) && { [SIDES]: NO_SIDES }),
    }
    super(scope, id, {
      description: `Backsync (${settings.stage}): a bridge from Aurora MySQL to DynamoDB, and back`,
      stackName: settings.policy.retain ? `${id}-${settings.stage}` : id,
      terminationProtection: settings.policy.retain,
    })
    Tags.of(this).add('application', 'backsync')
    Tags.of(this).add('stage', settings.stage)

    const database = new LegacyDatabase(this, 'LegacyDatabase', { settings })
    const tables = onePerTable(entities).map(
      (entity) =>
        new EntityTable(this, `${pascalCase(entity.item?.table ?? entity.name)}Table`, {
          settings,
          entity,
          entities,
        }),
    )
    const keptTables = tablesOf(tables, kept)
    const declared = new DeclaredTables(this, 'Tables', {
      settings,
      tables: props.tables,
      projections: props.projections,
      existing: new Map(tables.map(({ name, table }) => [name, table])),
    })
    const parking = new StateTable(this, 'Parking', { settings, setting: 'PARKING_TABLE' })
    const jobs = new StateTable(this, 'Jobs', { settings, setting: 'JOBS_TABLE' })

    const legacyCode = bundledCode({ entry: entries.legacy, replace })
    const { legacy, modern, idempotency } = addApiTier(this, {
      settings,
      database,
      tables,
      legacyCode,
      modernCode: bundledCode({ entry: entries.modern, replace }),
    })
    const backSync = new BackSync(this, 'BackSync', {
      settings,
      database,
      tables: keptTables,
      entities: kept,
      parking,
      code: legacyCode,
    })
    const facade =
      entities.length === 0
        ? undefined
        : new Facade(this, 'Facade', {
            ...{ settings, database, tables, idempotency, parking },
            code: bundledCode({ entry: entries.facade, replace }),
          })
    const facades = facade === undefined ? [] : [facade.function]
    for (const caller of facades) grantSides(entities, caller)
    const mirror = kept.some(isMirrored)
      ? new Mirror(this, 'Mirror', {
          ...{ settings, database, tables: keptTables, entities: kept, parking, jobs },
          code: bundledCode({ entry: entries.relay, replace }),
        })
      : undefined
    const relay = mirror === undefined ? [] : [mirror.function]
    const backfill =
      kept.length === 0
        ? []
        : [
            new Backfill(this, 'Backfill', {
              ...{ settings, database, tables: keptTables, entities: kept, parking, jobs },
              code: bundledCode({ entry: entries.backfill, replace }),
            }).function,
          ]
    for (const reader of [legacy, backSync.function, ...relay])
      if (facade !== undefined) knowsRoutes(facade.routes, reader)
    const sweep =
      facade === undefined || kept.length === 0
        ? []
        : [
            new Sweep(this, 'Sweep', {
              ...{ settings, database, tables: keptTables, parking, jobs, routes: facade.routes },
              code: bundledCode({ entry: entries.sweep, replace }),
            }).function,
          ]
    if (facade !== undefined && kept.length > 0 && settings.guard === 'on')
      new Guard(this, 'Guard', {
        ...{ settings, jobs, routes: facade.routes },
        code: bundledCode({ entry: entries.guard, replace }),
      })
    for (const caller of [legacy, ...facades]) mirror?.wake(caller)
    if (calls) {
      const functions = new LegacyFunctions(this, 'LegacyFunctions', {
        ...{ settings, entities: kept, database },
        code: (module) =>
          bundledCode({
            entry: 'functions/operations/legacy-function.ts',
            replace: { ...replace, 'functions/operations/legacy-module.ts': module },
            mayRequire: true,
          }),
      })
      for (const caller of [legacy, backSync.function, ...relay, ...backfill, ...sweep, ...facades])
        functions.serve(caller)
    }
    const tableSync = new TableSync(this, 'TableSync', {
      settings,
      projections: props.projections,
      tables: declared,
      parking,
      jobs,
      failures: backSync.failures,
      code: bundledCode({ entry: entries.keepTables, replace }),
    })
    if (props.projections.length > 0)
      new FillTables(this, 'FillTables', {
        ...{ settings, parking, jobs, projections: props.projections, tables: declared },
        tombstones: tableSync.tombstones,
        code: bundledCode({ entry: entries.fillTables, replace }),
      })
    const watch = new Watch(this, 'Watch', {
      settings,
      failures: backSync.failures,
      parking,
      jobs,
      routes: facade?.routes,
      database,
      code: bundledCode({ entry: entries.watch, replace }),
    })
    if (facade !== undefined) knowsRoutes(facade.routes, watch.function)
    for (const [name, { functionName }] of [
      ['BackSyncFunctionName', backSync.function],
      ['TableSyncFunctionName', tableSync.function],
    ] as const)
      output(this, name, functionName, 'A function that takes the changes of streams')
    new CopyTable(this, 'CopyTable', {
      settings,
      tables: [...tables, ...declared.made].map(({ table }) => table),
      sources: settings.copySources.map((name) => Table.fromTableName(this, `CopySource${name}`, name)),
      roleArns: settings.copyRoleArns,
      jobs,
      code: bundledCode({ entry: entries.copyTable, replace }),
    })
    const migrations = new Migrations(this, 'Migrations', {
      settings,
      database,
      code: bundledCode({ entry: entries.migrate, replace, folders: sources.migrations }),
      before: [legacy, modern, backSync.function, ...relay, ...backfill, ...sweep, ...facades],
    })
    if (settings.statementRunner === 'on')
      new StatementRunner(this, 'StatementRunner', {
        ...{ settings, database },
        code: bundledCode({ entry: entries.runStatement, replace, mayRequire: true }),
      }).serve(migrations.function)
    const api = new HttpApi(this, 'HttpApi', {
      settings,
      entities,
      migrate: migrations.function,
      legacy,
      modern,
      facade: facade?.function,
    })
    for (const extend of props.extensions ?? [])
      extend(this, {
        settings,
        tables: declared,
        api,
        code: (entry) => bundledCode({ entry, replace }),
        output: (name, value, description) => output(this, name, value, description),
      })
  }
}
