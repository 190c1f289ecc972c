import { UnknownEventError } from '../runtime/unknown-event.ts'
import { type ApiCall, type ApiContext, normaliseApiEvent, type RefusedCall } from './api.ts'
import { normaliseStreamEvent, type StreamBatch, type TableIndex } from './stream.ts'

/**
 * Turns whatever triggered a function into changes of one shape.
 *
 * @throws UnknownEventError for an event of no known shape
 */
export const normalise = (
  event: unknown,
  context: ApiContext & { readonly tables: TableIndex },
): ApiCall | RefusedCall | StreamBatch => {
  const normalised = normaliseStreamEvent(event, context.tables) ?? normaliseApiEvent(event, context)
  if (normalised === undefined) throw new UnknownEventError()
  return normalised
}
