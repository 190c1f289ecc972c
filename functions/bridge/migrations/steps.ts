import type { Expected } from './expected.ts'
import type { LineName, Recorded } from './lines.ts'
import { onlineWays } from './online.ts'
import type { TextPlace } from './split.ts'
import { kindOfStatement, type StatementKind } from './statement-kind.ts'
import { isUndecided, marked } from './unfinished.ts'
import { isUnpreparable } from './unpreparable.ts'
import type { Untransacted } from './untransacted.ts'

/** One statement that `apply` would send. */
export type MigrationStep = {
  readonly line: LineName
  readonly migration: string
  /** Its number in the file, from 1 on, and how many the file has. */
  readonly statement: number
  readonly of: number
  /** Where it begins in the file. */
  readonly place: TextPlace | undefined
  readonly kind: StatementKind
  /** It is in one transaction with its record: done once, whatever breaks. */
  readonly sharesTransaction: boolean
  /** MySQL doesn't prepare it, so that the Data API can't run it. */
  readonly needsDirect: boolean
  /**
   * - `not begun`
   * - `interrupted`: it was begun, and the next run finds out by itself whether it is done
   * - `unknown`: it was begun, and a person has to tell
   */
  readonly state: 'not begun' | 'interrupted' | 'unknown'
  /** Exactly what is sent. */
  readonly sql: string
  /** What is sent where the server refuses ALGORITHM or LOCK of that, in this order. */
  readonly orElse: readonly string[]
  /** How a change of a table that is there is expected to be done; null of anything else. */
  readonly expected: Expected | null
}

/** What is asked of the database about a statement: what it may reach of which no transaction undoes anything. */
export type LookAt = (statement: string) => Promise<Untransacted | undefined>

/** How steps are looked at. */
export type Looking = {
  readonly untransacted: LookAt
  /** How a change of a table is expected to be done. @default nothing is asked */
  readonly expected?: (statement: string) => Promise<Expected | undefined>
  /** Whether changes of tables get clauses of ALGORITHM and LOCK. @default false */
  readonly online?: boolean | undefined
}

/**
 * The statements of a migration that are not done, in their order.
 */
export const migrationSteps = async (
  { line, migration, known }: Recorded,
  { untransacted, expected, online = false }: Looking,
): Promise<readonly MigrationStep[]> => {
  const done = known?.done ?? 0
  const steps: MigrationStep[] = []
  for (const [at, text] of migration.statements.entries()) {
    if (at < done) continue
    const written = kindOfStatement(text)
    const beyond = written === 'rows' ? await untransacted(text) : undefined
    const kind = beyond === undefined ? written : 'other'
    const unfinished = at === done && known !== undefined && known.begun > done ? known : undefined
    const [sql = '', ...orElse] = (online && kind !== 'rows' ? onlineWays(text) : [text]).map((way) =>
      kind === 'rows' ? way : marked(migration, at, way),
    )
    const isAsked = unfinished !== undefined && isUndecided(migration, at, { unfinished, kind })
    steps.push({
      ...{ line, migration: migration.name, statement: at + 1, of: migration.statements.length },
      ...{ place: migration.places?.[at], kind, sharesTransaction: kind === 'rows' },
      needsDirect: isUnpreparable(text),
      state: unfinished === undefined ? 'not begun' : isAsked ? 'unknown' : 'interrupted',
      ...{ sql, orElse, expected: (await expected?.(text)) ?? null },
    })
  }
  return steps
}
