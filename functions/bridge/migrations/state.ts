import { shapeOf } from '../drivers/data-api/statement-shape.ts'
import { BridgeError, type ErrorKind, kindOf } from '../model/errors.ts'
import { hashOf, lineOf, type Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import { formerOf } from './takeover.ts'
import type { Untransacted } from './untransacted.ts'

/** Where one migration stands. `interrupted`: some of its statements are done, or the outcome of one is unknown. */
export type MigrationState = {
  readonly name: string
  readonly state: 'applied' | 'pending' | 'interrupted'
  readonly appliedAt: string | null
}

/** The files and the database's record contradict one another, or a statement failed: which, where, and what is done. */
export class MigrationError extends BridgeError {
  override readonly name = 'MigrationError'
  readonly code = 'migrations.failed'
  readonly kind: ErrorKind

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind =
      options?.cause !== undefined && kindOf(options.cause) === 'transient' ? 'transient' : 'configuration'
  }
}

const placeOf = (migration: Migration, at: number): string => {
  const { name, statements } = migration
  return `${name}, statement ${at + 1} of ${statements.length}${lineOf(migration, at)} (${shapeOf(statements[at] ?? '')})`
}

/** A statement goes on at the server, longer than a call and than the time that there was to wait for it. */
export class MigrationRunningError extends BridgeError {
  override readonly name = 'MigrationRunningError'
  readonly code = 'migrations.running'
  readonly kind = 'transient'

  /** @param does what the server does of it, in words */
  constructor(migration: Migration, at: number, does: string) {
    super(
      `${placeOf(migration, at)} goes on at the server: ${does}. It is not started again: apply again, which ` +
        'waits for it. A deployment has 5 minutes for its migrations: deploy again once it is through, or apply what takes ' +
        'longer before, by npx backsync migrate up',
    )
  }
}

/** The Data API can't run a statement, and no other way is known. */
export class MigrationNeedsDirectError extends BridgeError {
  override readonly name = 'MigrationNeedsDirectError'
  readonly code = 'migrations.needs-direct'
  readonly kind = 'configuration'

  constructor(migration: Migration, at: number) {
    super(
      `${placeOf(migration, at)}: MySQL doesn't prepare it, so that the Data API can't run it. Nothing was applied. Apply with npx ` +
        'backsync migrate up --direct mysql://HOST:3306 before the deployment; or run it in a client of your own, once what is before ' +
        `it is done (migrate up --to), and record that with npx backsync migrate repair ${migration.name} ${at + 1} --done`,
    )
  }
}

/** Nobody knows whether a statement was done that must not be done twice: a person has to look. */
export class MigrationUnknownError extends BridgeError {
  override readonly name = 'MigrationUnknownError'
  readonly code = 'migrations.unknown-outcome'
  readonly kind = 'configuration'

  /** @param known.beyond a table that takes part in no transaction: some of its rows may be changed, and others not */
  constructor(
    migration: Migration,
    at: number,
    known: {
      readonly record: Pick<AppliedMigration, 'by' | 'startedAt'>
      readonly beyond?: Untransacted | undefined
    },
    options?: ErrorOptions,
  ) {
    const { by, startedAt } = known.record
    const begun = startedAt === null ? `by ${by}` : `by ${by}, in a run of ${startedAt}`
    const event = (outcome: Repair['outcome']): string =>
      JSON.stringify({ repair: { migration: migration.name, statement: at + 1, outcome } })
    const half =
      known.beyond === undefined
        ? ''
        : `, or in part, since no transaction undoes what it did to the table ${known.beyond.table} (${known.beyond.engine})`
    super(
      `${placeOf(migration, at)} was begun ${begun}, and nothing tells how it ended: it may be done or not${half}, and done again it might ` +
        `be done twice. What is before it is done and recorded; nothing behind it was sent. Look whether its effect is in the database (npx backsync migrate repair ${migration.name} ` +
        `${at + 1} shows what there is), then say so with --done or --not-done, or invoke the function of the migrations with ` +
        `${event('done')}, or with ${event('not-done')} to have it run again, and apply again`,
      options,
    )
  }
}

