import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { isServiceFault } from '../../runtime/network.ts'
import { DynamoError } from './errors.ts'

/*
 * The SDK repeats a call by itself, and says how often it tried. Why it did it keeps to itself: a call that was throttled, or met a
 * transaction, was not done; one whose answer was lost may have been. Only the latter's repeat may meet what the first attempt did.
 */

/** The steps' contexts of calls of which an attempt may have been done without an answer. */
const unsure = new WeakSet<object>()
/** What commands ask for that are made once at most, and the contexts of their calls. */
const unrepeated = new WeakSet<object>()
/** What was thrown at the end of calls that are unsure. */
const behindLost = new WeakSet<object>()

/** What the network says where a request has never left. */
const UNSENT: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
])

/** Whether the service may have done what it was asked, of an attempt that failed: by shape, as the network's errors are told. */
const mayBeDone = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return true
  if (UNSENT.has(Reflect.get(error, 'code'))) return false
  return isServiceFault(error) || Reflect.get(error, '$fault') !== 'client'
}

/** Has a client note which of its calls were repeated because an answer was lost. Twice is as good as once. */
export const noteLostAnswers = (client: DynamoDBClient): void => {
  const { middlewareStack } = client
  middlewareStack.add(
    (next, context) => async (args) => {
      if (unrepeated.has(args.input)) unrepeated.add(context)
      try {
        return await next(args)
      } catch (error) {
        if (unsure.has(context) && typeof error === 'object' && error !== null) behindLost.add(error)
        throw error
      }
    },
    { step: 'initialize', priority: 'high', name: 'noteLostEnd', override: true },
  )
  middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        if (!mayBeDone(error)) throw error
        unsure.add(context)
        throw unrepeated.has(context) ? new LostCallError(error) : error
      }
    },
    // Within the SDK's repeats, which are of this step and of high priority.
    { step: 'finalizeRequest', priority: 'low', name: 'noteLostAttempt', override: true },
  )
}

/**
 * Whether the attempt that an error ended came behind one that may have been done. Of the calls of a client that notes it.
 *
 * @param error as the client has thrown it
 */
export const isBehindLostAnswer = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && behindLost.has(error)

/** A call that may have been done: its answer was lost, and it was not repeated. */
class LostCallError extends Error {
  override readonly name = 'LostCallError'
  /** Why. Not its cause: the SDK repeats what has a cause that passes. */
  readonly why: unknown

  constructor(why: unknown) {
    super('The answer of a call was lost')
    this.why = why
  }
}

/**
 * Has a client that notes lost answers not repeat a command behind an attempt that may have been done: of one without a condition that
 * fails then, the repeat would be a second write.
 */
export const onceAtMost = <C extends { readonly input: object }>(command: C): C => {
  unrepeated.add(command.input)
  return command
}

/** Whether a call that was to be made once at most may have been done. */
export const isLostCall = (error: unknown): boolean =>
  error instanceof DynamoError && error.cause instanceof LostCallError
