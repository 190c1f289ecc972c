import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { KEEP_TABLES } from '../../functions/bridge/runtime/metrics.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import type { DeclaredTables } from './declared-tables.ts'
import type { FailureBucket } from './failure-bucket.ts'
import type { ProjectionDescription } from './plain-table.ts'
import { StateTable } from './state-table.ts'
import { StreamAlarms } from './stream-alarms.ts'
import { followStreams, grantParking } from './stream-follower.ts'

export interface TableSyncProps {
  readonly settings: Settings
  readonly projections: readonly ProjectionDescription[]
  /** Sources and targets of the projections. */
  readonly tables: DeclaredTables
  readonly parking: StateTable
  readonly jobs: StateTable
  /** Where batches are filed that are given up. */
  readonly failures: FailureBucket
  /** The function that applies a batch of any source's stream to its projections. */
  readonly code: Code
}

/**
 * Keeps the targets of `replicate` and `reshape`: one function follows each source's stream, once, however many
 * projections that source has. (A shard feeds two readers well, and an entity's table has the way back already.)
 */
export class TableSync extends Construct {
  readonly function: BridgeFunction
  /** Where deletes of kept tables are remembered. */
  readonly tombstones: StateTable

  constructor(scope: Construct, id: string, props: TableSyncProps) {
    super(scope, id)
    const { settings, projections, tables, parking, jobs, failures } = props
    const tombstones = new StateTable(this, 'Tombstones', { settings, setting: 'TOMBSTONES_TABLE' })
    this.tombstones = tombstones
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Writes changes of DynamoDB tables to the tables that are kept by them',
      code: props.code,
      timeout: Duration.seconds(60),
      environment: {
        ...tables.environment(),
        ...parking.environment,
        ...tombstones.environment,
        ...jobs.environment,
      },
    })
    grantParking(parking, this.function)
    grantStates(jobs, this.function)
    grantTombstones(tombstones, this.function)

    const sources = new Set(projections.map(({ from }) => from.name))
    for (const name of sources) this.#grant(tables.table(name), sourceActions)
    for (const { name } of projections) this.#grant(tables.table(name), targetActions)

    const alarms = new StreamAlarms(this, 'Alarms', {
      function: this.function,
      service: KEEP_TABLES,
      target: 'the tables that are kept by others',
      ...(settings.alarmTopicArn !== undefined && { topicArn: settings.alarmTopicArn }),
    })
    followStreams(
      this.function,
      Array.from(sources, (name) => ({ name, table: tables.table(name) })),
      { settings, failures, alarms },
    )
    for (const { name } of projections) alarms.addParked(name)
  }

  #grant(table: ITable, actions: string[]): void {
    Grant.addToPrincipal({ grantee: this.function, actions, resourceArns: [table.tableArn] })
  }
}

/** A parked key's current item is what is applied in the end. */
export const sourceActions = ['dynamodb:GetItem']

/** A guarded write is a transaction, or a conditional call; a transaction asks for the rights of its parts. */
export const targetActions = [
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
]

/** Lets the grantee read where projections stand, and note it. */
export const grantStates = (jobs: StateTable, grantee: IGrantable): Grant =>
  jobs.grant(grantee, ['GetItem', 'BatchGetItem', 'UpdateItem'])

/** Lets the grantee read tombstones, and write and check them in the transaction that writes an item. */
export const grantTombstones = (tombstones: StateTable, grantee: IGrantable): Grant =>
  tombstones.grant(grantee, ['GetItem', 'PutItem', 'ConditionCheckItem'])
