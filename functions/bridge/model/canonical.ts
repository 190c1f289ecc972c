import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Attribute, writable } from './attributes/attribute.ts'
import type { Row, Version } from './change.ts'
import type { Entity } from './entity.ts'
import type { Owner } from './owner.ts'
import { canonicalText, isList, type Value, withoutTrailingZeros } from './values.ts'

/*
 * One text for a record, by which two stores are compared without showing each other what they hold: key, version, owner, and
 * the fields in the order of the definition. Two records have the same text exactly when they are the same. Where SQL can, it
 * makes the very same text of a row's columns, and the hash of it: see aurora/canonical-sql.ts. What the database sets by
 * itself is in no item, and left out.
 */

/** What of a record is compared: whose it is and what it holds. */
export type Compared = {
  readonly key: string
  readonly version: Version
  readonly owner: Owner
  readonly row: Row
}

/** Between two fields; the character itself is escaped, so that none can run into the next one. */
export const FIELD_END = '|'
/** What stands for NULL: no text that is escaped has it. */
export const NULL_FIELD = '~n'

const escaped = (text: string): string => text.replaceAll('~', '~0').replaceAll(FIELD_END, '~1')
const slot = (text: string | null): string => (text === null ? NULL_FIELD : escaped(text))

/** The text of a record. Of an entity whose versions come from the stream no item has one, and none is compared. */
export const canonicalRecord = (
  entity: Pick<Entity, 'attributes' | 'children' | 'versions'>,
  { key, version, owner, row }: Compared,
): string => {
  const { attributes, children, versions } = entity
  return [
    key,
    versions === 'counted' ? String(version) : '',
    owner,
    ...writable(attributes).map(([name, attribute]) => canonicalField(attribute, row[name] ?? null)),
    ...Object.keys(children).map((name) => canonicalText(row[name] ?? null)),
  ]
    .map(slot)
    .join(FIELD_END)
}

/** A field's text; null for NULL. */
export const canonicalField = (attribute: Attribute, value: Value): string | null => {
  if (value === null) return null
  switch (attribute.kind) {
    case 'setOf':
      return isList(value) ? `${attribute.toSql(value) ?? ''}/${value.length}` : canonicalText(value)
    case 'datetime':
    case 'timestamp':
    case 'time':
      return withoutFraction(attribute.toSql(value))
    case 'reference':
      return typeof value === 'string' ? value : canonicalText(value)
    default:
      return SQL_TEXTS.has(attribute.kind) ? attribute.toSql(value) : canonicalText(value)
  }
}

/** Kinds of which the text that travels to Aurora is the only one of its value. */
const SQL_TEXTS: ReadonlySet<string> = new Set([
  'text',
  'char',
  'oneOf',
  'integer',
  'year',
  'bit',
  'boolean',
  'decimal',
  'date',
  'uuid',
  'binary',
  'fixedBinary',
])

/** A second's fraction without needless zeros: how many digits a column keeps may be changed. */
const withoutFraction = (text: string | null): string | null => {
  if (text === null || !text.includes('.')) return text
  const kept = withoutTrailingZeros(text)
  return kept.endsWith('.') ? kept.slice(0, -1) : kept
}

/** The first eight bytes of SHA-256 over a text, as a number. */
export const textHash = (text: string): bigint => hash('sha256', text, 'buffer').readBigUInt64BE()

/** Which of so many buckets a key is in. @param buckets a power of two, at most 2^31 */
export const bucketOf = (key: string, buckets: number): number => (crc32(key) & (buckets - 1)) >>> 0
