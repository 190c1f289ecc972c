const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DECIMAL_ID = /^[1-9]\d{0,18}$/
const LARGEST_BIGINT = 2n ** 63n - 1n

/**
 * The id of a legacy-born row, when the key is one: such a row has no key of its own, so its id in decimal is its
 * key. No UUID looks like it.
 */
export const legacyIdOf = (key: string): bigint | undefined => {
  if (!DECIMAL_ID.test(key)) return undefined
  const id = BigInt(key)
  return id <= LARGEST_BIGINT ? id : undefined
}

/** A key that either side can have given: a UUID in lower case, or a legacy id in decimal. */
export const isKey = (text: string): boolean => UUID.test(text) || legacyIdOf(text) !== undefined
