import * as z from 'zod'
import type { LocalFunction } from '../../lambda/function.ts'
import type { Log } from '../../lambda/log-file.ts'
import type { FunctionRegistry } from '../../lambda/registry.ts'
import type { Assembly } from '../assembly.ts'
import { startOrder } from '../order.ts'
import { number, readProperties } from '../properties.ts'
import type { TemplateScope } from '../scope.ts'

const schema = z.object({
  HandlerArn: z.string(),
  InvocationType: z.enum(['RequestResponse', 'Event', 'DryRun']).default('RequestResponse'),
  Timeout: number.default(120_000),
})

/** The metadata under which the stack says what makes a trigger's function tell its changes instead of making them. */
const planSchema = z.object({ 'Backsync::Plan': z.object({ event: z.unknown() }) })

/** What such a function answers: sentences for a person, none when it would change nothing. */
const answerSchema = z.object({ changes: z.array(z.string()) })

/** A function that the deployment runs (aws-cdk-lib/triggers), such as the SQL migrations. */
export type DefinedTrigger = {
  readonly logicalId: string
  readonly handlerArn: string
  readonly mustSucceed: boolean
  /** Invoked with it, the function changes nothing and answers what it would change. */
  readonly planEvent?: unknown
}

/** The triggers of the stack, each after those that it depends on. */
export const triggersOf = (scope: TemplateScope, assembly: Assembly): DefinedTrigger[] => {
  const order = startOrder(assembly.template)
  return scope
    .resources('Custom::Trigger')
    .map(([logicalId, { Metadata }]) => {
      const plan = planSchema.safeParse(Metadata)
      const planEvent = plan.data?.['Backsync::Plan'].event
      return { logicalId, planEvent, ...readProperties(scope, logicalId, schema) }
    })
    .filter(({ InvocationType }) => InvocationType !== 'DryRun')
    .sort((a, b) => order.indexOf(a.logicalId) - order.indexOf(b.logicalId))
    .map(({ logicalId, HandlerArn, InvocationType, planEvent }) => ({
      logicalId,
      handlerArn: HandlerArn,
      mustSucceed: InvocationType === 'RequestResponse',
      ...(planEvent !== undefined && { planEvent }),
    }))
}

/** A trigger whose function failed: the stack does not start, as a deployment would fail. */
export class TriggerError extends Error {
  override readonly name = 'TriggerError'
  readonly code = 'stack.trigger-failed'
}

/**
 * Runs the triggers one after another, at every start. CloudFormation would run each once per content of its function;
 * here the data below can be another at each start (another MYSQL_URL, a deleted data folder) while the function is the
 * same, so the memory of an earlier run proves nothing. A trigger must bear repeating anyway, as a deployment that
 * rolled back is repeated; one that has nothing to do costs some 100 ms.
 *
 * @throws TriggerError with the function's error
 */
export const runTriggers = async (
  triggers: readonly DefinedTrigger[],
  functions: FunctionRegistry,
  log: Log,
): Promise<void> => {
  for (const { logicalId, handlerArn, mustSucceed } of triggers) {
    const fn = functions.find(handlerArn)
    const outcome = await fn.invoke({})
    if (outcome.ok) continue
    const failure = failureOf(logicalId, fn, outcome.error)
    if (mustSucceed) throw failure
    log(`${failure.message}; the template does not require its success`)
  }
}

/**
 * What the triggers would change, in sentences for a person; none when they would change nothing. A trigger that can't be
 * asked is named.
 *
 * @throws TriggerError when one can't tell
 */
export const changesOf = async (
  triggers: readonly DefinedTrigger[],
  functions: FunctionRegistry,
): Promise<string[]> => {
  const changes: string[] = []
  for (const { logicalId, handlerArn, planEvent } of triggers) {
    const fn = functions.find(handlerArn)
    if (planEvent === undefined) {
      changes.push(`run ${fn.definition.name}, which doesn't tell what it changes`)
      continue
    }
    const outcome = await fn.invoke(planEvent)
    if (!outcome.ok) throw failureOf(logicalId, fn, outcome.error)
    changes.push(...answerSchema.parse(JSON.parse(outcome.payload)).changes)
  }
  return changes
}

const failureOf = (
  logicalId: string,
  { definition }: LocalFunction,
  error: { readonly errorType: string; readonly errorMessage: string },
): TriggerError =>
  new TriggerError(`${logicalId} (${definition.name}): ${error.errorType}: ${error.errorMessage}`, {
    cause: error,
  })
