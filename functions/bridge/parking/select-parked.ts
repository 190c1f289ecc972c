import type { ParkedClass, ParkedHead, Parking } from '../ports/parking.ts'
import { type AgeRange, ageBetween } from '../runtime/age.ts'
import { inLanes } from '../runtime/lanes.ts'
import type { Parkable } from './parkables.ts'

/** Which parked changes are meant; what is absent leaves none out. Their age is told by when they were set aside first. */
export type ParkedFilter = AgeRange & {
  /** By the names that the list has for them. */
  readonly keys?: readonly string[] | undefined
  readonly class?: ParkedClass | undefined
  /** A reason's code; one that ends with `*` stands for all that begin so. */
  readonly code?: string | undefined
}

/** What was found of one of them, the oldest first: it has waited longest. */
export type Selected<P extends Parkable = Parkable> = {
  readonly of: P
  readonly heads: readonly ParkedHead[]
}

/** Lists of so many are read at once. */
const LANES = 4

/**
 * The parked changes that a filter means, by what they are parked by. With keys it costs as many reads as there are keys, else as
 * much as there is parked.
 *
 * @param now by which their age is told
 * @returns one for each of `among`, in that order, those without any included
 * @throws what the parking throws
 */
export const selectParked = <P extends Parkable>(
  parking: Pick<Parking, 'parkedOf' | 'parkedAmong'>,
  among: readonly P[],
  filter: ParkedFilter,
  now: Date,
): Promise<readonly Selected<P>[]> => {
  const { keys = [] } = filter
  const isMeant = meansParked(filter, now)
  return inLanes(among, LANES, async (of) => {
    const found = await (keys.length > 0 ? parking.parkedAmong(of.name, keys) : parking.parkedOf(of.name))
    return { of, heads: byAge([...found.values()].filter(isMeant)) }
  })
}

/** Whether a filter means a parked change, or one that was: whatever its key is. */
export const meansParked = (
  { class: of, code, ...ages }: ParkedFilter,
  now: Date,
): ((head: ParkedHead) => boolean) => {
  const isOfCode = code === undefined ? () => true : matchesCode(code)
  const isOfAge = ageBetween(ages, now)
  return (head) => (of === undefined || head.class === of) && isOfCode(head.code) && isOfAge(head.firstSeen)
}

/** @param wanted a code, or with `*` at its end how it begins */
const matchesCode = (wanted: string): ((code: string) => boolean) =>
  wanted.endsWith('*') ? (code) => code.startsWith(wanted.slice(0, -1)) : (code) => code === wanted

/** The oldest first. */
const byAge = (heads: readonly ParkedHead[]): readonly ParkedHead[] =>
  heads.toSorted((a, b) => (a.firstSeen < b.firstSeen ? -1 : a.firstSeen > b.firstSeen ? 1 : 0))
