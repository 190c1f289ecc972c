import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import type { Settings } from '../settings.ts'
import { type SegmentWork, segmentWorkflow } from './segment-workflow.ts'

export interface SegmentMachineProps {
  readonly settings: Settings
  readonly comment: string
  readonly work: SegmentWork & { readonly worker: LambdaFunction }
}

/** How long an execution may take. What is left then goes on in another one with the same input. */
const longest = Duration.days(14)

/**
 * Adds a state machine that has work done over a whole table. It stands in the scope itself: a construct of its own would give the
 * machine of copies another logical id, and end the executions of a deployed stack.
 */
export function addSegmentMachine(scope: Construct, props: SegmentMachineProps): StateMachine {
  const { settings, comment, work } = props
  const logGroup = new LogGroup(scope, 'Log', {
    retention: settings.policy.logRetention,
    removalPolicy: settings.policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  })
  const machine = new StateMachine(scope, 'StateMachine', {
    comment,
    definitionBody: DefinitionBody.fromChainable(segmentWorkflow(scope, work)),
    queryLanguage: QueryLanguage.JSON_PATH,
    timeout: longest,
    // Of requests, tables and counts there is enough in the jobs.
    logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
    tracingEnabled: true,
  })
  acknowledge(machine, work.worker)
  return machine
}

function acknowledge(machine: StateMachine, worker: LambdaFunction): void {
  const acknowledgeOf = (resource: string, reason: string) =>
    Validations.of(machine).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason })
  acknowledgeOf(
    '*',
    "The delivery of vended logs and X-Ray's trace segments know no narrower resource; the actions are those that AWS names for them.",
  )
  acknowledgeOf(
    `<${logicalIdOf(worker)}.Arn>:*`,
    'The versions of that one function: aws-cdk-lib grants them with it, and whoever may invoke it may as well invoke these.',
  )
  const name = `{"Fn::Select":[6,{"Fn::Split":[":",{"Ref":"${logicalIdOf(machine)}"}]}]}`
  for (const runs of [name, `${name}/*`])
    acknowledgeOf(
      `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${runs}:*`,
      'The executions and map runs of this one state machine, whose names Step Functions chooses.',
    )
}

function logicalIdOf({ node }: Construct): string {
  if (!CfnResource.isCfnResource(node.defaultChild)) throw new TypeError(`${node.path} has no resource`)
  return String(Stack.of(node.defaultChild).resolve(node.defaultChild.logicalId))
}
