import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Migration, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { type LintFinding, lintMigration, NO_DOWN } from '../../../../functions/bridge/migrations/lint.ts'
import type { Against } from '../../../../functions/bridge/migrations/lint-schema.ts'
import { splitStatements } from '../../../../functions/bridge/migrations/split.ts'
import type { Context } from '../../conventions/command.ts'
import { usageError } from '../../conventions/errors.ts'
import { EXIT, type ExitCode } from '../../conventions/exit-codes.ts'
import { printJsonLines, printLine } from '../../conventions/results.ts'
import { MIGRATIONS } from '../../target/checkout.ts'
import { openLintLook } from '../../target/open-lint-look.ts'

export type LintOptions = {
  readonly format?: 'text' | 'json' | 'github' | undefined
  readonly schema?: boolean | undefined
  readonly folder?: string | undefined
}

/** @throws MigrationFilesError where a file can't be divided into statements; CliError for a migration that there is not */
export const runLint = async (
  context: Context,
  names: readonly string[],
  { format = context.json ? 'json' : 'text', folder = MIGRATIONS }: LintOptions,
): Promise<ExitCode> => {
  const { io } = context
  const migrations = readMigrations(folder)
  const known = migrations.map(({ name }) => name)
  const stranger = names.find((name) => !known.includes(name))
  if (stranger !== undefined)
    throw usageError(`${folder} has no migration ${stranger}`, `it has ${known.join(', ') || 'none'}`)
  const wanted = names.length > 0 ? names : known
  const look = await openLintLook(context, folder)
  const findings: LintFinding[] = []
  for (const name of wanted) {
    const path = join(folder, `${name}.up.sql`)
    const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
    const statements = splitStatements(text)
    const { rules, against } = await look.beyond(name, statements)
    const [first = [], ...rest] = against
    const beyond = {
      rules: [...rules, NO_DOWN],
      against: [[...first, ...withoutDown(name, migrations)], ...rest],
    }
    findings.push(...lintMigration(relative(process.cwd(), path), text, statements, beyond))
  }
  if (format === 'json') printJsonLines(io, findings)
  else
    for (const finding of findings)
      printLine(io, format === 'github' ? annotationOf(finding) : textOf(finding))
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (format === 'text')
    printLine(io, `${wanted.length} looked over: ${errors} errors, ${findings.length - errors} warnings`)
  return errors === 0 ? EXIT.done : EXIT.differences
}

/** Where a team writes how its migrations are undone, the one that doesn't say so was forgotten. */
const withoutDown = (name: string, migrations: readonly Migration[]): readonly Against[] => {
  const hasDown = ({ downStatements }: Migration): boolean => downStatements.length > 0
  const own = migrations.find((one) => one.name === name)
  if (own === undefined || hasDown(own) || !migrations.some(hasDown)) return []
  const message = `there is no ${name}.down.sql, as others have: npx backsync migrate down could not undo it`
  return [{ rule: NO_DOWN, severity: 'warning', message }]
}

const textOf = ({ file, line, column, severity, rule, message }: LintFinding): string =>
  `${file}:${line}:${column} ${severity} ${rule}: ${message}`

/** @see https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions */
const annotationOf = ({ file, line, column, severity, rule, message }: LintFinding): string =>
  `::${severity} file=${property(file)},line=${line},col=${column},title=${property(rule)}::${escaped(message)}`

const escaped = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
