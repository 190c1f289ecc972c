import Table from 'cli-table3'
import { bold, type Io } from './io.ts'

/** A value as JSON; versions, which may have 50 digits, are text. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one), indent)

/** One JSON document a line, for each result. */
export const printJsonLines = (io: Io, results: readonly unknown[]): void => {
  for (const result of results) io.stdout.write(`${toJson(result)}\n`)
}

/** One JSON document. */
export const printJson = (io: Io, result: unknown): void => {
  io.stdout.write(`${toJson(result, 2)}\n`)
}

export const printLine = (io: Io, text: string): void => {
  io.stdout.write(`${text}\n`)
}

/** Names and values, a line each; what is absent is left out. */
export const printFacts = (io: Io, facts: Readonly<Record<string, string | undefined>>): void => {
  const present = Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined)
  const width = Math.max(...present.map(([name]) => name.length))
  for (const [name, value] of present)
    printLine(io, `${bold(io, io.stdout, name.padEnd(width))}  ${printable(value)}`)
}

/**
 * A table without lines, for people.
 *
 * @param limit of rows; the rest is counted. @default all
 */
export const printTable = (
  io: Io,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  limit = Number.POSITIVE_INFINITY,
): void => {
  const table = new Table({
    head: head.map((name) => bold(io, io.stdout, name)),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.slice(0, limit).map((row) => row.map(printable)))
  for (const line of table.toString().split('\n')) printLine(io, line.trimEnd())
  if (rows.length > limit) printLine(io, `and ${rows.length - limit} more`)
}

/** Keys are anybody's text: control characters, which could move the cursor or pass for another line, are shown. */
const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (sign) => `\\u${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}
