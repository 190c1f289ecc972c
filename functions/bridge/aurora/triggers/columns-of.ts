import { columnsOf } from '../../model/attributes/attribute.ts'
import type { ChildRows } from '../../model/child-rows.ts'
import type { Entity } from '../../model/entity.ts'
import type { Column } from '../catalogue.ts'
import { quoted } from '../part-sql.ts'
import { ownColumns } from '../row-key.ts'
import { literal } from './key-text.ts'

/* What triggers look at in a row: which of its columns are told to DynamoDB, whether one has changed, and the row as JSON. */

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()
const isOurs = ({ name }: Column): boolean => /^backsync_/i.test(name)

/** Columns that the database makes of others are not known before a row is written. */
const isStored = ({ isGenerated }: Column): boolean => !isGenerated

/**
 * The columns by which a row would be told otherwise. Where something of it comes from what only the database, or code of the
 * entity's own, knows how to read, that may be any.
 */
export const toldColumns = (entity: Entity, columns: readonly Column[]): readonly Column[] => {
  const own = columns.filter((column) => !isOurs(column))
  return entity.read === undefined ? picked(own, toldNames(entity)) : own.filter(isStored)
}

/** The columns that a key which the table has itself is made of. */
export const keyColumns = (entity: Entity, columns: readonly Column[]): readonly Column[] =>
  picked(
    columns.filter((column) => !isOurs(column)),
    ownColumns(entity),
  )

/** The names of the columns that an entity's definition tells of. */
export const toldNames = (entity: Entity): readonly string[] => [
  ...Object.values(entity.attributes).flatMap(columnsOf),
  ...ownColumns(entity),
]

/** The same of the rows of a list. */
export const toldColumnsOfList = (list: ChildRows, columns: readonly Column[]): readonly Column[] =>
  picked(columns, namesOfList(list))

/** The names of the columns that a list tells of. */
export const namesOfList = ({ attributes, parentColumns, positionColumn }: ChildRows): readonly string[] => [
  ...Object.values(attributes).flatMap(columnsOf),
  ...parentColumns,
  positionColumn,
]

const picked = (columns: readonly Column[], names: readonly string[]): readonly Column[] => {
  const told = columns.filter(({ name }) => names.some((one) => isSame(one, name)))
  return told.every(isStored) ? told : columns.filter((column) => isStored(column) && !isOurs(column))
}

/** Kinds of columns that are compared by a collation, which may take others for the same. */
const TEXTS: ReadonlySet<string> = new Set([
  'char',
  'varchar',
  'tinytext',
  'text',
  'mediumtext',
  'longtext',
  'enum',
  'set',
  'json',
])

const differs = ({ name, type }: Column): string => {
  const [is, was] = [`NEW.${quoted(name)}`, `OLD.${quoted(name)}`]
  const bytes = (value: string): string =>
    type === 'json' ? `CAST(CAST(${value} AS CHAR) AS BINARY)` : `CAST(${value} AS BINARY)`
  if (TEXTS.has(type)) return `NOT (${bytes(is)} <=> ${bytes(was)})`
  // Twice a year two moments look the same in a session's time zone.
  if (type === 'timestamp') return `NOT (UNIX_TIMESTAMP(${is}) <=> UNIX_TIMESTAMP(${was}))`
  return `NOT (${is} <=> ${was})`
}

/** Whether an update has changed any of some columns, in bytes. */
export const haveChanged = (columns: readonly Column[]): string =>
  columns.length === 0 ? 'FALSE' : `(${columns.map(differs).join(' OR ')})`

const BINARIES: ReadonlySet<string> = new Set([
  'binary',
  'varbinary',
  'tinyblob',
  'blob',
  'mediumblob',
  'longblob',
])
const SHAPES: ReadonlySet<string> = new Set([
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
  'geomcollection',
])

const shown = ({ name, type }: Column, row: string): string => {
  const column = `${row}.${quoted(name)}`
  if (BINARIES.has(type)) return `TO_BASE64(${column})`
  if (SHAPES.has(type)) return `TO_BASE64(ST_AsBinary(${column}))`
  return `CONVERT(CAST(${type === 'bit' ? `${column} + 0` : column} AS CHAR) USING utf8mb4)`
}

/** The legacy table's own columns as a JSON object of texts. */
export const rowAsJson = (columns: readonly Column[], row: string): string =>
  `JSON_OBJECT(${columns
    .filter((column) => !isOurs(column) && isStored(column))
    .map((column) => `${literal(column.name)}, ${shown(column, row)}`)
    .join(', ')})`
