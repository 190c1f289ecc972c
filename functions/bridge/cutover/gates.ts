import type { Epoch } from '../model/owner.ts'
import type { Placement, Route } from '../model/route.ts'
import { isForward } from '../model/route-moves.ts'

/** What a verification has found last, by whoever makes them. */
export type Verified = {
  /** When it ended: ISO 8601, UTC. */
  readonly at: string
  /** Whether it has looked at all keys. */
  readonly complete: boolean
  readonly rows: number
  /** Keys that differed, by the class of the difference. */
  readonly differences: Readonly<Record<string, number>>
}

/** What is known of an entity and of its two stores when a move is asked for. */
export type Figures = {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly entity: string
  /** Whether its definition says `mirror`. */
  readonly isMirrored: boolean
  /** Whether its versions are counted by its writers: else it goes one way only. */
  readonly isCounted: boolean
  readonly areOwnersKnown: boolean
  readonly writers: 'counting' | 'careless'
  /** Names of triggers that are missing, or are others than the definition says. */
  readonly missingTriggers: readonly string[]
  /** Names of SQL migrations that are not applied, or stopped half way. */
  readonly openMigrations: readonly string[]
  /** Whether all that Aurora held has been brought to DynamoDB once. */
  readonly isFilled: boolean
  readonly verified: Verified | undefined
  /** How long what was written last has waited for the other store, in milliseconds; undefined: nobody can tell. */
  readonly lag: { readonly toDynamo: number | undefined; readonly toAurora: number | undefined }
  /** Changes of the entity that are set aside, conflicts not counted; those; and batches that a source gave up on. */
  readonly parked: number
  readonly conflicts: number
  readonly undelivered: number
  readonly canary: Route['canary']
  readonly epoch: Epoch
  readonly settled: Route['settled']
  readonly isFrozen: boolean
  /** Entities that refer to it, and whose routes are not complete. */
  readonly referring: readonly string[]
}

/** Why a route can't go forward, and what to type about it. */
export type Refusal = { readonly gate: string; readonly says: string; readonly cure: string }

const [MINUTE, HOUR] = [60_000, 3_600_000]
/** A verification counts for so long; where there is no way back, for so little. */
const FRESH = 24 * HOUR
const FRESHEST = 15 * MINUTE
/** Lag above which a route doesn't go forward. */
const MOST_LAG = 10_000
/** A way back that was proved is believed for so long. */
const CANARY = 24 * HOUR

/**
 * What stands against a move, each with its cure. Against going back there is never anything.
 *
 * @returns none where it may be made
 */
export const gatesOf = (from: Placement, to: Placement, figures: Figures): readonly Refusal[] => {
  if (!isForward(from, to)) return []
  const { entity: name } = figures
  const refusals: (Refusal | false)[] = [...ofTheRoute(figures), ...ofTheSetup(figures)]
  if (to.stage === 'mirrored') return refusals.filter((one) => one !== false)
  refusals.push(
    !figures.isFilled && {
      gate: 'filled',
      says: 'what Aurora held before its triggers were there has not been brought to DynamoDB',
      cure: `npx backsync backfill ${name} --from aurora`,
    },
    ...ofTheFlow(figures),
  )
  if (to.stage === 'shadow') return refusals.filter((one) => one !== false)
  refusals.push(ofVerification(figures, to.stage === 'complete' ? FRESHEST : FRESH), ofCanary(figures))
  if (to.stage === 'complete') refusals.push(ofSweep(figures), ofReferring(figures))
  return refusals.filter((one) => one !== false)
}

const ofTheRoute = ({ isFrozen, entity }: Figures) => [
  isFrozen && {
    gate: 'frozen',
    says: 'the route is frozen',
    cure: `npx backsync cutover freeze ${entity} --thaw`,
  },
]

