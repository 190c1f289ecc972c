import { type RawBuilder, sql } from 'kysely'
import type { Column } from './catalogue.ts'

type Sql = RawBuilder<unknown>

/** The values that a column's kind can hold, counted from 0: some of them at least, and no two of one meaning. */
export type SpareValues = {
  /** How many there are. */
  readonly size: bigint
  /** How many of the first are as ordinary as can be, so that a rule of the schema is least likely to refuse them. */
  readonly ordinary: bigint
  /** @param n below `size` */
  text(n: bigint): string
  /** What is stored, and compared with the column, of such a text. */
  readonly stored: (text: Sql) => Sql
}

/** Bits of the whole numbers, by type. */
const BITS: Readonly<Record<string, bigint>> = {
  tinyint: 8n,
  smallint: 16n,
  mediumint: 24n,
  int: 32n,
  bigint: 64n,
}
const DAYS = 3_287_182n
const TEN = 10n
/** Capital letters are left out, which most collations take for small ones, and what ends a text as padding would. */
const SYMBOLS = '0123456789abcdefghijklmnopqrstuvwxyz!#$%&()*+,-./:;<=>?@[]^_{|}~'
const CHARACTERS = BigInt(SYMBOLS.length)
/** So many characters or bytes are enough. */
const WIDEST = 12

/** @returns undefined for a type of which nothing is known */
export const spareValues = (column: Column): SpareValues | undefined => {
  const { type, definition, length = 0, precision = 0, scale = 0 } = column
  const bits = BITS[type]
  if (bits !== undefined) return whole(bits, definition.includes('unsigned'))
  switch (type) {
    case 'bit':
      return all(2n ** BigInt(precision), unsigned)
    case 'year':
      return all(255n, unsigned, (n) => String(2155n - n))
    case 'enum':
      return all(BigInt(membersOf(definition)), unsigned, (n) => String(n + 1n))
    case 'set':
      return all(2n ** BigInt(membersOf(definition)), unsigned)
    case 'decimal':
      return all(TEN ** BigInt(precision), castTo(`DECIMAL(${precision}, ${scale})`), decimal(scale))
    case 'float':
    case 'double':
      return floating(type, column)
    case 'date':
      return all(DAYS, (text) => sql`CAST(DATE_ADD('1000-01-01', INTERVAL ${signed(text)} DAY) AS DATE)`)
    case 'datetime':
      return all(
        2n ** 31n,
        (text) => sql`CAST(DATE_ADD('1000-01-01', INTERVAL ${signed(text)} SECOND) AS DATETIME)`,
      )
    case 'timestamp':
      return all(2n ** 31n - 2n, (text) => sql`FROM_UNIXTIME(${signed(text)} + 1)`)
    case 'time':
      return all(3_020_400n, (text) => sql`SEC_TO_TIME(${signed(text)})`)
    case 'uuid':
      return all(2n ** 60n, (text) => text, uuid)
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return texts(column, Math.min(length, WIDEST))
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return bytes(Math.min(length, WIDEST))
    default:
      return undefined
  }
}

const signed = (text: Sql): Sql => sql`CAST(${text} AS SIGNED)`
const unsigned = (text: Sql): Sql => sql`CAST(${text} AS UNSIGNED)`
const castTo = (type: string) => (text: Sql) => sql`CAST(${text} AS ${sql.raw(type)})`

const all = (
  size: bigint,
  stored: SpareValues['stored'],
  text: SpareValues['text'] = (n) => String(n),
): SpareValues => ({ size, ordinary: size, text, stored })

/** From the largest downwards. */
const whole = (bits: bigint, isUnsigned: boolean): SpareValues => {
  const size = 2n ** bits
  const ordinary = isUnsigned ? size : size / 2n
  return { size, ordinary, text: (n) => String(ordinary - 1n - n), stored: isUnsigned ? unsigned : signed }
}

const decimal = (scale: number) => (n: bigint) => {
  if (scale === 0) return String(n)
  const digits = String(n).padStart(scale + 1, '0')
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Digits that each of the two keeps, whatever they stand for. */
const floating = (type: 'float' | 'double', { precision = 0, scale }: Column): SpareValues => {
  const kept = type === 'float' ? 6 : 15
  // Without a scale the precision is the type's own.
  const size = TEN ** BigInt(scale === undefined ? kept : Math.min(precision, kept))
  return all(size, (text) => sql`(${text} + 0e0)`, decimal(scale ?? 0))
}

const uuid = (n: bigint): string => {
  const hex = n.toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const texts = ({ charset = 'utf8mb4', collation }: Column, width: number): SpareValues | undefined =>
  width < 1
    ? undefined
    : all(
        CHARACTERS ** BigInt(width),
        // Two columns with collations of their own can't be compared.
        (text) =>
          sql.join(
            [converted(text, charset), ...(collation === undefined ? [] : [collate(collation)])],
            sql` `,
          ),
        (n) => digitsOf(n, width),
      )

const converted = (text: Sql, charset: string): Sql => sql`CONVERT(${text} USING ${sql.raw(charset)})`
const collate = (collation: string): Sql => sql`COLLATE ${sql.raw(collation)}`

const digitsOf = (n: bigint, width: number): string => {
  let text = ''
  for (let rest = n; text.length < width; rest /= CHARACTERS)
    text = SYMBOLS.charAt(Number(rest % CHARACTERS)) + text
  return text
}

const bytes = (width: number): SpareValues | undefined =>
  width < 1
    ? undefined
    : all(
        256n ** BigInt(width),
        (text) => sql`UNHEX(${text})`,
        (n) => n.toString(16).padStart(width * 2, '0'),
      )

/** How many words an ENUM or a SET has; a quote in one of them is written twice. */
const membersOf = (definition: string): number => definition.match(/'(?:[^']|'')*'/g)?.length ?? 0
