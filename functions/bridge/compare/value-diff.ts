import { DecimalText, isList, isMap, sameValue, type Value } from '../model/values.ts'

/** Where two values differ. */
export type ValueDifference = {
  /** A JSON pointer; empty for the whole. */
  readonly path: string
  /** `type`: the one is a text, say, and the other a number. */
  readonly is: 'value' | 'type' | 'only left' | 'only right'
  readonly left?: Value
  readonly right?: Value
}

/**
 * Tells where two values differ, member by member: numbers by their amount, objects without order, lists by their places. A list that
 * has grown is told by what it has more.
 *
 * @param path of the two themselves
 */
export const differencesOf = (left: Value, right: Value, path = ''): readonly ValueDifference[] => {
  if (sameValue(left, right)) return []
  if (isMap(left) && isMap(right)) {
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])]
    return names.flatMap((name) => ofMember(left[name], right[name], `${path}/${escaped(name)}`))
  }
  if (isList(left) && isList(right))
    return Array.from({ length: Math.max(left.length, right.length) }, (_, at) => at).flatMap((at) =>
      ofMember(left[at], right[at], `${path}/${at}`),
    )
  return [{ path, is: typeOf(left) === typeOf(right) ? 'value' : 'type', left, right }]
}

const ofMember = (
  left: Value | undefined,
  right: Value | undefined,
  path: string,
): readonly ValueDifference[] => {
  if (left === undefined) return right === undefined ? [] : [{ path, is: 'only right', right }]
  if (right === undefined) return [{ path, is: 'only left', left }]
  return differencesOf(left, right, path)
}

/** As JSON calls it. */
const typeOf = (value: Value): string => {
  if (value === null) return 'null'
  if (value instanceof DecimalText) return 'number'
  if (isList(value)) return 'list'
  return typeof value === 'object' ? 'object' : typeof value
}

/** @see RFC 6901 */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')
