import { BridgeError } from '../model/errors.ts'

/** The key is the id of a row that has a key of its own. */
export class KeyTakenError extends BridgeError {
  override readonly name = 'KeyTakenError'
  readonly code = 'key.taken'
  readonly kind = 'data'
}

/** A row that the change refers to is not there. */
export class MissingParentError extends BridgeError {
  override readonly name = 'MissingParentError'
  readonly code = 'parent.missing'
  readonly kind = 'dependency'
}
