/** What the network says of a connection that did not come about, or was lost: it may be there again in a moment. */
const CONNECTION_LOSS: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
])

/**
 * Whether an error is one of the network's own. By shape, since the runtime's own errors need not be of this realm's
 * Error.
 */
export const isConnectionLoss = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && CONNECTION_LOSS.has(Reflect.get(error, 'code'))
