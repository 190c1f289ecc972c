import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { DynamoError } from '../../bridge/drivers/dynamo/errors.ts'
import type { Deadline } from '../../bridge/runtime/deadline.ts'

/** The longest a call may take, in milliseconds; the SDK's repeats count as one. */
const CALL_LIMIT = 10_000

/** A call to DynamoDB within the invocation's time. @throws DynamoError, DeadlineError */
export const boundedCall = async <T>(
  deadline: Deadline,
  operation: string,
  send: (options: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> => {
  deadline.require(50, operation)
  try {
    return await send({ abortSignal: deadline.signal(CALL_LIMIT) })
  } catch (cause) {
    throw new DynamoError(operation, cause)
  }
}

export type Texts = Readonly<Record<string, string>>

/** Whatever texts an item has, whoever wrote it; `without` some. */
export const textsOf = (
  item: Readonly<Record<string, AttributeValue>>,
  without: readonly string[] = [],
): Texts =>
  Object.fromEntries(
    Object.entries(item).flatMap(([name, { S }]) =>
      S === undefined || without.includes(name) ? [] : [[name, S]],
    ),
  )
