import { BridgeError } from '../model/errors.ts'

/** A payload that one transaction can't hold. No stream record is that large, so something else is being parked. */
export class PayloadTooLargeError extends BridgeError {
  override readonly name = 'PayloadTooLargeError'
  readonly code = 'parking.payload-too-large'
  readonly kind = 'configuration'

  constructor(what: { entity: string; bytes: number; most: number }) {
    super(`Parking ${what.entity}: a payload of ${what.bytes} bytes, compressed; ${what.most} can be held`)
  }
}

/** An item of the parking table that it can't have written itself, or a payload with a part missing. */
export class ForeignParkingItemError extends BridgeError {
  override readonly name = 'ForeignParkingItemError'
  readonly code = 'parking.foreign-item'
  readonly kind = 'configuration'
}

/** Others changed the same entry again and again while it was to be changed. */
export class ParkingContentionError extends BridgeError {
  override readonly name = 'ParkingContentionError'
  readonly code = 'parking.contention'
  readonly kind = 'transient'
}
