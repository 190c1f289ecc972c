import type { Entity } from '../model/entity.ts'
import { toExactJson } from '../model/exact-json.ts'
import { DecimalText, isMap, type Value } from '../model/values.ts'
import type { AddressedPath, Side } from './addresses.ts'
import type { Answer } from './ask-side.ts'
import { comparableOf } from './comparable.ts'
import { differencesOf, type ValueDifference } from './value-diff.ts'

/**
 * How two answers stand to each other. `behind`: they say another version of one key, the one of which is often on its way: asked
 * again after the lag, only a lost one still is.
 */
export type AnswerVerdict = 'equal' | 'behind' | 'different'

export type AnswerComparison = {
  readonly between: readonly [Side, Side]
  readonly verdict: AnswerVerdict
  /** Of `behind`: which of the two has the smaller version. */
  readonly behind?: Side
  readonly differences: readonly ValueDifference[]
  /** Entries of a list that only one page has, of lists that go on. */
  readonly beyond: number
}

/** What of an answer is told, its version in digits. */
export const answerVersion = (entity: Entity, { body, headers }: Answer): string | undefined => {
  const own = body !== undefined && isMap(body) ? body[entity.names.version] : undefined
  if (own instanceof DecimalText) return own.canonical
  if (typeof own === 'string') return own
  return /^(?:W\/)?"(\d+)"$/.exec(headers.etag ?? '')?.[1]
}

/** Compares two answers of one request, as far as the mapping says that they are the same. */
export const compareAnswers = (
  { entity, key, collections }: AddressedPath,
  one: { readonly side: Side; readonly answer: Answer },
  other: { readonly side: Side; readonly answer: Answer },
): AnswerComparison => {
  const between = [one.side, other.side] as const
  const status = ofStatus(one.answer.status, other.answer.status)
  const [left, right] = [one, other].map(({ side, answer }) =>
    comparableOf(entity, answer, collections[side]),
  )
  if (left === undefined || right === undefined)
    return { between, verdict: 'equal', differences: [], beyond: 0 }
  // What a client is told of a failure is another thing than what is there.
  const found = status.length > 0 ? [] : differencesOf(left.body, right.body)
  const goesOn = left.ends === false || right.ends === false
  const isBeyond = ({ is, path }: ValueDifference): boolean =>
    goesOn && (is === 'only left' || is === 'only right') && isEntry(entity, path)
  const differences = [...status, ...found.filter((of) => !isBeyond(of) && !isUntold(entity, key, of))]
  const beyond = found.filter(isBeyond).length
  if (differences.length === 0) return { between, verdict: 'equal', differences, beyond }
  const behind = status.length > 0 ? undefined : behindOf(entity, one, other)
  return {
    between,
    verdict: behind === undefined ? 'different' : 'behind',
    ...(behind !== undefined && { behind }),
    ...{ differences, beyond },
  }
}

const ofStatus = (left: number, right: number): readonly ValueDifference[] =>
  left === right
    ? []
    : [
        {
          path: 'status',
          is: 'value',
          left: new DecimalText(String(left)),
          right: new DecimalText(String(right)),
        },
      ]

const behindOf = (
  entity: Entity,
  one: { readonly side: Side; readonly answer: Answer },
  other: { readonly side: Side; readonly answer: Answer },
): Side | undefined => {
  const [left, right] = [answerVersion(entity, one.answer), answerVersion(entity, other.answer)]
  if (left === undefined || right === undefined || entity.versions === 'stream') return undefined
  if (left === right) return undefined
  return BigInt(left) < BigInt(right) ? one.side : other.side
}

/** `/items/17`, or `/17` where nothing stands around the list. */
const isEntry = ({ envelope }: Entity, path: string): boolean => {
  const within = envelope === 'none' ? '' : `/${envelope.items}`
  return path.startsWith(`${within}/`) && !path.slice(within.length + 1).includes('/')
}

/** What the database sets is not known to the other side before it was told: that it lacks it says nothing. */
const isUntold = (entity: Entity, key: string | undefined, { is, path }: ValueDifference): boolean => {
  if (is !== 'only left' && is !== 'only right') return false
  const name = path.slice(path.lastIndexOf('/') + 1)
  const depth = path.split('/').length - 1
  const within = key === undefined ? (entity.envelope === 'none' ? 2 : 3) : 1
  return (
    depth === within &&
    Object.entries(entity.attributes).some(
      ([own, { as = own, readOnly }]) => readOnly === true && as === name,
    )
  )
}

/** A value as a person reads it, cut where it is long. */
export const shownValue = (value: Value | undefined, longest = 200): string => {
  if (value === undefined) return '-'
  const text = toExactJson(value)
  return text.length > longest ? `${text.slice(0, longest)} …` : text
}
