import { isWaiting, type ParkedHead } from '../ports/parking.ts'

/** How much is parked of an entity. */
export type ParkedSummary = {
  readonly keys: number
  /** False where more may be parked than was looked at. */
  readonly complete: boolean
  /** Of these, those that wait for something and are tried by themselves. */
  readonly waiting: number
  /** Since when the one that has been there longest has: ISO 8601, UTC. Absent where nothing is. */
  readonly oldest?: string
  /** By their reasons' codes, the most frequent first. */
  readonly codes: readonly { readonly code: string; readonly keys: number }[]
}

/** What some parked changes are together. @param complete whether they are all */
export const summarise = (heads: readonly ParkedHead[], complete: boolean): ParkedSummary => {
  const [oldest] = heads.map(({ firstSeen }) => firstSeen).toSorted()
  const codes = [...Map.groupBy(heads, ({ code }) => code)]
    .map(([code, own]) => ({ code, keys: own.length }))
    .toSorted((one, other) => other.keys - one.keys || (one.code < other.code ? -1 : 1))
  return {
    ...{ keys: heads.length, complete, codes },
    waiting: heads.filter(isWaiting).length,
    ...(oldest !== undefined && { oldest }),
  }
}
