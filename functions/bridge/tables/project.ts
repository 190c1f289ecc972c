import { keyAttributes } from '../drivers/dynamo/key-schema.ts'
import { isTombstone } from '../dynamo/authority.ts'
import { toAttributeValue } from '../model/attribute-values.ts'
import type { Change, Row, Version } from '../model/change.ts'
import { InvalidRecordError } from '../model/errors.ts'
import { keyText } from './keys.ts'
import type { Projection } from './projection.ts'
import { withoutStamp } from './stamp.ts'

/** An item of the source as it is to be in the target, with its key there. */
export type Projected = { readonly key: string; readonly row: Row }

/**
 * What an item of the source becomes.
 *
 * @returns undefined for one that has no place in the target
 * @throws InvalidRecordError when it can't be projected, or the result has no valid key or no form in DynamoDB
 */
export const projectRow = (
  { project, key, name, kind, sparse }: Projection,
  row: Row,
): Projected | undefined => {
  // An entity's key that was deleted: the item itself, emptied.
  if (isTombstone(row)) return undefined
  const projected = attempt(name, () => project(withoutStamp(row)))
  if (projected === undefined) return undefined
  const own = withoutStamp(
    Object.fromEntries(Object.entries(projected).filter(([, value]) => value !== undefined)),
  )
  if (sparse && keyAttributes(key).some((attribute) => !Object.hasOwn(own, attribute.name))) return undefined
  // What an author's words have made may have no form (a set that has become empty): found here, where it is one item's.
  if (kind === 'reshape') attempt(name, () => toAttributeValue(own))
  return { key: keyText(key, own), row: own }
}

const attempt = <T>(name: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    if (cause instanceof InvalidRecordError) throw cause
    // The author's own words may hold a customer's values.
    throw new InvalidRecordError(`${name} has no form for the item`, { cause })
  }
}

/** What else a change has. */
export type Occasion = {
  readonly sourceKey: string
  readonly version: Version
  readonly source: string
  readonly at: string
}

export const upsertOf = ({ name }: Projection, { key, row }: Projected, occasion: Occasion): Change => ({
  entity: name,
  op: 'upsert',
  key,
  row,
  ...occasion,
})

export const deleteOf = ({ name }: Projection, key: string, occasion: Occasion): Change => ({
  entity: name,
  op: 'delete',
  key,
  ...occasion,
})
