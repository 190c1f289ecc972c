/** What a call asks of a key. */
export type Asked =
  | { readonly do: 'read' }
  /** Where nothing is. `once`: the Idempotency-Key under which it may be repeated. */
  | { readonly do: 'create'; readonly value: string; readonly once?: string }
  /** Whether something is there or not. */
  | { readonly do: 'make'; readonly value: string }
  /** Where something is; `ifMatch`: at that version. */
  | { readonly do: 'replace'; readonly value: string; readonly ifMatch?: number }
  | { readonly do: 'delete'; readonly ifMatch?: number }

/** What was answered, in the words of a register. */
export type Answered =
  | { readonly is: 'found'; readonly value: string; readonly version: number }
  | { readonly is: 'absent' }
  /** Written. `version`: where the answer says which one that is; `created`: where it says whether nothing was there. */
  | { readonly is: 'done'; readonly version?: number; readonly created?: boolean }
  /** Another version is there than was asked for. */
  | { readonly is: 'stale' }
  /** Something is there already. */
  | { readonly is: 'exists' }

/**
 * One call of a history. Without an answer it may have been done or not, at any time after it began: later than its caller has given up
 * as well.
 */
export type Operation = {
  /** `entity key`; undefined: a create whose key nobody was told. */
  readonly key: string | undefined
  readonly asked: Asked
  /** Milliseconds of the harness' own clock, which never goes back; the same for all who call. */
  readonly from: number
  readonly until?: number
  readonly answer?: Answered
  /** Who called, of whom: for people to read. */
  readonly by: string
}

/** An operation as a line for a person. */
export const told = ({ asked, from, until, answer, by }: Operation): string => {
  const { do: what, ...how } = asked
  const given = Object.entries(how).map(([name, value]) => `${name}=${value}`)
  const { is = 'no answer', ...rest } = answer ?? {}
  const got = Object.entries(rest).map(([name, value]) => `${name}=${value}`)
  const times = `${from.toFixed(1)}..${until === undefined ? '' : until.toFixed(1)}`
  return [times, by, [what, ...given].join(' '), '->', [is, ...got].join(' ')].join('  ')
}
