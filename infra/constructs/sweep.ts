import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { grantJobs } from './copy-table.ts'
import type { EntityTable } from './entity-table.ts'
import type { LegacyDatabase } from './legacy-database.ts'
import { output } from './output.ts'
import { addSegmentMachine } from './segment-machine.ts'
import type { StateTable } from './state-table.ts'
import { grantParking } from './stream-follower.ts'
import { tableNames } from './table-names.ts'

export interface SweepProps {
  readonly settings: Settings
  readonly database: LegacyDatabase
  readonly tables: readonly EntityTable[]
  /** Where keys are listed that can't be moved. */
  readonly parking: StateTable
  /** Where routes stand. */
  readonly routes: StateTable
  readonly jobs: StateTable
  readonly code: Code
}

/** Has all keys of a route follow its last move, where that outgrows one process: a command starts it. */
export class Sweep extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: SweepProps) {
    super(scope, id)
    const { settings, database, tables, parking, routes, jobs } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Has the keys of a route follow its last move, a segment at a time',
      code: props.code,
      timeout: Duration.minutes(15),
      memorySize: 1024,
      environment: {
        ...database.environment,
        ...tableNames(this, tables),
        ...parking.environment,
        ...routes.environment,
        ...jobs.environment,
      },
    })
    database.grantSql(this.function)
    grantParking(parking, this.function)
    grantJobs(jobs, this.function)
    // It reads where a route stands before each page, and notes in the end that it is settled.
    routes.grant(this.function, ['GetItem', 'PutItem'])
    Grant.addToPrincipal({
      grantee: this.function,
      actions: [
        'dynamodb:BatchGetItem',
        'dynamodb:DescribeTable',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Scan',
        'dynamodb:UpdateItem',
      ],
      resourceArns: tables.map(({ table }) => table.tableArn),
    })
    const { stateMachineArn } = addSegmentMachine(this, {
      settings,
      comment:
        'Has all keys of a route follow its last move; an execution with the same input goes on where another stopped',
      work: {
        worker: this.function,
        steps: ['rows', 'gone', 'items', 'prove-rows', 'prove-gone', 'prove-items'],
        workers: '$.request.workers',
      },
    })
    output(
      this,
      'SweepStateMachineArn',
      stateMachineArn,
      'The state machine that has the keys of a route follow',
    )
  }
}
