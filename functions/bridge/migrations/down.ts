import { createHash } from 'node:crypto'
import type { Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import { firstChange, MigrationError } from './state.ts'
import type { Progress } from './takeover.ts'

/**
 * What undoes a migration, as a migration of its own: its statements are recorded, resumed and asked about as any others are. Its name is
 * the file's, as `0100_dishes.down`.
 */
export const downOf = ({ id, name, downStatements, downPlaces }: Migration): Migration => ({
  ...{ id, name: `${name}.down`, statements: downStatements, downStatements: [] },
  ...(downPlaces !== undefined && { places: downPlaces }),
  checksum: createHash('sha256').update(downStatements.join(';\n')).digest('hex'),
})

/** One migration that is to be undone. */
export type Undoing = {
  readonly migration: Migration
  readonly down: Migration
  /** What is recorded of the undoing, where it was begun. */
  readonly known: AppliedMigration | undefined
}

/**
 * The team's migrations that would be undone, the last first.
 *
 * @param to those with a higher number. @default the last one alone
 * @throws MigrationError where one of them has no down file, or none here, is half done, or is being undone by another file
 */
export const undoingOf = (
  team: readonly Migration[],
  progress: Pick<Progress, 'team' | 'down'>,
  to?: number,
): readonly Undoing[] => {
  const rows = progress.team.filter(({ begun }) => begun > 0).sort((a, b) => b.id - a.id)
  const wanted = to === undefined ? rows.slice(0, 1) : rows.filter(({ id }) => id > to)
  return wanted.map((row): Undoing => {
    const migration = team.find(({ id, name }) => id === row.id && name === row.name)
    const begun = progress.down.find(({ id }) => id === row.id)
    if (migration === undefined)
      throw new MigrationError(`${row.name} is applied, and its file isn't here: bring it back to undo it`)
    if (migration.downStatements.length === 0)
      throw new MigrationError(
        `${row.name} can't be undone: there is no ${row.name}.down.sql. Nothing was undone. Write it, or write a migration ` +
          'that puts right what is wrong, as production has it',
      )
    if (row.finishedAt === null && begun === undefined)
      throw new MigrationError(
        `${row.name} is half done (${row.done} of ${migration.statements.length} statements), and what undoes it counts on all of them: ` +
          'npx backsync migrate up first. Nothing was undone',
      )
    const down = downOf(migration)
    if (begun !== undefined && firstChange(begun, down) !== undefined)
      throw new MigrationError(
        `${row.name}.down.sql was changed in what is done of it (${begun.done} statements): restore that to go on`,
      )
    return { migration, down, known: begun }
  })
}

/** @throws MigrationError while one is being undone: what is applied is neither what it was nor what it will be */
export const requireNoneUndone = ({ down }: Pick<Progress, 'down'>): void => {
  const [row] = down.filter(({ begun }) => begun > 0)
  if (row === undefined) return
  throw new MigrationError(
    `${row.name} is being undone (${row.done} statements of it are done): npx backsync migrate down goes on with it. Nothing was applied`,
  )
}
