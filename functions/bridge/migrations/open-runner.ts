import { LambdaInvoker, openLambda } from '../drivers/lambda/invoker.ts'
import { statementRunner } from '../drivers/lambda/statement-runner.ts'
import type { Deadline } from '../runtime/deadline.ts'

type Given = { readonly runner: string | undefined; readonly deadline: Deadline }

/**
 * What runs statements that the Data API can't prepare, for the deployment's function.
 *
 * @param given.runner the function's name
 * @returns undefined where there is none
 */
export const openRunner = ({
  runner,
  deadline,
}: Given): ((statement: string) => Promise<void>) | undefined => {
  if (runner === undefined) return undefined
  let client: ReturnType<typeof openLambda> | undefined
  const caller = new LambdaInvoker(() => {
    client ??= openLambda()
    return client
  }, deadline)
  return statementRunner(caller, runner, () => deadline.remaining())
}
