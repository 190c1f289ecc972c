import type { Migration } from './files.ts'
import type { AppliedMigration } from './ledger.ts'
import { pendingOf, stateOf } from './state.ts'
import type { Progress } from './takeover.ts'

type Lines = { readonly bridge: readonly Migration[]; readonly team: readonly Migration[] }

const CREATED = /\bCREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`?(?<table>\w+)/gi

/**
 * What applying would change, in sentences for a person.
 *
 * @param missing those tables of the record that would be created
 */
export const changesOf = (
  { bridge, team }: Lines,
  progress: Progress,
  missing: readonly string[],
): string[] => {
  const ofBridge = pendingOf(bridge, progress.bridge)
  const tables = [...missing, ...ofBridge.flatMap((migration) => createdBy(migration, progress.bridge))]
  const formers = progress.behind ? progress.formers.map(({ name }) => name) : []
  return [
    ...sentence("create Backsync's own tables", tables),
    ...sentence('take over the record of', formers),
    ...sentence("apply Backsync's own migrations", named(ofBridge, progress.bridge)),
    ...sentence('apply the migrations', named(pendingOf(team, progress.team), progress.team)),
  ]
}

const sentence = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${what} ${names.join(', ')}`]

const named = (migrations: readonly Migration[], applied: readonly AppliedMigration[]): string[] =>
  migrations.map((migration) => {
    const { name, state } = stateOf(migration, applied)
    return state === 'interrupted' ? `${name} (from where it was interrupted)` : name
  })

/** The tables of those statements that are still to run. */
const createdBy = ({ id, statements }: Migration, applied: readonly AppliedMigration[]): string[] => {
  const done = applied.find((row) => row.id === id)?.done ?? 0
  return statements
    .slice(done)
    .flatMap((text) => [...text.matchAll(CREATED)].map(({ groups }) => groups?.table ?? ''))
}
