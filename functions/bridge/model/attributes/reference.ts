import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import { joinKey, splitKey } from '../identity.ts'
import { faultOfKey, LONGEST_KEY } from '../key.ts'
import type { Value } from '../values.ts'
import {
  type Attribute,
  type AttributeOptions,
  expecting,
  fromText,
  type KeyPart,
  type Reference,
  type ReferenceTarget,
  schemas,
  textual,
} from './attribute.ts'
import { textColumn } from './text.ts'

/**
 * The key of another entity's row, over the foreign key that points to it: a column that holds that row's counted id, or
 * columns that hold what its key is made of. A change whose row is not there yet waits for it.
 *
 * @param column several, where the other's key is made of several: in the order of that key. One of them may be another
 *   attribute's too, which then says the same
 * @param to the entity that is referred to; a function that gives it, where that is the entity itself or is defined later
 * @throws TypeError for another number of columns than the other's key has
 */
export const reference = ({
  column,
  as,
  to,
  optional = false,
}: Omit<AttributeOptions, 'column'> & {
  readonly column: string | readonly [string, ...string[]]
  readonly to: ReferenceTarget | (() => ReferenceTarget)
}): Attribute => {
  const columns = typeof column === 'string' ? [column] : column
  const references = referenceTo(columns, to)
  if (typeof to !== 'function') requireFitting(references)
  const key = z
    .string({
      error: (issue) =>
        expecting(`the key of a ${references.isDefined() ? references.entity : 'row'}`)(issue),
    })
    .superRefine((text, context) => {
      const fault = faultOfKey(text) ?? faultOfForm(references, text)
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
    })
  return {
    ...textual,
    kind: 'reference',
    column: columns[0],
    as,
    ...schemas({ body: key, image: key }, optional, null),
    jsonTableType: `${textColumn(LONGEST_KEY)} COLLATE utf8mb4_bin`,
    fromSql: fromText((text) => {
      if (text === '') throw new UnreadableValueError(`names a ${references.entity} that is not there`)
      return references.keyParts.length === 0 ? text : keyOfTexts(references.keyParts, text)
    }),
    references,
  }
}

/** @throws TypeError where it can't point to a key of that shape */
export const requireFitting = ({ columns, entity, keyParts }: Reference): void => {
  const wanted = Math.max(1, keyParts.length)
  if (columns.length !== wanted)
    throw new TypeError(
      `${columns.join(', ')}: the key of a ${entity} is ${wanted === 1 ? 'one column' : `${wanted} columns`}, and this has ${columns.length}`,
    )
}

const referenceTo = (
  columns: readonly string[],
  to: ReferenceTarget | (() => ReferenceTarget),
): Reference => {
  const target = (): ReferenceTarget => (typeof to === 'function' ? to() : to)
  return {
    columns,
    get entity() {
      return target().name
    },
    get table() {
      return target().table
    },
    get idColumn() {
      return target().idColumn
    },
    get keyParts() {
      return target().keyParts ?? []
    },
    get record() {
      return target().record ?? 'row'
    },
    isDefined: () => {
      try {
        return target() !== undefined
      } catch (error) {
        // A constant before its definition.
        if (error instanceof ReferenceError) return false
        throw error
      }
    },
  }
}

/** What no row's key looks like. While a definition is loaded, what it points to may not be known yet. */
const faultOfForm = (references: Reference, text: string): string | undefined => {
  if (!references.isDefined() || references.keyParts.length === 0) return undefined
  return splitKey(references.keyParts, text) === undefined
    ? `is not in the form of a ${references.entity}'s keys`
    : undefined
}

/** The key of the texts of its columns, of which several are selected as one JSON array. */
const keyOfTexts = (parts: readonly KeyPart[], selected: string): Value => {
  const texts: unknown = parts.length === 1 ? [selected] : JSON.parse(selected)
  return joinKey(
    parts,
    parts.map(({ attribute }, at) => attribute.fromSql(Array.isArray(texts) ? texts[at] : undefined)),
  )
}
