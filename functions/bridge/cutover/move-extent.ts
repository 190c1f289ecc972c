/** How many keys an entity has, and how many of them change hands by a move. */
export type KeyCount = {
  readonly keys: number
  readonly moving: number
  /** Whether they were counted, and not guessed. */
  readonly exact: boolean
}

/** The most that the claim of one key takes where nobody comes between: calls of the Data API, and of DynamoDB that read and write. */
export const PER_CLAIM = { dataApi: 12, reads: 5, writes: 3 } as const

/** What a call of the Data API takes, in milliseconds, and how many keys a sweep claims at once. */
const CALL = 20
const AT_ONCE = 8

/** What a move is about. */
export type MoveExtent = KeyCount & {
  /** What a sweep of all keys takes at the most: its calls, and seconds. */
  readonly sweep: {
    readonly dataApi: number
    readonly reads: number
    readonly writes: number
    readonly seconds: number
  }
}

/**
 * Of what is not known nothing can be told.
 *
 * @param maxRate keys a second, of a sweep that is bounded
 */
export const extentOf = (
  count: KeyCount | undefined,
  maxRate = Number.POSITIVE_INFINITY,
): MoveExtent | undefined => {
  if (count === undefined) return undefined
  const { keys } = count
  const seconds = Math.max((keys * PER_CLAIM.dataApi * CALL) / AT_ONCE / 1000, keys / maxRate)
  return {
    ...count,
    sweep: {
      dataApi: keys * PER_CLAIM.dataApi,
      reads: keys * (PER_CLAIM.reads + 1),
      writes: keys * PER_CLAIM.writes,
      seconds: Math.ceil(seconds),
    },
  }
}
