import { scan } from './scan.ts'
import { placeAt } from './split.ts'

/** What a comment allows: `-- backsync:allow RULE REASON`. */
export type Allowance = { readonly line: number; readonly rule: string; readonly reason: string }

const ALLOW = /backsync:allow(?:[ \t]+(?<rule>[\w-]+))?(?:[ \t]+(?<reason>[^\n]*?))?\s*(?:\*\/)?$/

/** @throws SqlTextError */
export const allowancesIn = (text: string): readonly Allowance[] =>
  scan(text).comments.flatMap(({ from, to }) => {
    const found = ALLOW.exec(text.slice(from, to))?.groups
    if (found === undefined) return []
    return [{ line: placeAt(text, from).line, rule: found.rule ?? '', reason: found.reason ?? '' }]
  })
