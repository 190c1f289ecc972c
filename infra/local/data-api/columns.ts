import type { FieldPacket } from 'mysql2'

/** A result column as the MySQL protocol describes it, in the words of the protocol. */
export type Column = {
  /** the alias, or the column's name */
  readonly label: string
  /** the column's own name; empty for an expression */
  readonly name: string
  /** the base table; empty for an expression */
  readonly table: string
  /** MySQL's type number, see `types` */
  readonly type: number
  /** the display width: digits of a number, bytes of a text */
  readonly length: number
  /** digits after the point; 31 for a floating-point number without a declared scale */
  readonly decimals: number
  /** collation number; 63 is binary */
  readonly charset: number
  readonly flags: number
  /** true for a JSON column, which MariaDB keeps as text */
  readonly json: boolean
}

/** @see https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html */
export const types = {
  DECIMAL: 0,
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  NULL: 6,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
  VARCHAR: 15,
  BIT: 16,
  VECTOR: 242,
  JSON: 245,
  NEWDECIMAL: 246,
  ENUM: 247,
  SET: 248,
  TINY_BLOB: 249,
  MEDIUM_BLOB: 250,
  LONG_BLOB: 251,
  BLOB: 252,
  VAR_STRING: 253,
  STRING: 254,
  GEOMETRY: 255,
} as const

/** @see https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html */
const flags = { NOT_NULL: 1, UNSIGNED: 32, BINARY: 128, ENUM: 256, AUTO_INCREMENT: 512, SET: 2048 } as const

const BINARY_CHARSET = 63
/** Text comes over in utf8mb4, whose characters take up to four bytes; the protocol's length counts these. */
const BYTES_PER_CHARACTER = 4

export const isUnsigned = (column: Column): boolean => (column.flags & flags.UNSIGNED) !== 0
export const isBinary = (column: Column): boolean => column.charset === BINARY_CHARSET

export const readColumn = (field: FieldPacket): Column => ({
  label: field.name,
  name: field.orgName,
  table: field.orgTable,
  type: field.columnType ?? field.type ?? types.NULL,
  length: field.columnLength ?? 0,
  decimals: field.decimals,
  charset: field.characterSet ?? BINARY_CHARSET,
  // mysql2 gives the number; its declaration also allows the list that the older mysql package gave.
  flags: typeof field.flags === 'number' ? field.flags : 0,
  json: field.extendedFormat === 'json' || field.columnType === types.JSON,
})

/** JDBC's type codes (java.sql.Types), which `columnMetadata.type` carries. */
const jdbc = {
  BIT: -7,
  TINYINT: -6,
  SMALLINT: 5,
  INTEGER: 4,
  BIGINT: -5,
  REAL: 7,
  DOUBLE: 8,
  DECIMAL: 3,
  CHAR: 1,
  VARCHAR: 12,
  LONGVARCHAR: -1,
  BINARY: -2,
  VARBINARY: -3,
  LONGVARBINARY: -4,
  DATE: 91,
  TIME: 92,
  TIMESTAMP: 93,
  NULL: 0,
  OTHER: 1111,
} as const

type SqlType = { readonly type: number; readonly name: string }

const integers: Readonly<Record<number, SqlType>> = {
  [types.TINY]: { type: jdbc.TINYINT, name: 'TINYINT' },
  [types.SHORT]: { type: jdbc.SMALLINT, name: 'SMALLINT' },
  [types.INT24]: { type: jdbc.INTEGER, name: 'MEDIUMINT' },
  [types.LONG]: { type: jdbc.INTEGER, name: 'INT' },
  [types.LONGLONG]: { type: jdbc.BIGINT, name: 'BIGINT' },
}

const others: Readonly<Record<number, SqlType>> = {
  [types.FLOAT]: { type: jdbc.REAL, name: 'FLOAT' },
  [types.DOUBLE]: { type: jdbc.DOUBLE, name: 'DOUBLE' },
  [types.DECIMAL]: { type: jdbc.DECIMAL, name: 'DECIMAL' },
  [types.NEWDECIMAL]: { type: jdbc.DECIMAL, name: 'DECIMAL' },
  [types.DATE]: { type: jdbc.DATE, name: 'DATE' },
  [types.YEAR]: { type: jdbc.DATE, name: 'YEAR' },
  [types.TIME]: { type: jdbc.TIME, name: 'TIME' },
  [types.DATETIME]: { type: jdbc.TIMESTAMP, name: 'DATETIME' },
  [types.TIMESTAMP]: { type: jdbc.TIMESTAMP, name: 'TIMESTAMP' },
  [types.NULL]: { type: jdbc.NULL, name: 'NULL' },
  [types.ENUM]: { type: jdbc.CHAR, name: 'ENUM' },
  [types.SET]: { type: jdbc.CHAR, name: 'SET' },
  [types.GEOMETRY]: { type: jdbc.BINARY, name: 'GEOMETRY' },
  [types.VECTOR]: { type: jdbc.OTHER, name: 'VECTOR' },
}

