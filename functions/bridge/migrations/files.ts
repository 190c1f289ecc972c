import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BridgeError } from '../model/errors.ts'
import { SqlTextError } from './scan.ts'
import { placeAt, type SplitStatement, splitStatements, type TextPlace } from './split.ts'

/** One numbered migration: what it does, and how a development database gets rid of it. */
export type Migration = {
  /** `0003` as a number. */
  readonly id: number
  /** `0003_adopt_chefs`. */
  readonly name: string
  readonly statements: readonly string[]
  /** Where each of them begins in the up file; of what was made by hand there is none. */
  readonly places?: readonly TextPlace[]
  /** What undoes it; none where it has no down file. */
  readonly downStatements: readonly string[]
  readonly downPlaces?: readonly TextPlace[]
  /** SHA-256 of the up file, with line endings made one. */
  readonly checksum: string
}

/** The checksum of one statement: of its text, so that comments between statements may change. */
export const hashOf = (statement: string): string =>
  createHash('sha256').update(statement.trim()).digest('hex').slice(0, 16)

/** The folder of migrations isn't in order. */
export class MigrationFilesError extends BridgeError {
  override readonly name = 'MigrationFilesError'
  readonly code = 'migrations.files'
  readonly kind = 'configuration'
}

/** What else may be in the folder: the bridge's own migrations below the team's, and a page for people. */
const NOT_MIGRATIONS: ReadonlySet<string> = new Set(['bridge/', 'README.md'])

const FILE = /^(?<name>(?<id>\d{4})_[a-z0-9_]+)\.(?<direction>up|down)\.sql$/

/**
 * Reads a folder of `NNNN_name.up.sql` and `.down.sql` files, beside which it may hold a `README.md` and the folder `bridge`.
 *
 * @returns in the order of their numbers
 * @throws MigrationFilesError for another name, a number used twice, a down file without its up file, an empty file, and one that can't be
 *   divided into statements
 */
export const readMigrations = (folder: string): Migration[] => {
  const files = new Map<string, { id: number; up?: string; down?: string }>()
  const entries = readdirSync(folder, { withFileTypes: true })
  for (const file of entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()) {
    if (NOT_MIGRATIONS.has(file)) continue
    const { name, id, direction } = FILE.exec(file)?.groups ?? {}
    if (name === undefined || (direction !== 'up' && direction !== 'down'))
      throw new MigrationFilesError(`${file} is not named NNNN_name.up.sql or NNNN_name.down.sql`)
    const text = readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n')
    files.set(name, { ...files.get(name), id: Number(id), [direction]: text })
  }
  const migrations = [...files].map(([name, { id, up, down }]) => {
    if (up === undefined) throw new MigrationFilesError(`${name}.up.sql is missing`)
    const statements = statementsOf(`${name}.up.sql`, up)
    const undoes = down === undefined ? [] : statementsOf(`${name}.down.sql`, down)
    const checksum = createHash('sha256').update(up).digest('hex')
    return {
      ...{ id, name, checksum },
      statements: statements.map(({ text }) => text),
      places: statements.map(({ line, column }) => ({ line, column })),
      downStatements: undoes.map(({ text }) => text),
      downPlaces: undoes.map(({ line, column }) => ({ line, column })),
    }
  })
  migrations.sort((a, b) => a.id - b.id)
  for (const [at, migration] of migrations.entries())
    if (migrations[at + 1]?.id === migration.id)
      throw new MigrationFilesError(`${migration.name} and ${migrations[at + 1]?.name} have the same number`)
  return migrations
}

const statementsOf = (file: string, text: string): SplitStatement[] => {
  try {
    const statements = splitStatements(text)
    if (statements.length > 0) return statements
  } catch (cause) {
    if (!(cause instanceof SqlTextError)) throw cause
    const { line, column } = placeAt(text, cause.at)
    throw new MigrationFilesError(`${file}, line ${line}, column ${column}: ${cause.message}`, { cause })
  }
  throw new MigrationFilesError(`${file} holds no statement`)
}

/** Where a statement begins, for messages: ` (line 12)`; empty where nobody knows. */
export const lineOf = ({ places }: Pick<Migration, 'places'>, at: number): string => {
  const place = places?.[at]
  return place === undefined ? '' : ` (line ${place.line})`
}
