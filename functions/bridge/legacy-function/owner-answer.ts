import { type OwnerSignal, ownerSignalIn } from '../drivers/owner-signal.ts'
import { isPlainObject } from '../model/exact-json.ts'
import { LegacyFunctionError } from '../model/legacy-function-error.ts'
import type { Invoked } from '../ports/function-caller.ts'

/**
 * That a trigger has refused what a function wrote, since the other store owns it, as its answer tells: in whatever status, body or
 * error it has passed that on.
 *
 * @param event what it was called with, as text: what a customer has written says nothing, where the function only repeats it
 */
export const ownerSignalAnswered = (invoked: Invoked, event: string): OwnerSignal | undefined => {
  if (ownerSignalIn(event) !== undefined) return undefined
  const signal = ownerSignalIn(invoked.text)
  if (signal !== undefined || invoked.is === 'failed' || !isPlainObject(invoked.answer)) return signal
  const { body, isBase64Encoded } = invoked.answer
  return isBase64Encoded === true && typeof body === 'string'
    ? ownerSignalIn(Buffer.from(body, 'base64').toString('utf8'))
    : undefined
}

/** @param inCompany it was answered to several calls at once: which of them it is, each alone can tell. @default false */
export const notTheOwner = (answer: string, inCompany = false): LegacyFunctionError =>
  new LegacyFunctionError(
    'legacy-function.not-the-owner',
    'dependency',
    'The function writes what DynamoDB owns: it is tried again, and gets through when that key is moved',
    { answer, inCompany },
  )
