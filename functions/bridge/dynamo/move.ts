import { isDeepStrictEqual } from 'node:util'
import type { Entity } from '../model/entity.ts'
import type { Epoch } from '../model/owner.ts'
import { DecimalText, type Value } from '../model/values.ts'
import type { Image } from '../normalise/stream-record.ts'
import { authorityOf, isMirrored, isNever, isTombstone, RECORD } from './authority.ts'

/**
 * What a record of the stream is, for whose its key was. `own`: a write of DynamoDB's, accepted under an epoch. `nothing`: what
 * came from Aurora, a change of authority alone, or the end of a tombstone. `foreign`: a write of a key that Aurora owns.
 */
export type Move =
  | { readonly is: 'own'; readonly epoch: Epoch }
  | { readonly is: 'nothing' }
  | { readonly is: 'foreign' }

type Names = Pick<Entity['names'], 'version'>
type Attributes = Readonly<Record<string, unknown>>

const NOTHING: Move = { is: 'nothing' }
const FOREIGN: Move = { is: 'foreign' }

/**
 * Tells whose write made a record, by its two images. A claim's own record is a change: it carries the last that DynamoDB
 * has accepted, under the epoch that ends with it.
 *
 * @param names how the entity calls what its items have beside its attributes
 * @throws InvalidRecordError for an owner or an epoch that is none
 */
export const moveOf = (before: Image, after: Image, names: Names): Move => {
  const was = before && authorityOf(before)
  if (after === undefined) {
    if (before === undefined || was === undefined || isTombstone(before)) return NOTHING
    return was.owner === 'aurora' ? FOREIGN : { is: 'own', epoch: was.epoch }
  }
  const is = authorityOf(after)
  // By it a key is known that never was.
  if (isTombstone(after) && isNever(after, names.version)) return NOTHING
  if (was === undefined || before === undefined)
    return is.owner === 'dynamo' ? { is: 'own', epoch: is.epoch } : mirrored(after, names)
  const isSame = isDeepStrictEqual(contentOf(before), contentOf(after))
  if (was.owner === 'dynamo') {
    // A claim is of a later move; the mirror that takes back what had lost its owner is of none.
    if (is.owner === 'aurora' && isSame && is.epoch === was.epoch) return NOTHING
    return { is: 'own', epoch: is.owner === 'dynamo' ? is.epoch : was.epoch }
  }
  // Aurora's until now: it is DynamoDB's by a later move, or again by one that could not be completed, or not at all.
  if (is.owner === 'dynamo') {
    const isGivenBack = is.epoch > 0n && is.epoch === was.epoch && isSame
    return is.epoch > was.epoch || isGivenBack ? { is: 'own', epoch: is.epoch } : FOREIGN
  }
  // What others had put into a tombstone of the mirror's is taken out of it by a call of its own.
  if (isSame || (isTombstone(before) && isTombstone(after) && isMirrored(after, names))) return NOTHING
  // A stamp that was there before proves nothing of other content.
  return isDeepStrictEqual(before[names.version], after[names.version]) ? FOREIGN : mirrored(after, names)
}

const mirrored = (after: Attributes, names: Names): Move => (isMirrored(after, names) ? NOTHING : FOREIGN)

/** All that a mirror or a client could have written, version included. */
const contentOf = (image: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const {
    [RECORD.owner]: _,
    [RECORD.epoch]: __,
    [RECORD.mirrored]: ___,
    [RECORD.expires]: ____,
    ...content
  } = image
  return content
}

/** The epoch of an item that was decoded; 0 where it has none. */
export const epochOf = ({ [RECORD.epoch]: epoch }: Readonly<Record<string, Value>>): Epoch =>
  epoch instanceof DecimalText && /^\d+$/.test(epoch.text) ? BigInt(epoch.text) : 0n
