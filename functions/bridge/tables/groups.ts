import type { Change } from '../model/change.ts'
import type { Value } from '../model/values.ts'
import { ACTIONS, type Attempt } from './guarded-actions.ts'

/** DynamoDB takes so many actions in a transaction. */
const MOST = 100
/** A transaction holds 4 MB, names and conditions included. */
const MOST_BYTES = 3_000_000

/**
 * Orders changes so that no two of a wave have one target key, since a transaction takes an item only once. Who leaves
 * a place comes before who wants it.
 */
export const wavesOf = (changes: readonly Change[]): readonly (readonly Change[])[] => {
  const waves: Change[][] = []
  const seen = new Map<string, number>()
  for (const change of [
    ...changes.filter(({ op }) => op === 'delete'),
    ...changes.filter(({ op }) => op === 'upsert'),
  ]) {
    const at = seen.get(change.key) ?? 0
    seen.set(change.key, at + 1)
    const wave = waves[at]
    if (wave === undefined) waves.push([change])
    else wave.push(change)
  }
  return waves
}

/** Cuts attempts into what one transaction holds. */
export const groupsOf = (attempts: readonly Attempt[]): readonly (readonly Attempt[])[] => {
  const groups: Attempt[][] = []
  let actions = 0
  let bytes = 0
  for (const attempt of attempts) {
    const { change, way } = attempt
    actions += ACTIONS[way]
    bytes += change.op === 'upsert' ? sizeOf(change.row) : change.key.length
    const last = groups.at(-1)
    if (last === undefined || actions > MOST || bytes > MOST_BYTES) {
      groups.push([attempt])
      actions = ACTIONS[way]
      bytes = change.op === 'upsert' ? sizeOf(change.row) : change.key.length
    } else last.push(attempt)
  }
  return groups
}

/** Bytes, roughly and from above: a character of text has up to three, a digit of a number counts as one. */
const sizeOf = (value: Value): number => {
  if (typeof value === 'string') return value.length * 3 + 1
  if (value === null || typeof value !== 'object') return 1
  if (value instanceof Uint8Array) return value.length
  if (value instanceof Set)
    return [...value].reduce((sum: number, member: Value) => sum + sizeOf(member) + 1, 3)
  return Object.entries(value).reduce((sum, [name, member]) => sum + name.length * 3 + sizeOf(member) + 1, 3)
}