/** A BLOB or TEXT in its four sizes, told by the protocol's length. */
const sized = (column: Column): SqlType => {
  const size = ['TINY', '', 'MEDIUM'][
    [255, 65_535, 16_777_215].findIndex(
      (limit) => column.length <= limit * (isBinary(column) ? 1 : BYTES_PER_CHARACTER),
    )
  ]
  return isBinary(column)
    ? { type: jdbc.LONGVARBINARY, name: `${size ?? 'LONG'}BLOB` }
    : { type: jdbc.LONGVARCHAR, name: `${size ?? 'LONG'}TEXT` }
}

const strings = (column: Column): SqlType => {
  if ((column.flags & flags.ENUM) !== 0) return { type: jdbc.CHAR, name: 'ENUM' }
  if ((column.flags & flags.SET) !== 0) return { type: jdbc.CHAR, name: 'SET' }
  if (column.type === types.STRING) {
    return isBinary(column) ? { type: jdbc.BINARY, name: 'BINARY' } : { type: jdbc.CHAR, name: 'CHAR' }
  }
  return isBinary(column)
    ? { type: jdbc.VARBINARY, name: 'VARBINARY' }
    : { type: jdbc.VARCHAR, name: 'VARCHAR' }
}

const isText = (column: Column): boolean =>
  column.json ||
  [types.VARCHAR, types.VAR_STRING, types.STRING, types.ENUM, types.SET].some(
    (type) => type === column.type,
  ) ||
  isBlobType(column.type)

const isBlobType = (type: number): boolean => type >= types.TINY_BLOB && type <= types.BLOB

const isDecimal = (type: number): boolean => type === types.DECIMAL || type === types.NEWDECIMAL

/** BOOL is TINYINT(1): a width of one is all that tells it from a number. */
export const isBoolean = (column: Column): boolean => column.type === types.TINY && column.length === 1

const sqlType = (column: Column): SqlType => {
  if (column.json) return { type: jdbc.LONGVARCHAR, name: 'JSON' }
  if (column.type === types.BIT) return { type: column.length === 1 ? jdbc.BIT : jdbc.VARBINARY, name: 'BIT' }
  if (isBoolean(column)) return { type: jdbc.BIT, name: isUnsigned(column) ? 'TINYINT UNSIGNED' : 'TINYINT' }
  const integer = integers[column.type]
  if (integer) return isUnsigned(column) ? { ...integer, name: `${integer.name} UNSIGNED` } : integer
  if (isBlobType(column.type)) return sized(column)
  const other = others[column.type] ?? strings(column)
  const numeric = isDecimal(column.type) || column.type === types.FLOAT || column.type === types.DOUBLE
  return numeric && isUnsigned(column) ? { ...other, name: `${other.name} UNSIGNED` } : other
}

/** A DECIMAL's protocol length has a place for the sign and one for the point. */
const precisionOf = (column: Column): number => {
  if (isDecimal(column.type))
    return column.length - (column.decimals > 0 ? 1 : 0) - (isUnsigned(column) ? 0 : 1)
  if (isText(column) && !isBinary(column)) return Math.floor(column.length / BYTES_PER_CHARACTER)
  return column.length
}

const isNumeric = (column: Column): boolean =>
  Object.hasOwn(integers, column.type) ||
  isDecimal(column.type) ||
  column.type === types.FLOAT ||
  column.type === types.DOUBLE

/** The type's name as MySQL and `columnMetadata.typeName` write it. */
export const typeNameOf = (column: Column): string => sqlType(column).name

/**
 * One entry of `columnMetadata`, with all 14 members.
 *
 * `isCaseSensitive` follows the binary flag, which MySQL sets for `_bin` collations: the protocol doesn't carry a
 * column's own collation.
 */
export const columnMetadata = (column: Column) => {
  const { type, name } = sqlType(column)
  return {
    arrayBaseColumnType: 0,
    isAutoIncrement: (column.flags & flags.AUTO_INCREMENT) !== 0,
    isCaseSensitive: isText(column) && (column.flags & flags.BINARY) !== 0,
    isCurrency: false,
    isSigned: isNumeric(column) && !isUnsigned(column),
    label: column.label,
    name: column.name || column.label,
    nullable: (column.flags & flags.NOT_NULL) === 0 ? 1 : 0,
    precision: precisionOf(column),
    // 31 is MySQL's mark for "not fixed".
    scale: (isNumeric(column) || column.decimals <= 6) && column.decimals < 31 ? column.decimals : 0,
    schemaName: '',
    tableName: column.table,
    type,
    typeName: name,
  }
}
