import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Duration } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { COPY_WORKERS } from '../../functions/bridge/copy/copy-workers.ts'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { output } from './output.ts'
import { addSegmentMachine } from './segment-machine.ts'
import type { StateTable } from './state-table.ts'

export interface CopyTableProps {
  readonly settings: Settings
  /** The tables that may be copied from, emptied and copied to. */
  readonly tables: readonly ITable[]
  /** Tables that may be copied from only, such as a restored one. @default none */
  readonly sources?: readonly ITable[]
  /** Roles that a request may name, for tables of another account. @default none */
  readonly roleArns?: readonly string[]
  readonly jobs: StateTable
  /** The function that copies a whole table, or one segment of it. */
  readonly code: Code
}

/**
 * Copies one table into another: the function alone for what 15 minutes suffice for, the state machine for anything
 * larger. Both take the same request and keep their progress with the jobs.
 */
export class CopyTable extends Construct {
  readonly function: BridgeFunction
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, props: CopyTableProps) {
    super(scope, id)
    const { settings, tables, sources = [], roleArns = [], jobs } = props
    this.function = new BridgeFunction(this, 'Function', {
      settings,
      description: 'Empties and copies DynamoDB tables, or one segment of them',
      code: props.code,
      timeout: Duration.minutes(15),
      memorySize: 1024,
      environment: jobs.environment,
    })
    grantJobs(jobs, this.function)
    this.#grant(
      [...tables, ...sources].map(({ tableArn }) => tableArn),
      ['dynamodb:DescribeTable', 'dynamodb:Scan'],
    )
    this.#grant(
      tables.map(({ tableArn }) => tableArn),
      ['dynamodb:BatchWriteItem'],
    )
    this.#grant(roleArns, ['sts:AssumeRole'])

    this.stateMachine = addSegmentMachine(this, {
      settings,
      comment:
        'Copies a DynamoDB table of any size; an execution with the same input goes on where another stopped',
      work: { worker: this.function, steps: ['cleanup', 'migrate', 'verify'], workers: COPY_WORKERS },
    })
    output(this, 'CopyTableFunctionName', this.function.functionName, 'The function that copies a table')
    output(
      this,
      'CopyTableStateMachineArn',
      this.stateMachine.stateMachineArn,
      'The state machine that copies a table of any size',
    )
  }

  #grant(resourceArns: readonly string[], actions: string[]): void {
    if (resourceArns.length > 0)
      Grant.addToPrincipal({ grantee: this.function, actions, resourceArns: [...resourceArns] })
  }
}

/** Lets the grantee take jobs, note their progress and read it. Not list them. */
export const grantJobs = (jobs: StateTable, grantee: IGrantable): Grant =>
  jobs.grant(grantee, ['GetItem', 'PutItem', 'UpdateItem', 'Query'])
