import { subjectOf } from '../model/change.ts'
import type { ParkedHead } from '../ports/parking.ts'
import { comparePlaces } from '../ports/place.ts'
import { endParking, type Verdict } from './apply.ts'
import { type Evidence, placeOf } from './evidence.ts'
import type { Mirror } from './mirror.ts'

/** What is parked, by entity and key. */
type Heads = ReadonlyMap<string, ReadonlyMap<string, ParkedHead>>

/** Reads what is parked of the keys that have changes. */
export const readHeads = async (
  evidence: readonly Evidence[],
  { parking }: Pick<Mirror, 'parking'>,
): Promise<Heads> => {
  const keys = new Map<string, string[]>()
  for (const one of evidence)
    if ('change' in one)
      keys.set(one.change.entity, [...(keys.get(one.change.entity) ?? []), subjectOf(one.change)])
  return new Map(
    await Promise.all(
      [...keys].map(async ([name, of]) => [name, await parking.parkedAmong(name, of)] as const),
    ),
  )
}

/**
 * A parked key of which the store now holds the same or a later version waits no more. A record too broken to tell its
 * version is placed by its sequence number: an older change that is delivered again must not end its parking.
 */
export const supersede = async (
  heads: Heads,
  evidence: readonly Evidence[],
  verdicts: readonly Verdict[],
  mirror: Mirror,
): Promise<void> => {
  const headOf = (one: Evidence): ParkedHead | undefined =>
    'change' in one ? heads.get(one.change.entity)?.get(subjectOf(one.change)) : undefined
  const failed = new Set(evidence.filter((_, at) => verdicts[at] !== 'settled').map(headOf))
  const faults = evidence.filter((one) => 'fault' in one)
  for (const one of evidence) {
    const head = headOf(one)
    if (head === undefined || failed.has(head)) continue
    const upTo = placeOf(one)
    if (comparePlaces(upTo, head) < 0) continue
    // Half of a record may be good, such as that an item leaves its old place, and the other half be what is parked.
    const bad = faults.filter(({ fault }) => fault.entity === head.entity && fault.key === head.key)
    if (bad.some((other) => comparePlaces(upTo, placeOf(other)) <= 0)) continue
    const how = upTo.version === head.version ? 'applied' : 'superseded'
    await endParking(head, { upTo, how }, mirror)
  }
}
