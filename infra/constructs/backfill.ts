import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { grantJobs } from './copy-table.ts'
import type { EntityDescription, EntityTable } from './entity-table.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { isMirrored } from './mirror.ts'
import { output } from './output.ts'
import { addSegmentMachine } from './segment-machine.ts'
import type { StateTable } from './state-table.ts'
import { grantParking } from './stream-follower.ts'
import { tableNames } from './table-names.ts'

export interface BackfillProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /** All of them. */
  readonly entities: readonly EntityDescription[]
  /** Where changes are set aside that the other side refuses. */
  readonly parking: StateTable
  readonly jobs: StateTable
  readonly code: Code
}

/** Fills either store with what the other one has of an entity, where that outgrows one process: a command starts it. */
export class Backfill extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: BackfillProps) {
    super(scope, id)
    const { settings, database, tables, entities, parking, jobs } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Fills Aurora or DynamoDB with what the other one has, a segment at a time',
      code: props.code,
      timeout: Duration.minutes(15),
      memorySize: 1024,
      environment: {
        ...database.environment,
        ...tableNames(this, tables),
        ...parking.environment,
        ...jobs.environment,
      },
    })
    database.grantSql(this.function)
    grantParking(parking, this.function)
    grantJobs(jobs, this.function)
    const mirrored = new Set(
      entities
        .filter(isMirrored)
        .map(({ name, item: { table = name } = { table: name, keyAttribute: '' } }) => table),
    )
    for (const table of tables) {
      table.grantGet(this.function)
      table.grantLift(this.function, entities)
      if (mirrored.has(table.name)) table.grantMirrorFill(this.function)
    }
    Grant.addToPrincipal({
      grantee: this.function,
      actions: ['dynamodb:DescribeTable', 'dynamodb:Scan'],
      resourceArns: tables.map(({ table }) => table.tableArn),
    })
    const { stateMachineArn } = addSegmentMachine(this, {
      settings,
      comment:
        'Fills Aurora or DynamoDB with what the other one has of an entity; an execution with the same input goes on where another stopped',
      work: {
        worker: this.function,
        steps: ['items', 'rows', 'records', 'gone'],
        workers: '$.request.workers',
      },
    })
    output(
      this,
      'BackfillStateMachineArn',
      stateMachineArn,
      'The state machine that fills a store with what the other one has',
    )
  }
}
