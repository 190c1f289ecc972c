import { BridgeError } from '../model/errors.ts'

/** An object of the failure bucket that is no batch of stream records, or lacks them. */
export class UnreadableBatchError extends BridgeError {
  override readonly name = 'UnreadableBatchError'
  readonly code = 'undelivered.unreadable'
  readonly kind = 'data'
}
