import { type Attribute, columnsOf } from './attributes/attribute.ts'
import type { Row } from './change.ts'
import { splitKey } from './identity.ts'
import { sameValue, type Value } from './values.ts'

/*
 * Which attribute writes which column. A foreign key of several columns may share some with others: with the key of its own
 * row, as where both are of one tenant. Who has a column for itself writes it, and the reference has to say the same.
 */

type Attributes = Readonly<Record<string, Attribute>>

const SQL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export const isPlainName = (name: string): boolean => SQL_NAME.test(name)

/** MySQL's names of columns are the same in any case. */
const isSameColumn = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** The attribute that writes a column, with its name. */
export const writerOf = (
  column: string,
  attributes: Attributes,
): readonly [string, Attribute] | undefined => {
  const holding = Object.entries(attributes).filter(([, one]) =>
    columnsOf(one).some((own) => isSameColumn(own, column)),
  )
  return holding.find(([, one]) => columnsOf(one).length === 1) ?? holding[0]
}

/** A column of a reference that another attribute writes. */
type SharedColumn = {
  /** The reference's name, and which of its columns it is. */
  readonly reference: string
  readonly at: number
  /** The name of who writes it. */
  readonly owner: string
}

/** The columns that references share with who writes them. */
export const sharedColumns = (attributes: Attributes): readonly SharedColumn[] =>
  Object.entries(attributes).flatMap(([reference, attribute]) =>
    attribute.references === undefined || attribute.references.columns.length === 1
      ? []
      : attribute.references.columns.flatMap((column, at): SharedColumn[] => {
          const [owner = reference] = writerOf(column, attributes) ?? []
          return owner === reference ? [] : [{ reference, at, owner }]
        }),
  )

/** The shared columns of which a row says two things. What it doesn't say, or of what is not defined yet, is no fault. */
export const disagreeing = (attributes: Attributes, row: Row): readonly SharedColumn[] =>
  sharedColumns(attributes).filter(({ reference, at, owner }) => {
    const said = partOf(attributes[reference], row[reference] ?? null, at)
    const own = partOf(attributes[owner], row[owner] ?? null, 0)
    return said !== null && own !== null && !sameValue(said, own)
  })

/** What of an attribute's value is kept in one of its columns. */
const partOf = (attribute: Attribute | undefined, value: Value, at: number): Value => {
  const { references } = attribute ?? {}
  if (references === undefined || typeof value !== 'string') return value
  if (!references.isDefined()) return null
  return references.keyParts.length === 0 ? value : (splitKey(references.keyParts, value)?.[at] ?? null)
}

/**
 * What is wrong with the columns of a table; undefined when nothing is.
 *
 * @param others columns that are no attribute's
 */
export const columnFault = (attributes: Attributes, others: readonly string[]): string | undefined => {
  const kept = Object.values(attributes).map(columnsOf)
  const wrong = [...others, ...kept.flat()].find(
    (column) => !isPlainName(column) || /^backsync_/i.test(column),
  )
  if (wrong !== undefined) return `"${wrong}" can't be its column`
  const repeats = (columns: readonly string[]): boolean =>
    new Set(columns.map((column) => column.toLowerCase())).size < columns.length
  const alone = kept.filter(({ length }) => length === 1).flat()
  const shared = kept
    .filter(({ length }) => length > 1)
    .map((columns) => columns.filter((column) => !alone.some((own) => isSameColumn(own, column))))
  if (repeats([...others, ...alone, ...shared.flat()]) || kept.some(repeats))
    return 'two of its columns are the same'
  return others.some((other) => kept.flat().some((column) => isSameColumn(other, column)))
    ? 'two of its columns are the same'
    : undefined
}
