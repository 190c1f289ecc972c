import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import type { Deadline } from '../../runtime/deadline.ts'
import { DynamoError } from './errors.ts'

/** The longest a call may take, in milliseconds; the SDK's repeats count as one call. */
const CALL_LIMIT = 10_000
/** A call that can't have this many milliseconds is not begun. */
const CALL_NEEDS = 50

/** What bounds one call: the options that the SDK's `send` takes beside the command. */
export type CallOptions = { readonly abortSignal: AbortSignal }

/**
 * Makes one call to DynamoDB within the invocation's time. Repeats are the SDK's own, or the caller's.
 *
 * @param operation its name, for the error
 * @throws DynamoError for a call that failed, DeadlineError for one that had no time to begin; a failed condition as the
 *   SDK has it, since that is an answer
 */
export const call = async <T>(
  operation: string,
  deadline: Deadline,
  send: (options: CallOptions) => Promise<T>,
): Promise<T> => {
  deadline.require(CALL_NEEDS, operation)
  try {
    return await send({ abortSignal: deadline.signal(CALL_LIMIT) })
  } catch (cause) {
    throw cause instanceof ConditionalCheckFailedException ? cause : new DynamoError(operation, cause)
  }
}
