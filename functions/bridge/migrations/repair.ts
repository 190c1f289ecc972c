import { downOf } from './down.ts'
import type { Migration } from './files.ts'
import type { AppliedMigration, LockProof } from './ledger.ts'
import type { MigrationLedgers } from './ledgers.ts'
import { type LineName, recordedOf } from './lines.ts'
import { checkLine, MigrationError, type Repair } from './state.ts'
import type { Progress } from './takeover.ts'

type RepairParts = {
  readonly bridge: readonly Migration[]
  readonly team: readonly Migration[]
  readonly ledgers: MigrationLedgers
  readonly lock: LockProof
  readonly by: string
}

/** A statement that is next in its migration: what becomes of it can be told by a person. */
export type NextStatement = {
  /** `down`: what undoes one of the team's. */
  readonly line: LineName | 'down'
  readonly migration: Migration
  /** From 0 on. */
  readonly at: number
  /** What is recorded; undefined where nothing of the migration is. */
  readonly known: AppliedMigration | undefined
  /** It was begun, and nobody saw its end. */
  readonly isBegun: boolean
}

/**
 * The statement of that number, where it is the first of its migration that isn't done.
 *
 * @throws MigrationError where it isn't
 */
export const nextStatement = (
  files: Pick<RepairParts, 'bridge' | 'team'>,
  progress: Progress,
  { migration: name, statement }: Pick<Repair, 'migration' | 'statement'>,
): NextStatement => {
  const downs = files.team.map((migration) => ({
    ...{ line: 'down' as const, migration: downOf(migration) },
    known: progress.down.find(({ id }) => id === migration.id),
  }))
  const found = [...recordedOf(files, progress), ...downs].find(({ migration }) => migration.name === name)
  const at = statement - 1
  if (found === undefined)
    throw new MigrationError(`There is no migration ${name}: nothing can be said of it`)
  const { line, migration, known } = found
  if (migration.statements[at] === undefined || (known?.done ?? 0) !== at || known?.finishedAt)
    throw new MigrationError(
      `The outcome of ${name}, statement ${statement}, is not unknown: ${known?.done ?? 0} of ${migration.statements.length} are done`,
    )
  return { line, migration, at, known, isBegun: known !== undefined && known.begun === statement }
}

/**
 * Records what a person has found out about a statement, with who it was and why.
 *
 * @throws MigrationError where it isn't the next one, or wasn't begun and is said not to be done
 */
export const recordRepair = async (
  { bridge, team, ledgers, lock, by }: RepairParts,
  repair: Repair,
): Promise<void> => {
  const progress = await ledgers.read()
  checkLine(bridge, progress.bridge)
  checkLine(team, progress.team)
  const { line, migration, at, isBegun } = nextStatement({ bridge, team }, progress, repair)
  const { statement, outcome, why = null } = repair
  if (!isBegun) {
    const name = `${migration.name}, statement ${statement},`
    if (outcome === 'not-done')
      throw new MigrationError(
        `The outcome of ${name} is not unknown: it was not begun, and is the next to run`,
      )
    if (line === 'down' && progress.down.length === 0)
      throw new MigrationError(`${name} is not next: npx backsync migrate down begins with it`)
    const before = { bridge, team, down: [] }[line].filter(({ id }) => id < migration.id)
    const open = before.find(({ id }) => !progress[line].find((row) => row.id === id)?.finishedAt)
    if (open !== undefined)
      throw new MigrationError(
        `${name} can't be done: ${open.name} before it isn't. Apply that first, with migrate up --to`,
      )
    await ledgers[line].begin(migration, at, { by, lock })
  }
  const note = { at: new Date().toISOString(), by, statement, outcome, why }
  await ledgers[line].note(migration, note)
  if (outcome === 'done') await ledgers[line].finish(migration, at)
  else await ledgers[line].withdraw(migration, lock)
}

/**
 * Records migrations of the team's as applied that a database had before Backsync came: none of their statements is sent.
 *
 * @param to those with numbers up to this one
 * @returns their names
 * @throws MigrationError where one of them is half done, or has another file
 */
export const recordBaseline = async (
  { team, ledgers, by }: RepairParts,
  { to, why }: { readonly to: number; readonly why: string },
): Promise<readonly string[]> => {
  const progress = await ledgers.read()
  const open = baselineOf(team, progress, to)
  for (const migration of open) {
    await ledgers.team.adopt(migration, by)
    await ledgers.team.note(migration, { at: new Date().toISOString(), by, outcome: 'baseline', why })
  }
  return open.map(({ name }) => name)
}

/** Those that a baseline would record. @throws MigrationError as `recordBaseline` */
export const baselineOf = (
  team: readonly Migration[],
  progress: Pick<Progress, 'team'>,
  to: number,
): readonly Migration[] => {
  checkLine(team, progress.team)
  return team.filter((migration) => {
    const known = progress.team.find(({ id }) => id === migration.id)
    if (migration.id > to || known?.finishedAt) return false
    if (known !== undefined && known.begun > 0)
      throw new MigrationError(
        `${migration.name} is half done (${known.done} of ${migration.statements.length} statements): apply it, it is no part of a baseline`,
      )
    return true
  })
}
