import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import {
  Chain,
  Choice,
  Condition,
  DistributedMap,
  Errors,
  Fail,
  type IChainable,
  JitterType,
  JsonPath,
  Pass,
  type RetryProps,
  StateMachineType,
  Succeed,
  TaskInput,
  type TaskStateBase,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions'
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import { Duration } from 'aws-cdk-lib/core'
import type { Construct } from 'constructs'
import { pascalCase } from './pascal-case.ts'

/** Lambda's own troubles, throttling, and a function that ended without an answer. */
const lambdaTroubles: RetryProps = {
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.TooManyRequestsException',
    'Lambda.Unknown',
    'Sandbox.Timedout',
    Errors.TIMEOUT,
  ],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxDelay: Duration.minutes(1),
  maxAttempts: 10,
  jitterStrategy: JitterType.FULL,
}

/** The function has waited out what it knows to pass; what is left under these names may still do so. */
const storeTroubles: RetryProps = {
  errors: ['DynamoError', 'DeadlineError', 'RoleError', 'DataApiError', 'UnsettledPageError'],
  interval: Duration.seconds(5),
  backoffRate: 2,
  maxAttempts: 3,
  jitterStrategy: JitterType.FULL,
}

/** The lease of an execution that has failed runs out after a minute; that of one at work is renewed. */
const leaseOfAnother: RetryProps = {
  errors: ['JobBusyError'],
  interval: Duration.seconds(30),
  backoffRate: 1,
  maxAttempts: 3,
}

/** What a state machine has done, segment by segment. */
export interface SegmentWork {
  /** The function; it keeps positions and figures itself, so that only who does what travels between states. */
  readonly worker: IFunction
  /** One after the other, each by the name that the function has for it. */
  readonly steps: readonly string[]
  /** Segments at once: a number, or where in what `plan` answers it stands. */
  readonly workers: number | `$.${string}`
}

/**
 * Plan; then each step, segment by segment; then conclude. What a segment can't finish in one invocation goes on in the next
 * one, until it is done. A segment that fails ends the execution.
 */
export function segmentWorkflow(scope: Construct, { worker, steps, workers }: SegmentWork): IChainable {
  const invoke = (id: string, payload?: Record<string, unknown>): TaskStateBase =>
    new LambdaInvoke(scope, id, {
      lambdaFunction: worker,
      ...(payload && { payload: TaskInput.fromObject(payload) }),
      payloadResponseOnly: true,
      // A little longer than the function may run, so that its own end is what is told.
      taskTimeout: Timeout.duration(Duration.minutes(16)),
      // They are among those below, with a longer pause.
      retryOnServiceExceptions: false,
    })
      .addRetry(lambdaTroubles)
      .addRetry(storeTroubles)

  const failed = new Pass(scope, 'Why', {
    parameters: {
      error: JsonPath.objectAt('$.failure.Error'),
      cause: JsonPath.format(
        'A segment failed: {}. Its own execution, in the map run, says more. What was done is kept: an execution with the same input goes on.',
        JsonPath.stringAt('$.failure.Cause'),
      ),
    },
  }).next(new Fail(scope, 'Failed', { errorPath: '$.error', causePath: '$.cause' }))

  const eachSegment = (step: string): DistributedMap => {
    const id = pascalCase(step)
    const segment = invoke(`${id} segment`)
    const done = new Choice(scope, `${id} segment done?`)
      .when(Condition.booleanEquals('$.done', true), new Succeed(scope, `${id} segment done`))
      .otherwise(segment)
    const map = new DistributedMap(scope, id, {
      mapExecutionType: StateMachineType.STANDARD,
      itemsPath: `$.${step}`,
      itemSelector: {
        operation: 'segment',
        request: JsonPath.objectAt('$.request'),
        step,
        segment: JsonPath.numberAt('$$.Map.Item.Value.segment'),
        segments: JsonPath.numberAt('$$.Map.Item.Value.segments'),
      },
      // No failure is tolerated, which is the default.
      ...(typeof workers === 'number' ? { maxConcurrency: workers } : { maxConcurrencyPath: workers }),
      // The plan goes on to the next state; the figures are with the jobs.
      resultPath: JsonPath.DISCARD,
    })
    map.itemProcessor(segment.next(done))
    return map.addCatch(failed, { resultPath: '$.failure' })
  }

  const plan = invoke('Plan', {
    operation: 'plan',
    request: JsonPath.entirePayload,
    execution: JsonPath.executionId,
  }).addRetry(leaseOfAnother)
  return steps
    .reduce((chain, step) => chain.next(eachSegment(step)), Chain.start(plan))
    .next(invoke('Conclude', { operation: 'conclude', request: JsonPath.objectAt('$.request') }))
}
