import type { Expected } from '../../../../functions/bridge/migrations/expected.ts'
import type { MigrationStep } from '../../../../functions/bridge/migrations/steps.ts'
import type { Context } from '../../conventions/command.ts'
import { duration } from '../../conventions/figures.ts'
import { printLine } from '../../conventions/results.ts'
import { nameOfLine } from './words.ts'

/** What becomes of a statement should its answer be lost. */
const SAFETY: Readonly<Record<MigrationStep['kind'], string>> = {
  rows: 'in one transaction with its record',
  schema: 'recorded behind it; sent again, the server tells whether it was done',
  other: 'recorded behind it; should its answer be lost, "migrate repair" asks',
}

const STATE: Readonly<Record<MigrationStep['state'], string>> = {
  'not begun': '',
  interrupted: '; begun before: this run finds out whether it is done',
  unknown: '; begun before: refused until "migrate repair" says what became of it',
}

/** Each statement with what it is, as SQL whose comments say so. */
export const showSteps = ({ io }: Pick<Context, 'io'>, steps: readonly MigrationStep[]): void => {
  for (const {
    line,
    migration,
    statement,
    of,
    place,
    kind,
    needsDirect,
    state,
    sql,
    orElse,
    expected,
  } of steps) {
    const at = place === undefined ? '' : `, line ${place.line}`
    const way = needsDirect ? '; over the direct connection' : ''
    printLine(
      io,
      `-- ${nameOfLine(line, migration)}, statement ${statement} of ${of}${at}: ${SAFETY[kind]}${way}${STATE[state]}`,
    )
    if (expected !== null) printLine(io, `--   ${wayOf(expected)}`)
    printLine(io, `${sql};`)
    for (const way of orElse)
      printLine(io, `-- or, where the server refuses that for its ALGORITHM:\n${way};`)
  }
}

const LOCKED: Readonly<Record<Expected['lock'], string>> = {
  NONE: 'others read and write meanwhile',
  SHARED: 'nobody else writes to it meanwhile',
  EXCLUSIVE: 'nobody else reads or writes it meanwhile',
}

/** `expected: INPLACE, LOCK=NONE, on about 5000 rows (2 MB): others read and write meanwhile; some 3 s, by its size` */
const wayOf = ({ algorithm, lock, rows, bytes, seconds, writes, refused }: Expected): string => {
  const asked =
    refused === undefined ? '' : `; it asks for ${refused}, which the server is expected to refuse`
  const time = writes === 'nothing' ? 'at once' : `a guess of ${duration(Math.max(1, seconds))} by its size`
  const much = `about ${rows} rows, ${(bytes / 1e6).toFixed(1)} MB, as the server estimates`
  return `expected: ${algorithm}, LOCK=${lock} (${LOCKED[lock]}); ${time}; ${much}${asked}`
}

/** How many of how many files, in words. */
export const countOf = (steps: readonly MigrationStep[]): string => {
  const files = new Set(steps.map(({ line, migration }) => nameOfLine(line, migration))).size
  return `${steps.length} ${steps.length === 1 ? 'statement' : 'statements'} of ${files} ${files === 1 ? 'migration' : 'migrations'}`
}
