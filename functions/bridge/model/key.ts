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

/** The width of the key columns, in characters. */
export const LONGEST_KEY = 255

/**
 * Whether both stores can hold this as a key, and tell it from every other: MySQL compares utf8mb4_bin with trailing
 * blanks padded away, so a key must not end with one.
 *
 * @returns undefined when it can be a key, else what is wrong with it
 */
export const faultOfKey = (text: string): string | undefined => {
  if (text === '') return 'is empty'
  // In units of UTF-16 it has no fewer than characters.
  if (text.length > LONGEST_KEY && [...text].length > LONGEST_KEY)
    return `is longer than ${LONGEST_KEY} characters`
  if (text.endsWith(' ')) return 'ends with a blank'
  return text.isWellFormed() ? undefined : 'is not well-formed Unicode'
}
