/** How many keys an entity has, and how many of them change hands by a move. */
export type KeyCount = {
  readonly keys: number
  readonly moving: number
  /** Whether they were counted, and not guessed. */
  readonly exact: boolean
}

/** The most that the claim of one key takes where nobody comes between: calls of the Data API, and of DynamoDB that read and write. */
export const PER_CLAIM = { dataApi: 12, reads: 5, writes: 3 } as const

/**
 * What a sweep takes where keys are claimed together: so many at once, with so many calls of the Data API; and for each page of heads so
 * many more, its proof's included. Of DynamoDB each key takes a look and two scans, and two writes where its item is yet to be made.
 */
export const PER_SET = { keys: 250, dataApi: 10, reads: 3, writes: 2 } as const
const PER_PAGE = { keys: 500, dataApi: 4 } as const

/** What a call of each store takes, in milliseconds, and how many keys a sweep claims or writes at once. */
const CALL = 20
const WRITE = 5
const AT_ONCE = 8
const WRITTEN_AT_ONCE = 32

/** What a sweep of all keys takes: its calls, and seconds. */
export type SweepPrice = {
  readonly dataApi: number
  readonly reads: number
  readonly writes: number
  readonly seconds: number
}

/** What a move is about. */
export type MoveExtent = KeyCount & {
  /** At the most: as if each key had to be claimed by itself. */
  readonly sweep: SweepPrice
  /** Where most are claimed together; absent: an entity's keys never are. */
  readonly usual?: SweepPrice
}

/**
 * Of what is not known nothing can be told.
 *
 * @param areSets whether keys can be claimed together
 */
export const extentOf = (count: KeyCount | undefined, areSets: boolean): MoveExtent | undefined => {
  if (count === undefined) return undefined
  const { keys } = count
  const dataApi = keys * PER_CLAIM.dataApi
  const sweep: SweepPrice = {
    dataApi,
    reads: keys * (PER_CLAIM.reads + 1),
    writes: keys * PER_CLAIM.writes,
    seconds: Math.ceil((dataApi * CALL) / AT_ONCE / 1000),
  }
  return { ...count, sweep, ...(areSets && { usual: usualOf(keys, sweep) }) }
}

const usualOf = (keys: number, most: SweepPrice): SweepPrice => {
  const calls =
    Math.ceil(keys / PER_SET.keys) * PER_SET.dataApi + Math.ceil(keys / PER_PAGE.keys) * PER_PAGE.dataApi
  const dataApi = Math.min(calls, most.dataApi)
  const writes = keys * PER_SET.writes
  const seconds = Math.ceil((dataApi * CALL + (writes * WRITE) / WRITTEN_AT_ONCE) / 1000)
  return { dataApi, reads: keys * PER_SET.reads, writes, seconds: Math.min(seconds, most.seconds) }
}
