import { LambdaInvoker, openLambda } from '../../../functions/bridge/drivers/lambda/invoker.ts'
import { Deadline } from '../../../functions/bridge/runtime/deadline.ts'
import { messageOf } from '../../errors/thrown.ts'
import type { Target } from './target.ts'

/** How long the service's word is waited for, in milliseconds. */
const LIMIT = 10_000

/**
 * Has the relay of a stack look at once: one that ended for want of triggers comes again by its schedule, in a minute or an hour.
 * Nothing depends on it but the time.
 *
 * @returns why it could not be woken; undefined when it was, or where the stack has none
 */
export const wakeRelay = async ({ outputs }: Pick<Target, 'outputs'>): Promise<string | undefined> => {
  const relay = outputs.RelayFunctionName
  if (relay === undefined) return undefined
  const client = openLambda()
  try {
    const event = JSON.stringify({ wokenBy: 'backsync mirror install' })
    await new LambdaInvoker(() => client, new Deadline()).begin(relay, event, LIMIT)
    return undefined
  } catch (error) {
    return messageOf(error)
  } finally {
    client.destroy()
  }
}
