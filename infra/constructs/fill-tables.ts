import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Grant } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { grantJobs } from './copy-table.ts'
import type { DeclaredTables } from './declared-tables.ts'
import { output } from './output.ts'
import type { ProjectionDescription } from './plain-table.ts'
import { addSegmentMachine } from './segment-machine.ts'
import type { StateTable } from './state-table.ts'
import { grantParking } from './stream-follower.ts'
import { grantStates, grantTombstones, sourceActions, targetActions } from './table-sync.ts'

export interface FillTablesProps {
  readonly settings: Settings
  readonly projections: readonly ProjectionDescription[]
  /** Sources and targets of the projections. */
  readonly tables: DeclaredTables
  readonly parking: StateTable
  readonly jobs: StateTable
  readonly tombstones: StateTable
  readonly code: Code
}

/** Fills tables that are kept by others with what these hold already, where that outgrows one process: a command starts it. */
export class FillTables extends Construct {
  readonly function: BridgeFunction

  constructor(scope: Construct, id: string, props: FillTablesProps) {
    super(scope, id)
    const { settings, projections, tables, parking, jobs, tombstones } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Fills tables that are kept by others, a segment at a time',
      code: props.code,
      timeout: Duration.minutes(15),
      memorySize: 1024,
      environment: {
        ...tables.environment(),
        ...parking.environment,
        ...tombstones.environment,
        ...jobs.environment,
      },
    })
    grantParking(parking, this.function)
    grantJobs(jobs, this.function)
    grantStates(jobs, this.function)
    grantTombstones(tombstones, this.function)
    for (const name of new Set(projections.map(({ from }) => from.name)))
      this.#grant(tables.table(name), [...sourceActions, 'dynamodb:DescribeTable', 'dynamodb:Scan'])
    for (const { name } of projections) this.#grant(tables.table(name), targetActions)
    const { stateMachineArn } = addSegmentMachine(this, {
      settings,
      comment:
        'Fills a table that is kept by another one; an execution with the same input goes on where another stopped',
      work: { worker: this.function, steps: ['fill'], workers: '$.request.workers' },
    })
    output(
      this,
      'FillTablesStateMachineArn',
      stateMachineArn,
      'The state machine that fills a table that is kept by another one',
    )
  }

  #grant(table: ITable, actions: readonly string[]): void {
    Grant.addToPrincipal({
      grantee: this.function,
      actions: [...actions],
      resourceArns: [table.tableArn],
    })
  }
}
