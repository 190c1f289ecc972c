import type { ITable } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { Code } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { BridgeFunction } from './bridge-function.ts'
import { copyWorkflow } from './copy-workflow.ts'
import { output } from './output.ts'
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

/** How long a copy may take. What is left then goes on in another execution with the same input. */
const longestCopy = Duration.days(14)

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

    const logGroup = new LogGroup(this, 'Log', {
      retention: settings.policy.logRetention,
      removalPolicy: settings.policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      comment:
        'Copies a DynamoDB table of any size; an execution with the same input goes on where another stopped',
      definitionBody: DefinitionBody.fromChainable(copyWorkflow(this, this.function)),
      queryLanguage: QueryLanguage.JSON_PATH,
      timeout: longestCopy,
      // Of requests, tables and counts there is enough in the jobs.
      logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
    })
    this.#acknowledge()
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

  #acknowledge(): void {
    const acknowledge = (resource: string, reason: string) =>
      Validations.of(this.stateMachine).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${resource}]`,
        reason,
      })
    acknowledge(
      '*',
      "The delivery of vended logs and X-Ray's trace segments know no narrower resource; the actions are those that AWS names for them.",
    )
    acknowledge(
      `<${this.#logicalIdOf(this.function)}.Arn>:*`,
      'The versions of that one function: aws-cdk-lib grants them with it, and whoever may invoke it may as well invoke these.',
    )
    const name = `{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${this.#logicalIdOf(this.stateMachine)}"}]}]}`
    for (const runs of [name, `${name}/*`])
      acknowledge(
        `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${runs}:*`,
        'The executions and map runs of this one state machine, whose names Step Functions chooses.',
      )
  }

  #logicalIdOf({ node }: Construct): string {
    if (!CfnResource.isCfnResource(node.defaultChild)) throw new TypeError(`${node.path} has no resource`)
    return String(Stack.of(this).resolve(node.defaultChild.logicalId))
  }
}

/** Lets the grantee take jobs, note their progress and read it. Not list them. */
export const grantJobs = (jobs: StateTable, grantee: IGrantable): Grant =>
  jobs.grant(grantee, ['GetItem', 'PutItem', 'UpdateItem', 'Query'])
