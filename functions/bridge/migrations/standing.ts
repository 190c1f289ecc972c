import { shapeOf } from '../drivers/data-api/statement-shape.ts'
import type { AppliedMigration } from './ledger.ts'
import type { LineName, Recorded } from './lines.ts'
import type { TextPlace } from './split.ts'
import { firstChange } from './state.ts'
import { kindOfStatement, type StatementKind } from './statement-kind.ts'
import { type LookAt, migrationSteps } from './steps.ts'

/** Where one statement stands: as a step that is not done, or `done`, or `changed` in the file since it was done. */
export type StatementStanding = {
  readonly statement: number
  readonly place: TextPlace | undefined
  readonly state: 'done' | 'changed' | 'not begun' | 'interrupted' | 'unknown'
  readonly kind: StatementKind
  /** Without its values. */
  readonly shape: string
}

/**
 * Where one migration stands.
 * - `changed`: the file isn't what was done; `out of order`: it is pending, and a later one is applied. Both are refused by `apply`.
 * - `unknown`: a person has to tell what became of a statement.
 * - `missing`: it is recorded, and its file isn't here.
 */
export type MigrationStanding = {
  readonly line: LineName
  readonly migration: string
  readonly state: 'applied' | 'pending' | 'interrupted' | 'unknown' | 'changed' | 'out of order' | 'missing'
  readonly done: number
  readonly appliedAt: string | null
  readonly by: string | null
  readonly statements: readonly StatementStanding[]
}

/** @param newest the highest number that is begun in its line */
export const migrationStanding = async (
  recorded: Recorded,
  newest: number,
  untransacted: LookAt,
): Promise<MigrationStanding> => {
  const { line, migration, known } = recorded
  const change = known && firstChange(known, migration)
  const steps = new Map(
    (await migrationSteps(recorded, { untransacted })).map((step) => [step.statement, step]),
  )
  const statements = migration.statements.map((text, at): StatementStanding => {
    const step = steps.get(at + 1)
    return {
      ...{ statement: at + 1, place: migration.places?.[at] },
      state: change?.at === at ? 'changed' : (step?.state ?? 'done'),
      ...{ kind: step?.kind ?? kindOfStatement(text), shape: shapeOf(text) },
    }
  })
  const isBegun = known !== undefined && known.begun > 0
  const state = (): MigrationStanding['state'] => {
    if (change !== undefined) return 'changed'
    if (!isBegun) return migration.id < newest ? 'out of order' : 'pending'
    if (known.finishedAt !== null) return 'applied'
    return statements.some((one) => one.state === 'unknown') ? 'unknown' : 'interrupted'
  }
  return {
    ...{ line, migration: migration.name, state: state(), statements, done: known?.done ?? 0 },
    ...{ appliedAt: known?.finishedAt ?? null, by: isBegun ? known.by : null },
  }
}

/** What is recorded and has no file here. */
export const missingStanding = (
  line: LineName,
  { name, done, finishedAt, by }: AppliedMigration,
): MigrationStanding => ({
  ...{ line, migration: name, state: 'missing', done, appliedAt: finishedAt, by, statements: [] },
})
