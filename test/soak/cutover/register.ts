import type { Operation } from './history.ts'

/** What a key may hold at one moment, as far as its history tells. */
export type State = {
  /** Undefined: nothing is there. */
  readonly value: string | undefined
  /** The version, or the least that it can be: it only ever grows, over a delete as well. */
  readonly version: number
  readonly isExact: boolean
  /** Creates under an Idempotency-Key that were done, with their versions where those are known. */
  readonly once: readonly { readonly id: string; readonly version: number | undefined }[]
}

export const EMPTY: State = { value: undefined, version: 0, isExact: true, once: [] }

/** One text for each state, so that the same one is known again. */
export const print = ({ value, version, isExact, once }: State): string =>
  `${value ?? ''}|${version}${isExact ? '' : '+'}|${once.map(({ id, version: its }) => `${id}:${its}`).join()}`

/**
 * What a key holds once an operation was done at one instant.
 *
 * @returns undefined where it can't have been done then, or not with this answer
 */
export const step = (state: State, { asked, answer }: Operation): State | undefined => {
  switch (answer?.is) {
    case undefined:
      return unanswered(state, { asked })
    case 'found':
      return asked.do === 'read' && state.value === answer.value ? at(state, answer.version) : undefined
    case 'absent':
      return state.value === undefined ? state : undefined
    case 'exists':
      return state.value !== undefined && !isDone(state, asked) ? state : undefined
    case 'stale':
      return isStale(state, asked) ? state : undefined
    case 'done':
      return done(state, asked, answer)
  }
}

type Ask = Operation['asked']
type Done = Extract<NonNullable<Operation['answer']>, { is: 'done' }>

const onceOf = (asked: Ask): string | undefined => (asked.do === 'create' ? asked.once : undefined)
const isDone = ({ once }: State, asked: Ask): boolean => once.some(({ id }) => id === onceOf(asked))

/** What is there at a version; undefined where it is there at another one. */
const at = (state: State, version: number): State | undefined => {
  if (state.isExact ? version !== state.version : version < state.version) return undefined
  return { ...state, version, isExact: true }
}

const isStale = (state: State, asked: Ask): boolean => {
  const ifMatch = asked.do === 'replace' || asked.do === 'delete' ? asked.ifMatch : undefined
  if (ifMatch === undefined) return false
  return state.value === undefined || !state.isExact || state.version !== ifMatch
}

const done = (state: State, asked: Ask, { version, created }: Done): State | undefined => {
  const known = state.once.find(({ id }) => id === onceOf(asked))
  if (known !== undefined) {
    if (known.version !== undefined && version !== undefined && version !== known.version) return undefined
    return { ...state, once: state.once.map((one) => (one === known ? { ...one, version } : one)) }
  }
  const was = before(state, asked)
  if (was === undefined) return undefined
  if (created !== undefined && created !== (was.value === undefined)) return undefined
  if (version !== undefined && version <= was.version) return undefined
  return written(was, asked, version)
}

/** Without an answer it may have met anything; what it can't have changed it leaves. */
const unanswered = (state: State, { asked }: { readonly asked: Ask }): State | undefined => {
  if (asked.do === 'read' || isDone(state, asked)) return undefined
  const was = before(state, asked)
  return was && written(was, asked, undefined)
}

/** What was there for a write that was done; undefined where it was refused. */
const before = (state: State, asked: Ask): State | undefined => {
  switch (asked.do) {
    case 'read':
      return undefined
    case 'create':
      return state.value === undefined ? state : undefined
    case 'make':
      return state
    default:
      if (state.value === undefined) return undefined
      return asked.ifMatch === undefined ? state : at(state, asked.ifMatch)
  }
}

const written = (was: State, asked: Ask, version: number | undefined): State => {
  const id = onceOf(asked)
  return {
    value: 'value' in asked ? asked.value : undefined,
    version: version ?? was.version + 1,
    isExact: version !== undefined,
    once:
      id === undefined
        ? was.once
        : [...was.once, { id, version }].toSorted((one, other) => (one.id < other.id ? -1 : 1)),
  }
}
