import { type Allowance, allowancesIn } from './lint-allow.ts'
import { lintRules, type Severity } from './lint-rules.ts'
import { type Against, ENTITY_RULES, SCHEMA_RULES } from './lint-schema.ts'
import type { SplitStatement, TextPlace } from './split.ts'

/** One thing that a rule has against a file. */
export type LintFinding = TextPlace & {
  readonly file: string
  readonly rule: string
  readonly severity: Severity
  /** What is wrong, and what to write instead. */
  readonly message: string
}

/** The rule that asks whether a migration can be undone, in a folder where others can. */
export const NO_DOWN = 'no-down'

const NOTHING = { rules: [], against: [] }

/**
 * Looks over one migration. A rule is answered by a comment in the file, with a reason, which holds for the statement
 * behind it: `-- backsync:allow drop-column nobody reads it since 2.4`; up to a day, where it says `until 2027-01-31` before that.
 *
 * @param text of the whole file
 * @param statements the same, divided
 * @param beyond what rules that ask more than the text have against each of the statements, and which were asked
 * @param today as YYYY-MM-DD @default today, UTC
 */
export const lintMigration = (
  file: string,
  text: string,
  statements: readonly SplitStatement[],
  beyond: { readonly rules: readonly string[]; readonly against: readonly (readonly Against[])[] } = NOTHING,
  today: string = new Date().toISOString().slice(0, 10),
): readonly LintFinding[] => {
  const allowances = allowancesIn(text)
  const isPast = ({ until }: Allowance): boolean => until !== undefined && until < today
  const used = new Set<number>()
  const findings = statements.flatMap((statement, at) => {
    const before = statements.slice(0, at).map((one) => one.text)
    const ofText = lintRules.flatMap(({ rule, severity, check }): Against[] => {
      const message = check(statement.text, before)
      return message === undefined ? [] : [{ rule, severity, message }]
    })
    return [...ofText, ...(beyond.against[at] ?? [])].flatMap(
      ({ rule, severity, message }): LintFinding[] => {
        const from = statements[at - 1]?.line ?? 0
        const allowed = allowances.find(
          (one) => one.rule === rule && one.line >= from && one.line <= statement.line && one.reason !== '',
        )
        if (allowed !== undefined) used.add(allowed.line)
        if (allowed !== undefined && !isPast(allowed)) return []
        const past = allowed === undefined ? '' : `; it was allowed until ${allowed.until}`
        return [
          { file, line: statement.line, column: statement.column, rule, severity, message: message + past },
        ]
      },
    )
  })
  const known = [...lintRules.map(({ rule }) => rule), NO_DOWN, ...ENTITY_RULES, ...SCHEMA_RULES]
  const idle = allowances.flatMap(({ line, rule, reason }): LintFinding[] => {
    const isAsked = lintRules.some((one) => one.rule === rule) || beyond.rules.includes(rule)
    if (used.has(line) || (known.includes(rule) && reason !== '' && !isAsked)) return []
    const message = !known.includes(rule)
      ? `there is no rule ${rule || 'without a name'}: there are ${known.join(', ')}`
      : reason === ''
        ? `backsync:allow ${rule} needs a reason behind it`
        : `backsync:allow ${rule} allows nothing: the statement behind it breaks no such rule`
    return [{ file, line, column: 1, rule: 'allow', severity: 'error', message }]
  })
  return [...findings, ...idle].sort((a, b) => a.line - b.line)
}
