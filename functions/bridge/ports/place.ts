import type { Version } from '../model/change.ts'

/** Where a change stands among the changes of its key: by its version, and by its number in its source's own order. */
export type Place = { readonly version?: Version; readonly sequenceNumber?: string }

/** In front of all that a source has in its order: what is known to be so old ends nothing that came with a number. */
export const BEFORE_ALL = { sequenceNumber: '0' } satisfies Place

/**
 * Compares two changes of one key: by version where both have one, else by sequence number where both have one, else
 * the one with a version is the later. A record too broken to tell its version still has its place in the stream.
 *
 * @returns negative, 0 or positive, as for sort
 */
export const comparePlaces = (a: Place, b: Place): number => {
  if (a.version !== undefined && b.version !== undefined) return compare(a.version, b.version)
  const [ours, theirs] = [sequenceOf(a), sequenceOf(b)]
  if (ours !== undefined && theirs !== undefined) return compare(ours, theirs)
  return Number(a.version !== undefined) - Number(b.version !== undefined)
}

/** As `comparePlaces`, of what has no place by its version: what can't be told apart by its source's order has come later. */
export const compareArrivals = (a: Place, b: Place): number => {
  const [ours, theirs] = [sequenceOf(a), sequenceOf(b)]
  return ours === undefined || theirs === undefined ? 1 : compare(ours, theirs)
}

/** Where one stands of which that is so: what has come behind it in its source's order is later, whatever its version. */
export const arrivalOf = ({ version, sequenceNumber }: Place): Place =>
  sequenceNumber === undefined ? { ...(version !== undefined && { version }) } : { sequenceNumber }

/** The later of two places in a source's own order; the one that there is. */
export const laterInOrder = (a: Place, b: Place): string | undefined => {
  const [ours, theirs] = [sequenceOf(a), sequenceOf(b)]
  if (ours === undefined || theirs === undefined) return a.sequenceNumber ?? b.sequenceNumber
  return compare(ours, theirs) < 0 ? b.sequenceNumber : a.sequenceNumber
}

const compare = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1)

const sequenceOf = ({ sequenceNumber }: Place): bigint | undefined =>
  sequenceNumber !== undefined && /^\d+$/.test(sequenceNumber) ? BigInt(sequenceNumber) : undefined
