import type { ServerVersion } from './server-version.ts'
import type { ColumnFacts, SqlTableFacts } from './table-facts.ts'

/** What a MODIFY or CHANGE makes of a column that is there. */
export type ColumnChange = {
  /**
   * - `no`: default or comment at most
   * - `grows`: its type holds more, in the same form
   * - `other`: each value has to be written anew
   */
  readonly type: 'no' | 'grows' | 'other'
  readonly nullability: 'no' | 'to NULL' | 'to NOT NULL'
}

const SYNONYMS: Readonly<Record<string, string>> = {
  integer: 'int',
  bool: 'tinyint(1)',
  boolean: 'tinyint(1)',
  dec: 'decimal',
  numeric: 'decimal',
  fixed: 'decimal',
}
const TYPE =
  /^(?<word>[a-z]+(?: precision)?)\s*(?<args>\((?:[^()']|'(?:[^'\\]|\\[\s\S]|'')*')*\))?(?<sign>(?:\s+(?:unsigned|zerofill))*)/i
const WHOLE = /^(?:tinyint|smallint|mediumint|int|bigint)/

type Type = { readonly word: string; readonly args: string; readonly sign: string }

const typeOf = (text: string): Type => {
  const { word = '', args = '', sign = '' } = TYPE.exec(text.trim())?.groups ?? {}
  const plain = word.toLowerCase()
  // Its display width is no part of a whole number's form.
  const bare = WHOLE.test(plain)
    ? ''
    : args.replaceAll(/\s*,\s*/g, ',').replaceAll(/\(\s+|\s+\)/g, (edge) => edge.trim())
  return {
    word: SYNONYMS[plain]?.replace('(1)', '') ?? plain,
    args: bare,
    sign: sign.toLowerCase().replaceAll(/\s+/g, ' ').trim(),
  }
}

const listOf = (args: string): string[] =>
  [...args.matchAll(/'(?:[^'\\]|\\[\s\S]|'')*'/g)].map(([value]) => value)

/** @param definition behind the column's name: `VARCHAR(63) NULL` */
export const columnChange = (
  definition: string,
  before: ColumnFacts,
  { table, version }: { readonly table: SqlTableFacts; readonly version: ServerVersion },
): ColumnChange => {
  const isNullable = !/\bNOT\s+NULL\b|\bPRIMARY\s+KEY\b/i.test(definition)
  const nullability = isNullable === before.isNullable ? 'no' : isNullable ? 'to NULL' : 'to NOT NULL'
  return {
    type: hasOtherText(definition, before, table) ? 'other' : typeChange(definition, before, version),
    nullability,
  }
}

/** Whether its character set or collation is another; without one of its own it is the table's. */
const hasOtherText = (definition: string, before: ColumnFacts, table: SqlTableFacts): boolean => {
  if (before.charset === undefined) return false
  const collation = /\bCOLLATE\s*=?\s*(\w+)/i.exec(definition)?.[1]?.toLowerCase()
  const charset = /\b(?:CHARACTER\s+SET|CHARSET)\s*=?\s*(\w+)/i.exec(definition)?.[1]?.toLowerCase()
  if (collation !== undefined) return collation !== before.collation
  if (charset !== undefined) return charset !== before.charset
  return before.collation !== table.collation
}

const typeChange = (
  definition: string,
  before: ColumnFacts,
  version: ServerVersion,
): ColumnChange['type'] => {
  const [was, is] = [typeOf(before.type), typeOf(definition)]
  if (was.word !== is.word || was.sign !== is.sign) return 'other'
  if (was.args === is.args) return 'no'
  if (is.word === 'enum' || is.word === 'set') {
    const [old, now] = [listOf(was.args), listOf(is.args)]
    const most = is.word === 'enum' ? 255 : 8
    const isSameSize =
      is.word === 'enum'
        ? old.length > most === now.length > most
        : Math.ceil(old.length / most) === Math.ceil(now.length / most)
    return isSameSize && old.every((value, at) => now[at] === value) ? 'grows' : 'other'
  }
  if (is.word !== 'varchar' && is.word !== 'varbinary') return 'other'
  const bytes = ({ args }: Type): number => Number(/\d+/.exec(args)?.[0] ?? 0) * before.bytesPerCharacter
  if (bytes(is) < bytes(was)) return 'other'
  // Beyond 255 bytes a length takes two; MariaDB adds the second without writing the rows anew.
  return bytes(was) <= 255 && bytes(is) > 255 && version.flavour === 'MySQL' ? 'other' : 'grows'
}
