import { LambdaInvoker, openLambda } from '../drivers/lambda/invoker.ts'
import type { Deadline } from '../runtime/deadline.ts'
import { Wake, type WakeParts } from './wake.ts'

type Given = Pick<WakeParts, 'relay' | 'log'> & { readonly deadline: Deadline }

/** @param given.relay the function's name */
export const openWake = ({ deadline, ...parts }: Given): Pick<Wake, 'behind'> => {
  let client: ReturnType<typeof openLambda> | undefined
  const caller = new LambdaInvoker(() => {
    client ??= openLambda()
    return client
  }, deadline)
  return new Wake({ ...parts, caller })
}
