/**
 * Which texts may be among some, in constant room: a bit for each, found by its hash. A text whose bit is not set is not
 * among them; of others that is likely, the more so the fewer they are.
 */
export type Filter = Uint8Array

/** With the attributes beside it an item stays below 4 KiB, which is one read unit. */
const BYTES = 3_500

export const noFilter = (): Filter => new Uint8Array(BYTES)

/** The filter with some texts more; the same one where their bits are set already. */
export const withTexts = (filter: Filter, texts: readonly string[]): Filter => {
  const missing = texts.map(bitOf).filter((bit) => !isSet(filter, bit))
  if (missing.length === 0) return filter
  const bits = Uint8Array.from(filter)
  for (const bit of missing) bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7))
  return bits
}

export const mayHold = (filter: Filter, text: string): boolean => isSet(filter, bitOf(text))

const isSet = (filter: Filter, bit: number): boolean => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0

/** Of the text's code units, since not every text is well-formed: FNV-1a, and its bits mixed once more (as MurmurHash3 does). */
const bitOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % (BYTES * 8)
}
