import { conflictSlots, MOST_CONFLICTS } from '../ports/conflict-slots.ts'
import type { Parked } from '../ports/parking.ts'
import type { State } from './plan.ts'

/*
 * Conflicts of one key, each of which is kept beside the others: what came later is not made of what came before, so none stands
 * for another one. Which is which is told by their place in their source.
 */

/** The last place: what comes when all are taken is set aside there, in the place of what came last. */
const isLast = (key: string, slot: string): boolean => conflictSlots(key)[MOST_CONFLICTS - 1] === slot

/**
 * Which of a key's places a conflict gets: the one that it has or had, the first that is free, or the last.
 *
 * @param states of `conflictSlots`, in that order
 */
export const slotOf = (change: Parked, states: readonly State[]): string => {
  const slots = conflictSlots(change.key)
  const isOwn = ({ entry, mark }: State): boolean =>
    entry === undefined
      ? mark?.sequenceNumber === change.sequenceNumber
      : entry.head.sequenceNumber === change.sequenceNumber
  const own = slots.find((_, at) => isOwn(states[at] ?? { entry: undefined, mark: undefined }))
  const free = slots.find((_, at) => isFree(states[at]))
  return own ?? free ?? slots.at(-1) ?? change.key
}

/** What a person's claim has met gives its place to what came by itself: it is met again. */
const isFree = (state: State | undefined): boolean => state?.entry?.head.sequenceNumber === undefined

/** Somebody else has taken the place in between. */
export class SlotTakenError extends Error {}

const MORE = /and (\d+) more that came before it are not\. /

/**
 * A conflict as it is set aside in a place, where something may stand.
 *
 * @throws SlotTakenError
 */
export const inSlot = (change: Parked, slot: string, { entry }: State): Parked => {
  const placed = { ...change, key: slot }
  if (entry === undefined || isFree({ entry, mark: undefined })) return placed
  if (entry.head.sequenceNumber === change.sequenceNumber) return placed
  if (!isLast(change.key, slot)) throw new SlotTakenError(`${slot} is taken`)
  const { message } = entry.head
  const before = Number(MORE.exec(message)?.[1] ?? 0) + 1
  const told = `${MOST_CONFLICTS - 1} conflicts of this key are listed beside it, and ${before} more that came before it are not. `
  return { ...placed, message: `${told}${change.message}` }
}
