import { itemSize } from '../drivers/dynamo/item-size.ts'
import type { Change } from '../model/change.ts'
import { ACTIONS, type Attempt, itemOf } from './guarded-actions.ts'

/** DynamoDB takes so many actions in a transaction. */
const MOST_ACTIONS = 100
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
    const { way } = attempt
    const size = attemptSize(attempt)
    actions += ACTIONS[way]
    bytes += size
    const last = groups.at(-1)
    if (last === undefined || actions > MOST_ACTIONS || bytes > MOST_BYTES) {
      groups.push([attempt])
      actions = ACTIONS[way]
      bytes = size
    } else last.push(attempt)
  }
  return groups
}

/** What an attempt adds to a transaction, in bytes; of what it compares there is room beside. */
const attemptSize = ({ change }: Attempt): number =>
  change.op === 'upsert' ? itemSize(itemOf(change)) : Buffer.byteLength(change.key)
