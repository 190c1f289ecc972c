import { BridgeError } from '../model/errors.ts'

/** An entity can't be filled in this direction as it stands. Nothing was changed. */
export class FillNotReadyError extends BridgeError {
  override readonly name = 'FillNotReadyError'
  readonly code = 'backfill.not-ready'
  readonly kind = 'configuration'
  /** What to do about it, for people. */
  readonly cure: string

  constructor(message: string, cure: string) {
    super(message)
    this.cure = cure
  }
}
