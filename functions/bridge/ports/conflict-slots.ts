import type { Parked } from './parking.ts'

/** So many conflicts of one key are listed beside each other. */
export const MOST_CONFLICTS = 20

/**
 * The names under which conflicts of one key are listed: the key itself, then `key@2` and so on. A key that ends so itself has
 * none without a number, so that no two keys have a name in common.
 */
export const conflictSlots = (key: string): readonly string[] =>
  Array.from({ length: MOST_CONFLICTS }, (_, at) =>
    at === 0 && !/@\d+$/.test(key) ? key : `${key}@${at + 1}`,
  )

/** Whether it is one that gets a place of its own beside others of its key: a conflict that came by itself. */
export const isSlotted = ({ byArrival, sequenceNumber }: Parked): boolean =>
  byArrival === true && sequenceNumber !== undefined
