import { faultOfKey } from './key.ts'
import { laterMove } from './owner.ts'
import { type MoveEvidence, type Placement, type Route, STAGES, type Stage, standsAt } from './route.ts'

/** Keys that a list of a route has room for, and bytes of both: all of its record has to fit into one item. */
const MOST_LISTED = 300
const MOST_BYTES = 100_000
/** Moves that are remembered. */
const MOST_REMEMBERED = 100

/** The shares at which a route that goes forward by itself stops, in percent. */
const RUNGS: readonly number[] = [1, 5, 20, 50, 100]

const floorOf = (stage: Stage): number => STAGES.indexOf(stage)

/** Whether some key belongs to DynamoDB after a move that belonged to Aurora before it, or a stage is begun. */
export const isForward = (from: Placement, to: Placement): boolean => {
  if (floorOf(to.stage) !== floorOf(from.stage)) return floorOf(to.stage) > floorOf(from.stage)
  if (to.stage !== 'live') return false
  return (
    to.percent > from.percent ||
    to.allow.some((key) => !from.allow.includes(key)) ||
    from.deny.some((key) => !to.deny.includes(key))
  )
}

/** What becomes of a standing where only some of it is said anew: no share is kept by a stage that has none. */
export const placementAt = (
  from: Placement,
  { stage = from.stage, percent, allow = from.allow, deny = from.deny }: Partial<Placement>,
): Placement => {
  if (stage === 'complete') return { stage, percent: 100, allow: [], deny: [] }
  return { stage, percent: stage === 'live' ? (percent ?? from.percent) : 0, allow, deny }
}

/**
 * What is wrong with a move, whatever the state of the stores.
 *
 * @returns undefined where nothing is
 */
export const faultOfMove = (from: Placement, to: Placement): string | undefined => {
  if (from.stage === 'complete') return 'a route that is complete has no way back, and none forward'
  const steps = floorOf(to.stage) - floorOf(from.stage)
  if (steps > 1)
    return `stages are gone through one by one: ${from.stage} is followed by ${STAGES[floorOf(from.stage) + 1]}`
  if (to.stage === 'complete' && (from.percent < 100 || from.deny.length > 0))
    return `only what is live with 100 % and denies no key can be complete: it is ${standsAt(from)}, and denies ${from.deny.length}`
  if (!(to.percent >= 0 && to.percent <= 100) || !Number.isInteger(Number((to.percent * 100).toFixed(6))))
    return 'a share is 0 to 100 percent, in hundredths at the finest'
  return faultOfLists(to)
}

const faultOfLists = ({ allow, deny }: Placement): string | undefined => {
  for (const list of [allow, deny]) {
    if (list.length > MOST_LISTED)
      return `a list has at most ${MOST_LISTED} keys, and this one ${list.length}`
    for (const key of list) {
      const fault = faultOfKey(key)
      if (fault !== undefined) return `a key that is listed ${fault}`
    }
  }
  const bytes = [...allow, ...deny].reduce((sum, key) => sum + Buffer.byteLength(key), 0)
  if (bytes > MOST_BYTES) return `the lists have room for ${MOST_BYTES} bytes, and these keys take ${bytes}`
  const both = allow.find((key) => deny.includes(key))
  return both === undefined ? undefined : 'a key is on both lists'
}

/** The next standing on the way to DynamoDB; undefined where the next one is `complete`, which is only ever asked for by name. */
export const nextRung = (from: Placement): Placement | undefined => {
  if (from.stage === 'complete') return undefined
  if (from.stage === 'live') {
    const percent = RUNGS.find((rung) => rung > from.percent)
    return percent === undefined ? undefined : { ...from, percent }
  }
  const stage = STAGES[floorOf(from.stage) + 1] ?? 'live'
  return placementAt(from, { stage, percent: RUNGS[0] ?? 1 })
}

/** The standing before, on the way back; undefined where there is none. */
export const lastRung = (from: Placement): Placement | undefined => {
  if (from.stage === 'complete' || from.stage === 'legacy') return undefined
  const percent = from.stage === 'live' ? RUNGS.findLast((rung) => rung < from.percent) : undefined
  if (percent !== undefined) return { ...from, percent }
  return placementAt(from, { stage: STAGES[floorOf(from.stage) - 1] ?? 'legacy' })
}

/** How a move is told. */
export type MoveNote = {
  readonly at: string
  readonly by: string
  readonly why?: string | undefined
  readonly forced?: readonly string[] | undefined
  readonly evidence?: readonly MoveEvidence[] | undefined
}

/**
 * The route after a move. What was known of the one before, that it is settled, says nothing of this one.
 *
 * @param salt for a route that has none yet
 */
export const moved = (
  route: Route,
  to: Placement,
  { at, by, why, forced, evidence }: MoveNote,
  salt: string,
): Route => {
  const { settled: _, frozen, history, ...rest } = route
  const epoch = laterMove(route.epoch, route.canary?.epoch ?? 0n) + 1n
  const lists = differing(route.allow, to.allow) + differing(route.deny, to.deny)
  const move = {
    ...{ epoch, at, by, from: placeOf(route), to: placeOf(to) },
    ...(lists > 0 && { lists }),
    ...(why !== undefined && { why }),
    ...(forced !== undefined && forced.length > 0 && { forced }),
    ...(evidence !== undefined && { evidence }),
  }
  return {
    ...rest,
    ...to,
    epoch,
    salt: route.salt === '' ? salt : route.salt,
    // Whoever goes back is in need of claims.
    ...(frozen !== undefined && isForward(route, to) && { frozen }),
    history: [move, ...history].slice(0, MOST_REMEMBERED),
  }
}

const placeOf = ({ stage, percent }: Placement) => ({ stage, percent })

const differing = (one: readonly string[], other: readonly string[]): number =>
  one.filter((key) => !other.includes(key)).length + other.filter((key) => !one.includes(key)).length
