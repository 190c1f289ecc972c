import { scan } from './scan.ts'
import { placeAt } from './split.ts'

/** What a comment allows: `-- backsync:allow RULE [until 2027-01-31] REASON`. */
export type Allowance = {
  readonly line: number
  readonly rule: string
  readonly reason: string
  /** The last day on which it holds, as YYYY-MM-DD. @default it holds for good */
  readonly until?: string
}

const ALLOW =
  /backsync:allow(?:[ \t]+(?<rule>[\w-]+))?(?:[ \t]+until[ \t]+(?<until>\d{4}-\d\d-\d\d)(?!\S))?(?:[ \t]+(?<reason>[^\n]*?))?\s*(?:\*\/)?$/

/** @throws SqlTextError */
export const allowancesIn = (text: string): readonly Allowance[] =>
  scan(text).comments.flatMap(({ from, to }) => {
    const found = ALLOW.exec(text.slice(from, to))?.groups
    if (found === undefined) return []
    const { rule = '', reason = '', until } = found
    return [{ line: placeAt(text, from).line, rule, reason, ...(until !== undefined && { until }) }]
  })
