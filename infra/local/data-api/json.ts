/** A bare number with 16 digits or more, which a double may not hold. Inside a string it costs time, not correctness. */
const LARGE_INTEGER = /[:[,]\s*-?\d{16,}/

const isInteger = /^-?\d+$/

/**
 * Parses JSON; integers beyond 2^53 become bigint, so that a 64-bit `longValue` arrives whole.
 *
 * The reviver that does it is slow, so it runs only where the text may hold such a number.
 */
export const parseExact = (text: string): unknown =>
  LARGE_INTEGER.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text)

// TypeScript's own declaration of a reviver has no third argument yet; Node 24 passes the number's source text in it.
const exactInteger = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  context?.source !== undefined &&
  isInteger.test(context.source)
    ? BigInt(context.source)
    : value
