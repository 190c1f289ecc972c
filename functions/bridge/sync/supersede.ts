import { type Change, coalesce, subjectOf } from '../model/change.ts'
import type { ParkedHead } from '../ports/parking.ts'
import { comparePlaces } from '../ports/place.ts'
import { type Applied, endParking } from './apply.ts'
import { type Evidence, isBehind, placeOf } from './evidence.ts'
import type { Mirror } from './mirror.ts'
import { isCurrent } from './overruled.ts'

/** What is parked, by entity and key. */
type Heads = ReadonlyMap<string, ReadonlyMap<string, ParkedHead>>

/** Reads what is parked of the keys that have changes. */
export const readHeads = async (
  evidence: readonly Evidence[],
  { parking }: Pick<Mirror, 'parking'>,
): Promise<Heads> => {
  const keys = new Map<string, string[]>()
  for (const one of evidence)
    if ('change' in one) {
      const known = keys.get(one.change.entity)
      if (known === undefined) keys.set(one.change.entity, [subjectOf(one.change)])
      else known.push(subjectOf(one.change))
    }
  return new Map(
    await Promise.all(
      [...keys].map(async ([name, of]) => [name, await parking.parkedAmong(name, of)] as const),
    ),
  )
}

/**
 * A parked key of which the store now holds the same or a later change waits no more, if that was applied or is proved. A record too broken to tell its
 * version is placed by its sequence number: an older change that is delivered again must not end its parking. One that is
 * behind by its sequence number and in front by its version is asked about at the source: there versions may step back.
 */
export const supersede = async (
  heads: Heads,
  evidence: readonly Evidence[],
  { verdicts, unproved }: Pick<Applied, 'verdicts' | 'unproved'>,
  mirror: Mirror,
): Promise<void> => {
  const headOf = (one: Evidence): ParkedHead | undefined =>
    'change' in one ? heads.get(one.change.entity)?.get(subjectOf(one.change)) : undefined
  // What is late, or lifted, is settled, and proves nothing of what the store holds.
  const failed = new Set(
    evidence.filter((one, at) => verdicts[at] !== 'settled' || unproved.has(one)).map(headOf),
  )
  const faults = evidence.filter((one) => 'fault' in one)
  const counted = countedOf(evidence.filter((one) => headOf(one) !== undefined))
  for (const one of evidence) {
    const head = headOf(one)
    // Of several changes of a key only the one that counts was applied, whatever is true of the others.
    if (!('change' in one) || head === undefined || failed.has(head) || !counted.has(one.change)) continue
    const place = placeOf(one)
    // It came before what is parked, and comes again.
    if (isBehind(head, place)) continue
    const stepsBack = comparePlaces(place, head) < 0
    if (stepsBack && !(isBehind(place, head) && (await isCurrent(one.change, mirror)))) continue
    const upTo = stepsBack ? { ...place, version: head.version ?? 0n } : place
    // Half of a record may be good, such as that an item leaves its old place, and the other half be what is parked.
    const bad = faults.filter(({ fault }) => fault.entity === head.entity && fault.key === head.key)
    if (bad.some((other) => !isBehind(place, placeOf(other)))) continue
    const how = place.version === head.version ? 'applied' : 'superseded'
    await endParking(head, { upTo, how }, mirror)
  }
}

/** The changes that the batch comes to, of each key. */
const countedOf = (evidence: readonly Evidence[]): ReadonlySet<Change> => {
  const changes = evidence.flatMap((one) => ('change' in one ? [one.change] : []))
  return new Set([...Map.groupBy(changes, ({ entity }) => entity).values()].flatMap(coalesce))
}
