import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import { UnreadableValueError } from '../errors.ts'
import type { Value } from '../values.ts'

/** What a client gets to see: JSON, with exact amounts as text. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** What every part of an entity has, whether it is kept in a column or in rows of its own. */
export interface Field {
  /** Its name in JSON and in items, where that is not the one that the entity has for it. */
  readonly as?: string | undefined
  /** What a client must send, as `parseExactJson` reads it; the messages are meant for the client. */
  readonly body: z.ZodType<Value>
  /** What an item may hold: all that the store can, because another writer's item must not be lost to a rule of the API. */
  readonly image: z.ZodType<Value>
  toItem(value: Value): AttributeValue
  toJson(value: Value): Json
}

/**
 * How one attribute of an entity looks in each place it passes through: JSON at the API, a DynamoDB attribute value,
 * a column.
 */
export interface Attribute extends Field {
  /** What its kind is called: `oneOf`. Errors say it. */
  readonly kind: string
  /** The legacy table's column. */
  readonly column: string
  /**
   * The type of this attribute's column in a JSON_TABLE: text, a little wider than the real column, so that the
   * strict INSERT complains about a value that doesn't fit. MariaDB's JSON_TABLE itself only truncates.
   */
  readonly jsonTableType: string
  /** The text that travels in the JSON document; null becomes NULL. */
  toSql(value: Value): string | null
  /** The SQL expression that makes the column's value of that text. @default the text itself */
  readonly stored?: (text: string) => string
  /**
   * The SQL expression that makes text of the column, with every digit that it holds: a driver's own numbers and
   * booleans have lost some. @default a cast
   */
  readonly asText?: (column: string) => string
  /**
   * The SQL expression that is true when a column holds what a text stands for, NULL included. It may miss that two are
   * the same, and must never take two for the same that aren't. @default a comparison of bytes
   */
  readonly same?: (column: string, text: string) => string
  /** Set where a driver loses nothing of the column as it is, which then is text only for rows that travel inside JSON. */
  readonly plain?: true
  /**
   * The value of a column, as `asText` made it or as the driver gave it. NULL is null.
   *
   * @throws UnreadableValueError for a form that the kind doesn't know: a guess would be written back as if it were true
   */
  fromSql(value: unknown): Value
  /** Set when the database makes the value: it is read, and never written. */
  readonly readOnly?: true
  /** Set when the attribute is the key of another entity's row, and its columns hold what that row is found by. */
  readonly references?: Reference
}

/** A column of a primary key that is the key itself. */
export type KeyPart = {
  /** How the column's values look; of an id of another entity's counted rows, how the key does that stands for it. */
  readonly attribute: Attribute
  /** The entity's name of the attribute that holds it; undefined for one that is no attribute. */
  readonly name: string | undefined
  /** Where that attribute is a reference to a key of parts, those parts, and which of them this is. */
  readonly within?: { readonly parts: readonly KeyPart[]; readonly at: number }
  /** The type in which it travels, as its index wants it. */
  readonly type: string
  /** Its column compares by a collation, which may take others for the same. */
  readonly isText: boolean
  /** Set where the column holds the id of another entity's counted row: the part is that row's key. */
  readonly counted?: CountedRows
}

/** A table whose rows have counted ids, and their keys beside these. */
export type CountedRows = {
  readonly entity: string
  readonly table: string
  readonly idColumn: string
  readonly record: RecordKind
}

/** Where the records of an entity's live keys are: in columns of its rows, or in a table of the bridge's own. */
export type RecordKind = 'row' | 'sideTable'

/** An entity that can be referred to. */
export type ReferenceTarget = {
  readonly name: string
  readonly table: string
  /** The column that counts its rows or, where its key is the primary key's columns, the first of these. */
  readonly idColumn: string
  /** The columns that are its key; none where that stands in a column of its own. */
  readonly keyParts?: readonly KeyPart[]
  /** @default 'row' */
  readonly record?: RecordKind
}

/**
 * What a foreign key points to. All but the columns may be asked for only when every definition is loaded, where entities
 * refer to each other.
 */
export type Reference = {
  /** Its own columns, each for one of the other's key, in that order. */
  readonly columns: readonly string[]
  readonly entity: string
  readonly table: string
  readonly idColumn: string
  /** The columns that are the other's key; none where that stands beside a counted id. */
  readonly keyParts: readonly KeyPart[]
  readonly record: RecordKind
  /** Whether what it points to is defined by now. */
  isDefined(): boolean
}

/** What every kind of attribute can be told. */
export type AttributeOptions = {
  readonly column: string
  /** Its name in JSON and in DynamoDB. @default the name that the entity has for it */
  readonly as?: string
  /** Whether a client may leave it out, or send null. @default false */
  readonly optional?: boolean
}

/** As `AttributeOptions`, for kinds with a value that stands in for a missing one. */
export type DefaultableOptions<T> = AttributeOptions & {
  /** What an absent attribute means, on both sides; such as the column's DEFAULT. @default NULL */
  readonly whenAbsent?: T
}

/** The message for a client's value: told apart whether it is there at all. */
export const expecting =
  (what: string) =>
  (issue: { readonly input?: unknown }): string =>
    issue.input === undefined ? 'is required' : `must be ${what}`

/**
 * The two schemas of an attribute from those of its value.
 *
 * @param absent what an absent attribute means
 */
export const schemas = (
  { body, image }: { readonly body: z.ZodType<Value>; readonly image: z.ZodType<Value> },
  optional: boolean,
  absent: Value,
): Pick<Attribute, 'body' | 'image'> => ({
  body: optional ? orAbsent(body, absent) : body,
  image: orAbsent(image, absent),
})

/** NULL and no attribute at all mean the same on both sides. */
const orAbsent = (schema: z.ZodType<Value>, absent: Value): z.ZodType<Value> =>
  z
    // Not a union with null, whose error would hide the schema's own.
    .nullable(schema)
    .default(absent)
    .transform((value) => value ?? absent)

/**
 * A reader of columns: NULL is null, and text what it is read as.
 *
 * @param read undefined for text that is in no form of the kind's
 */
export const fromText =
  (read: (text: string) => Value | undefined) =>
  (value: unknown): Value => {
    if (value === null || value === undefined) return null
    const known = typeof value === 'string' ? read(value) : undefined
    if (known === undefined) throw new UnreadableValueError('is in a form that its kind does not know')
    return known
  }

/** How every kind whose values are text travels. */
export const textual = {
  toSql: (value: Value) => (typeof value === 'string' ? value : null),
  fromSql: fromText((text) => text),
  toItem: (value: Value): AttributeValue => (typeof value === 'string' ? { S: value } : { NULL: true }),
  toJson: (value: Value): Json => (typeof value === 'string' ? value : null),
}

/** Attributes that are written, with their names: all but those that the database sets. */
export const writable = (attributes: Readonly<Record<string, Attribute>>): [string, Attribute][] =>
  Object.entries(attributes).filter(([, { readOnly }]) => readOnly !== true)

/** The columns that an attribute is kept in. */
export const columnsOf = ({ column, references }: Attribute): readonly string[] =>
  references?.columns ?? [column]

/** One text for each value, or what is wrong with a text that is none. */
export type Reading = { readonly value: string } | { readonly fault: string }

/** The schema of texts of which several may mean the same: what comes out is the one that is stored. */
export const normalised = (what: string, read: (text: string) => Reading): z.ZodType<Value> =>
  z.string({ error: expecting(what) }).transform((text, context): Value => {
    const reading = read(text)
    if ('value' in reading) return reading.value
    context.addIssue({ code: 'custom', message: reading.fault })
    return z.NEVER
  })