const ofTheSetup = (figures: Figures) => {
  const { entity, missingTriggers, openMigrations } = figures
  return [
    !figures.isCounted && {
      gate: 'versions',
      says: 'its versions come from the stream: such an entity goes one way only',
      cure: `have its writers count versions, and say versions: 'counted' in the definition of ${entity}`,
    },
    !figures.isMirrored && {
      gate: 'mirror',
      says: 'it is not mirrored: what legacy programs write would never reach DynamoDB',
      cure: `say mirror: {} in the definition of ${entity}, deploy it, then: npx backsync mirror install ${entity}`,
    },
    !figures.areOwnersKnown && {
      gate: 'owners',
      says: 'it is not known of each row whose its key is',
      cure: `npx backsync owners take ${entity}`,
    },
    figures.isMirrored &&
      missingTriggers.length > 0 && {
        gate: 'triggers',
        says: `of its triggers ${missingTriggers.length} are missing or changed: ${missingTriggers.join(', ')}`,
        cure: `npx backsync mirror install ${entity}`,
      },
    openMigrations.length > 0 && {
      gate: 'migrations',
      says: `SQL migrations are not applied: ${openMigrations.join(', ')}`,
      cure: 'deploy, or start, the stack again: that applies them',
    },
  ]
}

const ofTheFlow = ({ entity, lag, parked, conflicts, undelivered, writers }: Figures) => [
  ...(['toDynamo', 'toAurora'] as const).map((way) => {
    const behind = lag[way]
    if (behind !== undefined && behind <= MOST_LAG) return false
    const where = way === 'toDynamo' ? 'Aurora to DynamoDB' : 'DynamoDB to Aurora'
    const says =
      behind === undefined
        ? `how far behind ${where} is can't be told`
        : `from ${where} writes wait for ${Math.round(behind / 1000)} s, and ${MOST_LAG / 1000} s are allowed`
    const cure =
      behind === undefined
        ? `npx backsync cutover canary ${entity}`
        : 'wait until it has caught up; if it stays: npx backsync parked list'
    return { gate: 'lag', says, cure }
  }),
  parked > 0 && {
    gate: 'parked',
    says: `${parked} changes are parked`,
    cure: `npx backsync parked list, mend the cause, then: npx backsync parked retry ${entity}`,
  },
  conflicts > 0 && {
    gate: 'conflicts',
    says: `${conflicts} conflicts are open`,
    cure: `npx backsync parked list, decide, then: npx backsync parked drop ${entity}.conflicts KEY`,
  },
  undelivered > 0 && {
    gate: 'undelivered',
    says: `${undelivered} batches were given up on`,
    cure: 'npx backsync undelivered list, then: npx backsync undelivered redrive',
  },
  writers === 'careless' && {
    gate: 'writers',
    says: 'an item had to be lifted within the last day: some writer puts anew, restores, or counts no versions',
    cure: 'find and mend that writer (npx backsync owners list has the time), then wait for a day',
  },
]

const ofVerification = ({ now, entity, verified }: Figures, fresh: number): Refusal | false => {
  const cure = `npx backsync verify ${entity}`
  if (verified === undefined) return { gate: 'verified', says: 'it was never verified', cure }
  if (!verified.complete)
    return { gate: 'verified', says: 'the last verification did not look at all keys', cure }
  const age = now - Date.parse(verified.at)
  if (!(age <= fresh))
    return {
      gate: 'verified',
      says: `it was verified at ${verified.at}, and ${fresh / MINUTE} minutes are allowed`,
      cure,
    }
  const differing = Object.entries(verified.differences).filter(([, count]) => count > 0)
  return (
    differing.length > 0 && {
      gate: 'verified',
      says: `the last verification has found differences: ${differing.map(([name, count]) => `${count} ${name}`).join(', ')}`,
      cure: `npx backsync repair ${entity}, then: ${cure}`,
    }
  )
}

const ofCanary = ({ now, entity, canary }: Figures): Refusal | false =>
  !(canary !== undefined && now - Date.parse(canary.at) <= CANARY) && {
    gate: 'canary',
    says:
      canary === undefined
        ? 'no key has ever gone to DynamoDB and back'
        : `a key has gone to DynamoDB and back at ${canary.at}, and that is more than a day ago`,
    cure: `npx backsync cutover canary ${entity}`,
  }

const ofSweep = ({ entity, epoch, settled }: Figures): Refusal | false =>
  settled?.epoch !== epoch && {
    gate: 'settled',
    says: `not every key is known to be of move ${epoch}`,
    cure: `npx backsync cutover sweep ${entity}`,
  }

const ofReferring = ({ entity, referring: [first, ...others] }: Figures): Refusal | false =>
  first !== undefined && {
    gate: 'referring',
    says: `${[first, ...others].join(', ')} ${others.length === 0 ? 'refers' : 'refer'} to it and ${others.length === 0 ? 'is' : 'are'} not complete: what names a new ${entity} could not be written to Aurora any more`,
    cure: `npx backsync cutover set ${first} complete`,
  }
