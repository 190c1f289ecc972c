import * as z from 'zod'
import type { Attribute, Field } from './attributes/attribute.ts'
import { isPlainObject } from './exact-json.ts'
import { mapOf } from './map-of.ts'
import { isList, isMap, type Value } from './values.ts'

/** What an author says about a list that the legacy database keeps as rows of a table of their own. */
export type ChildRowsDefinition = {
  readonly table: string
  /** The column that holds the id of the parent's row or, of a key of several columns, one for each of these in their order. */
  readonly parentColumn: string | readonly [string, ...string[]]
  /** The column that holds the place in the list, from 1. */
  readonly positionColumn: string
  /** What each member of the list has. */
  readonly attributes: Readonly<Record<string, Attribute>>
  /** The most that a client may send. @default 100 */
  readonly maxItems?: number
  /** Its name in JSON and in DynamoDB. @default the name that the entity has for it */
  readonly as?: string
  /** Whether a client may leave the list out: it is empty then. @default false */
  readonly optional?: boolean
}

/** An ordered list of maps, kept as child rows. They are replaced as a set, together with their parent. */
export type ChildRows = ChildRowsDefinition &
  Field & {
    /** The columns of `parentColumn`. */
    readonly parentColumns: readonly string[]
  }

/** Describes a list attribute that is kept as rows of a table of its own. */
export const childRows = (definition: ChildRowsDefinition): ChildRows => {
  const { attributes, maxItems = 100, optional = false } = definition
  const shape = mapOf(attributes)
  // A number or a set has members too, those of its class: it must not pass for a map.
  const member = (what: string) => z.custom<Readonly<Record<string, unknown>>>(isPlainObject, what)
  // Its length comes first: of a list that is too long no member is looked at.
  const body = z
    .array(z.unknown(), {
      error: (issue) => (issue.input === undefined ? 'is required' : 'must be a list'),
    })
    .refine(({ length }) => length <= maxItems, `must not have more than ${maxItems} members`)
    .pipe(z.array(member('must be an object').pipe(shape.body)))
  const image = z.array(member('must be a map').pipe(shape.image), 'must be a list')
  const members = (value: Value): readonly { readonly [name: string]: Value }[] =>
    isList(value) ? value.filter(isMap) : []
  const mapped = <T>(member: { readonly [name: string]: Value }, to: (a: Attribute, v: Value) => T) =>
    Object.fromEntries(
      Object.entries(attributes).map(([name, attribute]) => [
        attribute.as ?? name,
        to(attribute, member[name] ?? null),
      ]),
    )
  return {
    ...definition,
    parentColumns:
      typeof definition.parentColumn === 'string' ? [definition.parentColumn] : definition.parentColumn,
    body: optional ? body.default([]) : body,
    image: z
      .nullable(image)
      .default([])
      .transform((list) => list ?? []),
    toItem: (value) => ({
      L: members(value).map((member) => ({ M: mapped(member, (attribute, of) => attribute.toItem(of)) })),
    }),
    toJson: (value) =>
      members(value).map((member) => mapped(member, (attribute, of) => attribute.toJson(of))),
  }
}
