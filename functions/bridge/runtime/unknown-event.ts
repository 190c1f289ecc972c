import { BridgeError } from '../model/errors.ts'

/** An event of a shape that the function doesn't know. It is refused, not guessed at. */
export class UnknownEventError extends BridgeError {
  override readonly name = 'UnknownEventError'
  readonly code = 'event.unknown'
  readonly kind = 'configuration'

  constructor() {
    super('The event is neither an HTTP API v2 event, nor a REST API v1 event, nor a DynamoDB stream event')
  }
}