/** What a person has found out about a statement whose outcome was unknown. */
export type Repair = {
  /** `0003_adopt_chefs` */
  readonly migration: string
  /** Its number in the file, from 1 on. */
  readonly statement: number
  readonly outcome: 'done' | 'not-done'
  /** By what they know. */
  readonly why?: string | undefined
}

export const stateOf = ({ id, name }: Migration, applied: readonly AppliedMigration[]): MigrationState => {
  const known = applied.find((candidate) => candidate.id === id)
  const isBegun = known !== undefined && known.begun > 0
  const state = !isBegun ? 'pending' : known.finishedAt === null ? 'interrupted' : 'applied'
  return { name, state, appliedAt: known?.finishedAt ?? null }
}

/** The names of those that were begun and have not come to their end. */
export const interruptedIn = ({
  bridge,
  team,
}: Record<'bridge' | 'team', readonly AppliedMigration[]>): string[] =>
  [...bridge, ...team].flatMap(({ name, begun, finishedAt }) =>
    begun > 0 && finishedAt === null ? [name] : [],
  )

/** Those that are not applied, or not to their end. */
export const pendingOf = (
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): Migration[] => migrations.filter((migration) => stateOf(migration, applied).state !== 'applied')

/** The highest number that is begun; 0 where none is. */
export const newestOf = (applied: readonly AppliedMigration[]): number =>
  Math.max(0, ...applied.filter(({ begun }) => begun > 0).map(({ id }) => id))

/**
 * Compares the files of one line with its ledger.
 *
 * @throws MigrationError for a changed file, a number that another one had, or a pending one numbered before an applied one
 */
export const checkLine = (migrations: readonly Migration[], applied: readonly AppliedMigration[]): void => {
  const newest = newestOf(applied)
  for (const migration of migrations) {
    const known = applied.find(({ id }) => id === migration.id)
    if (known === undefined && migration.id < newest)
      throw new MigrationError(
        `${migration.name} is pending, but a later one is applied: give it a number above ${newest}`,
      )
    const change = known && firstChange(known, migration)
    if (known === undefined || change === undefined) continue
    throw new MigrationError(
      known.name === migration.name
        ? `${migration.name}.up.sql was changed after it was applied${whereChanged(migration, change.at)}: restore it and add a new migration instead`
        : `${migration.name} has the number of ${known.name}, which is applied: give it a number above ${newest}`,
    )
  }
}

const whereChanged = (migration: Migration, at: number | undefined): string => {
  if (at === undefined) return ''
  const isThere = at < migration.statements.length
  return `, in its statement ${at + 1}${lineOf(migration, at)}${isThere ? '' : ', which is gone'}`
}

/**
 * Where a file no longer begins with all that is done of it. What was refused may be corrected, as may what was never begun; a migration
 * that is finished gets no further statements.
 *
 * @returns undefined where it does; `at` is the first statement that is another, where that is known
 */
export const firstChange = (
  known: AppliedMigration,
  migration: Migration,
): { readonly at: number | undefined } | undefined => {
  const { name, begun, done, finishedAt, hashes } = known
  if (known.checksum === migration.checksum || begun === 0) return undefined
  if (name !== migration.name) return { at: undefined }
  if (done === 0) return undefined
  if (hashes === undefined || hashes.length < done) return { at: undefined }
  const at = hashes.slice(0, done).findIndex((hash, n) => {
    const statement = migration.statements[n]
    return statement === undefined || hashOf(statement) !== hash
  })
  if (at >= 0) return { at }
  return finishedAt !== null && migration.statements.length !== done ? { at: done } : undefined
}

/**
 * A merge may have left one of the bridge's own migrations where it was in 0.1.0.
 *
 * @throws MigrationError
 */
export const checkPlaces = (team: readonly Migration[]): void => {
  for (const migration of team) {
    const former = formerOf(migration)
    if (former === undefined) continue
    throw new MigrationError(
      `${former.name} is one of Backsync's own, which is bridge/${former.now.name} now: delete its two files beside bridge/`,
    )
  }
}
