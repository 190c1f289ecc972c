import * as z from 'zod'
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

/** A function that the deployment runs (aws-cdk-lib/triggers), such as the SQL migrations. */
export type DefinedTrigger = {
  readonly logicalId: string
  readonly handlerArn: string
  readonly mustSucceed: boolean
}

/** The triggers of the stack, each after those that it depends on. */
export const triggersOf = (scope: TemplateScope, assembly: Assembly): DefinedTrigger[] => {
  const order = startOrder(assembly.template)
  return scope
    .resources('Custom::Trigger')
    .map(([logicalId]) => ({ logicalId, ...readProperties(scope, logicalId, schema) }))
    .filter(({ InvocationType }) => InvocationType !== 'DryRun')
    .sort((a, b) => order.indexOf(a.logicalId) - order.indexOf(b.logicalId))
    .map(({ logicalId, HandlerArn, InvocationType }) => ({
      logicalId,
      handlerArn: HandlerArn,
      mustSucceed: InvocationType === 'RequestResponse',
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
    const message = `${logicalId} (${fn.definition.name}): ${outcome.error.errorType}: ${outcome.error.errorMessage}`
    if (mustSucceed) throw new TriggerError(message, { cause: outcome.error })
    log(`${message}; the template does not require its success`)
  }
}
