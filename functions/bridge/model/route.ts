import { partOf, partsIn } from './cohort.ts'
import type { Epoch, Owner } from './owner.ts'

/** Where a route can stand, in the order in which it goes there. */
export const STAGES = ['legacy', 'mirrored', 'shadow', 'live', 'complete'] as const
export type Stage = (typeof STAGES)[number]

/** Which of an entity's keys belong to which store. */
export type Placement = {
  readonly stage: Stage
  /** The share of keys, by their hash, that belong to DynamoDB, in hundredths of a percent at the finest; 0 below `live`. */
  readonly percent: number
  /** Keys that belong to DynamoDB from `live` on, whatever the share. */
  readonly allow: readonly string[]
  /** Keys that stay Aurora's, whatever the share. */
  readonly deny: readonly string[]
}

/** What the guard has found worse, as it stood when it stepped a route back. */
export type MoveEvidence = {
  /** What was looked at: `error`, `tooSlow`. */
  readonly signal: string
  /** More than is usual, or more than the other side's. */
  readonly by: 'above' | 'beside'
  /** Looks at what the new side answered, and at the old one since the route's last move; and how many of them were bad. */
  readonly cohort: { readonly looks: number; readonly bad: number }
  readonly control: { readonly looks: number; readonly bad: number }
}

/** One move of a route, as it is remembered. */
export type RouteMove = {
  /** Its number. */
  readonly epoch: Epoch
  /** When: ISO 8601, UTC. */
  readonly at: string
  /** Who, for people to read. */
  readonly by: string
  readonly from: Pick<Placement, 'stage' | 'percent'>
  readonly to: Pick<Placement, 'stage' | 'percent'>
  /** Keys that were added to lists, or taken out. */
  readonly lists?: number
  readonly why?: string
  /** What it was refused for, where it was made all the same: codes of gates. */
  readonly forced?: readonly string[]
  /** Of a step back that nobody but the guard has made. */
  readonly evidence?: readonly MoveEvidence[]
}

/** All that is known of where an entity's route stands: one record, changed by one conditional write. */
export type Route = Placement & {
  readonly entity: string
  /** The number of the last move; 0: it never was moved. */
  readonly epoch: Epoch
  /** Made with the first move, and never changed: another one would deal all keys anew. */
  readonly salt: string
  /** Nothing is claimed, and nothing goes forward, until somebody takes it back. */
  readonly frozen?: { readonly at: string; readonly by: string; readonly why: string }
  /** A whole pass over both stores has found no key below this move. */
  readonly settled?: { readonly epoch: Epoch; readonly at: string }
  /** A key has gone to DynamoDB and back again, with its content; and how long a write of it took to Aurora, in milliseconds. */
  readonly canary?: {
    readonly at: string
    readonly key: string
    readonly toAurora: number
    /** The last move of that key: the route's next one is later. */
    readonly epoch?: Epoch
  }
  /** The latest moves, newest first. */
  readonly history: readonly RouteMove[]
}

/** The route of an entity that nobody has moved: each key is served at its owner, and none is claimed. */
export const unmoved = (entity: string): Route => ({
  ...{ entity, stage: 'legacy', percent: 0, allow: [], deny: [] },
  ...{ epoch: 0n, salt: '', history: [] },
})

/** The store to which a key belongs; it is another question whether it is there yet. */
export const targetOf = (
  { stage, percent, allow, deny, salt }: Placement & Pick<Route, 'salt'>,
  key: string,
): Owner => {
  if (stage === 'complete') return 'dynamo'
  if (stage !== 'live' || deny.includes(key)) return 'aurora'
  return allow.includes(key) || partOf(salt, key) < partsIn(percent) ? 'dynamo' : 'aurora'
}

/** The store that has more keys of its own: lists are read there. */
export const majorityOf = ({ stage, percent }: Placement): Owner =>
  stage === 'complete' || (stage === 'live' && percent > 50) ? 'dynamo' : 'aurora'

/**
 * Whether nothing is carried between the stores any more: the route is complete, and since it is, each key has been found to be
 * DynamoDB's by that move, with its last content. Until then all goes on as with a share of 100 %, so that whatever was on its way
 * when the route became complete arrives as ever.
 */
export const isOver = ({ stage, epoch, settled }: Pick<Route, 'stage' | 'epoch' | 'settled'>): boolean =>
  stage === 'complete' && settled?.epoch === epoch

/** `live 25 %`, as a person reads it. */
export const standsAt = ({ stage, percent }: Pick<Placement, 'stage' | 'percent'>): string =>
  stage === 'live' ? `live ${percent} %` : stage
