import { BRIDGE_COLUMNS, BRIDGE_TABLES, type BridgeColumn, type LeftBehind } from '../aurora/left-behind.ts'
import type { Entity } from '../model/entity.ts'
import type { Route } from '../model/route.ts'

/** A migration as its two files. */
export type ContractMigration = { readonly name: string; readonly up: string; readonly down: string }

/** `recipeStep` as a part of a file's name. */
const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The end of the name that an entity's contract migration has, whatever its number. */
export const contractSuffix = ({ name }: Pick<Entity, 'name'>): string => `_decommission_${snake(name)}`

/** Whether an index is the bridge's: one of the team's own that has one of its columns is the team's to change. */
export const isBridgeIndex = ({ columns }: LeftBehind['indexes'][number]): boolean =>
  columns.every((column) => Object.hasOwn(BRIDGE_COLUMNS, column))

/**
 * The migration that takes what is left of an entity out of Aurora. Triggers are not in it: MySQL can't prepare DROP TRIGGER (errno
 * 1295), so that the Data API refuses it. They go before, since a trigger that names a column which is gone fails each write.
 *
 * @returns undefined where nothing is left
 */
export const contractMigrationOf = (
  entity: Pick<Entity, 'name' | 'table'>,
  left: LeftBehind,
  { epoch, settled }: Pick<Route, 'epoch' | 'settled'>,
  id: number,
): ContractMigration | undefined => {
  const { name, table } = entity
  const indexes = left.indexes.filter(isBridgeIndex)
  const tables = BRIDGE_TABLES.filter((own) => left.rows[own] > 0)
  const columns = left.columns.map((column) => column.name)
  if (indexes.length + columns.length + tables.length === 0) return undefined
  const quoted = `\`${table}\``
  const [online, drops] = ['ALGORITHM=INPLACE, LOCK=NONE', (what: string) => `DROP ${what}`]
  const up = [
    `-- Takes out of Aurora what the bridge has of ${name}. Its route is complete since move ${epoch}, settled at ${settled?.at ?? '?'}.`,
    `-- Made by: npx backsync cutover decommission ${name}. Its triggers must be gone before; the definition says retired: true with it.`,
    ...(columns.length > 0
      ? [
          '-- Online. Where the server drops columns at once (MySQL from 8.0.29, MariaDB), ALGORITHM=INSTANT without LOCK rebuilds nothing.',
        ]
      : []),
    ...(indexes.length > 0
      ? [alter(quoted, [...indexes.map((one) => drops(`KEY \`${one.name}\``)), online])]
      : []),
    ...(columns.length > 0
      ? [alter(quoted, [...columns.map((column) => drops(`COLUMN ${column}`)), online])]
      : []),
    ...(tables.length > 0
      ? ['\n-- What has more rows than 45 seconds suffice for is to be divided by ranges of entity_key.']
      : []),
    ...tables.map((own) => `DELETE FROM ${own} WHERE entity ${namesIn(own, name)};`),
  ]
  return {
    name: `${String(id).padStart(4, '0')}${contractSuffix(entity)}`,
    up: lines(up),
    down: downOf(entity, left),
  }
}

/** What is known of lifts stands beside what is known of owners. */
const namesIn = (own: (typeof BRIDGE_TABLES)[number], name: string): string =>
  own === 'backsync_owners' ? `IN ('${name}', '${name}.lifted')` : `= '${name}'`

const downOf = ({ table }: Pick<Entity, 'table'>, { columns, indexes }: LeftBehind): string => {
  const typeOf = (name: BridgeColumn, type: string): string =>
    name === 'backsync_version' && /^decimal/i.test(type)
      ? `${type.toUpperCase()} NOT NULL DEFAULT 1`
      : BRIDGE_COLUMNS[name]
  const added = columns.map(({ name, type }) => `ADD COLUMN ${name} ${typeOf(name, type)} INVISIBLE`)
  const keys = indexes
    .filter(isBridgeIndex)
    .map(
      ({ name, columns: of, isUnique }) =>
        `ADD ${isUnique ? 'UNIQUE ' : ''}KEY \`${name}\` (${of.join(', ')})`,
    )
  const quoted = `\`${table}\``
  return lines([
    '-- For a development database: the columns come back, and say of each row what they say of one that was never written back.',
    ...(added.length > 0 ? [alter(quoted, added)] : []),
    ...(keys.length > 0 ? [alter(quoted, keys)] : []),
    ...(added.length + keys.length === 0 ? ['DO 0;'] : []),
  ])
}

const alter = (table: string, clauses: readonly string[]): string =>
  `ALTER TABLE ${table}\n  ${clauses.join(',\n  ')};`

const lines = (texts: readonly string[]): string => `${texts.join('\n')}\n`
