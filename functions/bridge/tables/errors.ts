import { BridgeError } from '../model/errors.ts'

/** Another item of the source has the target key already. It waits there until that one is gone. */
export class TargetTakenError extends BridgeError {
  override readonly name = 'TargetTakenError'
  readonly code = 'target.taken'
  readonly kind = 'dependency'
}

/** Something that isn't the job's own wrote the item that stands under the target key. */
export class ForeignTargetError extends BridgeError {
  override readonly name = 'ForeignTargetError'
  readonly code = 'target.foreign'
  readonly kind = 'dependency'
}
