import { type Change, LARGEST_VERSION, laterVersion, subjectOf, type Version } from '../model/change.ts'
import type { Overruled, Refused } from '../model/outcome.ts'
import { applyPatiently, type NamedOutcome } from './apply-patiently.ts'
import { type Aside, type Evidence, identityOf, identityOfKey, placeOf } from './evidence.ts'
import type { Mirror } from './mirror.ts'
import { type Decided, decideOverruled, type Lost, toLost } from './overruled.ts'

/** How often a delete is raised that the store overrules once more, since somebody else writes its row in between. */
const ROUNDS = 3

export type DecidedOutcomes = {
  /** With what is lost among the refused, and what was lifted among neither the applied nor the skipped. */
  readonly outcomes: readonly NamedOutcome[]
  readonly aside: ReadonlyMap<Change, Aside>
  /** Late or lifted: nothing proves that the store holds them. */
  readonly unproved: ReadonlySet<Change>
  readonly lifted: ReadonlySet<Change>
}

/**
 * Finds out why each change did nothing that did nothing, counts as skipped what was a repeat or late, and lets through
 * what its source still means: what is there is lifted at the source, what is gone there is deleted above what is held.
 *
 * @param evidence what the outcomes are of
 * @throws BridgeError when source or store can't be asked
 */
export const decide = async (
  outcomes: readonly NamedOutcome[],
  evidence: readonly Evidence[],
  mirror: Mirror,
): Promise<DecidedOutcomes> => {
  const { metrics, log } = mirror
  const overruled = outcomes.flatMap((outcome) => outcome.overruled)
  const decided = await decideOverruled(overruled, mirror, await knownVersions(overruled, evidence, mirror))
  const deletes = await applyRaised(decided, mirror)
  const lost = new Map([...decided.lost, ...deletes.lost].map((one) => [one.change, one]))
  const late = new Set([...decided.late, ...deletes.late])
  const results = outcomes.map((outcome): NamedOutcome => {
    const { name } = outcome
    const own = outcome.overruled.map(({ change }) => change)
    const of = (some: { has(change: Change): boolean }): number => own.filter((one) => some.has(one)).length
    const skipped = outcome.skipped - own.length + of(late)
    const refused = own.flatMap((change): Refused[] => {
      const one = lost.get(change) ?? deletes.refused.get(change)
      return one === undefined ? [] : [one]
    })
    metrics.count('SkippedAsOlder', name, skipped)
    metrics.count('Late', name, of(late))
    metrics.count('Lifted', name, of(decided.lifted) + of(decided.raised))
    metrics.count('Applied', name, of(deletes.applied))
    return {
      ...outcome,
      skipped,
      applied: outcome.applied + of(deletes.applied),
      refused: [...outcome.refused, ...refused],
    }
  })
  for (const { change, held } of overruled)
    if (decided.lifted.has(change) || decided.raised.has(change)) {
      const { entity, key, op, version } = change
      log.info('lifted', { entity, key, op, from: String(version), above: String(held.version) })
    }
  const aside = new Map<Change, Aside>([
    ...[...lost].map(([change, { payload }]) => [change, { payload }] as const),
    ...[...deletes.refused].map(([change, { version }]) => [change, { version }] as const),
  ])
  return {
    outcomes: results,
    aside,
    unproved: new Set([...late, ...decided.lifted]),
    lifted: decided.lifted,
  }
}

/**
 * The largest version of each change's key that came with it, or is set aside: the store may have refused it. Clients have read
 * something else by that, so no lift may give it to this.
 */
const knownVersions = async (
  overruled: readonly Overruled[],
  evidence: readonly Evidence[],
  { parking }: Pick<Mirror, 'parking'>,
): Promise<ReadonlyMap<Change, Version>> => {
  const upserts = overruled.filter(({ change }) => change.op === 'upsert').map(({ change }) => change)
  // Most often it is a delete that was late, or nothing at all.
  if (upserts.length === 0) return new Map()
  const largest = new Map<string, Version>()
  const note = (identity: string, version: Version | undefined): void => {
    if (version === undefined || version >= LARGEST_VERSION) return
    largest.set(identity, laterVersion(version, largest.get(identity) ?? 0n))
  }
  for (const one of evidence) note(identityOf(one), placeOf(one).version)
  for (const [name, changes] of Map.groupBy(upserts, ({ entity }) => entity))
    for (const [key, head] of await parking.parkedAmong(name, [...new Set(changes.map(subjectOf))]))
      note(identityOfKey(name, key), head.version)
  return new Map(
    upserts.map((change) => [
      change,
      largest.get(identityOfKey(change.entity, subjectOf(change))) ?? change.version,
    ]),
  )
}

type RaisedOutcome = {
  readonly applied: ReadonlySet<Change>
  readonly late: ReadonlySet<Change>
  readonly lost: readonly Lost[]
  /** What else the store has against them, and at which version it was asked. */
  readonly refused: ReadonlyMap<Change, Refused & { readonly version: Version }>
}

/** Applies the deletes that their source still means, all of them by the changes that they were raised from. */
const applyRaised = async ({ raised }: Pick<Decided, 'raised'>, mirror: Mirror): Promise<RaisedOutcome> => {
  const applied = new Set<Change>()
  const late = new Set<Change>()
  const lost: Lost[] = []
  const refused = new Map<Change, Refused & { readonly version: Version }>()
  let open = raised
  for (let round = 1; open.size > 0; round++) {
    const first = new Map([...open].map(([change, above]) => [above, change]))
    const origin = (above: Change): Change => first.get(above) ?? above
    const groups = Map.groupBy(open.values(), ({ entity }) => entity)
    // Those that refer to others go before them, as ever, by trying again.
    const inOrder = mirror.sink.names.flatMap((name) => {
      const changes = groups.get(name)
      return changes === undefined ? [] : [[name, changes] as const]
    })
    const outcomes = await applyPatiently(new Map(inOrder), mirror, [])
    for (const change of open.keys()) applied.add(change)
    for (const { change, error } of outcomes.flatMap((outcome) => outcome.refused)) {
      applied.delete(origin(change))
      refused.set(origin(change), { change: origin(change), error, version: change.version })
    }
    const again = outcomes.flatMap((outcome) => outcome.overruled)
    for (const { change } of again) applied.delete(origin(change))
    if (again.length === 0) break
    if (round === ROUNDS) {
      lost.push(
        ...(await Promise.all(again.map((one) => toLost({ ...one, change: origin(one.change) }, mirror)))),
      )
      break
    }
    const next = await decideOverruled(again, mirror)
    for (const change of next.late) late.add(origin(change))
    lost.push(...next.lost.map((one) => ({ ...one, change: origin(one.change) })))
    open = new Map([...next.raised].map(([above, higher]) => [origin(above), higher]))
  }
  return { applied, late, lost, refused }
}
