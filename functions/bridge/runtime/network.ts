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

/**
 * Whether an answer of an AWS service says that the fault is on its side, by whatever name: also what something in front
 * of it says, or the service of tomorrow. By shape, as above.
 */
export const isServiceFault = (error: unknown): boolean => {
  if (typeof error !== 'object' || error === null) return false
  const metadata: unknown = Reflect.get(error, '$metadata')
  const status: unknown =
    typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, 'httpStatusCode') : undefined
  return Reflect.get(error, '$fault') === 'server' || (typeof status === 'number' && status >= 500)
}
