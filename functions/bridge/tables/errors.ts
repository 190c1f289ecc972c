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

/** Something that can't be done with a kept table as it stands. Nothing was changed. */
abstract class TableStateError extends BridgeError {
  readonly kind = 'configuration'
  /** What to do about it, for people. */
  readonly cure: string

  constructor(message: string, cure: string) {
    super(message)
    this.cure = cure
  }
}

/** The stream's changes are no longer for the table. */
export class TableFinishedError extends TableStateError {
  override readonly name = 'TableFinishedError'
  readonly code = 'tables.not-following'
}

/** A table can't be finished while it isn't filled, or something of it is parked. */
export class TableNotReadyError extends TableStateError {
  override readonly name = 'TableNotReadyError'
  readonly code = 'reshape.not-ready'
}
