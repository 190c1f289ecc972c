import type { Entity } from '../../model/entity.ts'
import { ConfigurationError } from '../../model/errors.ts'
import type { Catalogue, Column } from '../catalogue.ts'
import { quoted } from '../part-sql.ts'
import { isBeside } from '../record-names.ts'
import { cascadeTriggers } from './cascade-triggers.ts'
import { namesOfList, toldNames } from './columns-of.ts'
import { listTriggers } from './list-triggers.ts'
import { type Moment, nameOf, WHEN } from './names.ts'
import { rowTriggers } from './row-triggers.ts'
import { sideTriggers } from './side-triggers.ts'

/** A trigger as it ought to be. */
export type Trigger = {
  readonly name: string
  readonly table: string
  readonly when: string
  readonly body: string
}

/** The statement that makes it. */
export const createTrigger = ({ name, table, when, body }: Trigger): string =>
  `CREATE TRIGGER ${quoted(name)} ${when} ON ${quoted(table)} FOR EACH ROW\n${body}`

/** In which order they are made: what raises a version before what tells of it, so that none is told too low. */
const ORDER: readonly Moment[] = ['bi', 'bu', 'bd', 'ai', 'au', 'ad']

/**
 * The triggers of a mirrored entity, as its definition and its tables say.
 *
 * @throws ConfigurationError for a table that lacks columns, and for what no trigger can do
 */
export const triggersOf = async (entity: Entity, catalogue: Catalogue): Promise<readonly Trigger[]> => {
  const columns = await columnsOfTable(catalogue, entity.table, toldNames(entity))
  const lists = await Promise.all(
    Object.entries(entity.children).map(async ([name, list]) => ({
      name,
      list,
      columns: await columnsOfTable(catalogue, list.table, namesOfList(list)),
    })),
  )
  const named = (
    table: string,
    parts: readonly string[],
    bodies: Partial<Record<Moment, string>>,
  ): Trigger[] =>
    ORDER.flatMap((moment) => {
      const body = bodies[moment]
      return body === undefined ? [] : [{ name: nameOf(parts, moment), table, when: WHEN[moment], body }]
    })
  try {
    return [
      ...named(entity.table, [entity.name], triggersOfRows(entity, columns)),
      ...(await cascades(entity, catalogue)).flatMap(({ table, bodies }) =>
        named(table, [entity.name, 'of', table], bodies),
      ),
      ...lists.flatMap(({ name, list, columns: own }) =>
        named(list.table, [entity.name, name], listTriggers(entity, list, own)),
      ),
    ]
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ConfigurationError([`${entity.name} can't be mirrored: ${error.message}`], { cause: error })
  }
}

const cascades = async (entity: Entity, catalogue: Catalogue) => {
  const keys = await catalogue.foreignKeys()
  const owned = new Set<string>()
  for (const table of new Set(keys.map(({ to }) => to)))
    if ((await catalogue.columns(table)).some(({ name }) => /^backsync_owner$/i.test(name))) owned.add(table)
  return cascadeTriggers(entity, keys, (table) => owned.has(table))
}

const triggersOfRows = (entity: Entity, columns: readonly Column[]) =>
  isBeside(entity) ? sideTriggers(entity, columns) : rowTriggers(entity, columns)

const columnsOfTable = async (
  catalogue: Catalogue,
  table: string,
  needed: readonly string[],
): Promise<readonly Column[]> => {
  // The server tells them in any order, and a body is compared by its text.
  const columns = (await catalogue.columns(table)).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const there = new Set(columns.map(({ name }) => name.toLowerCase()))
  const missing = needed.filter((name) => !there.has(name.toLowerCase()))
  if (missing.length > 0)
    throw new ConfigurationError([
      there.size === 0 ? `there is no table ${table}` : `the table ${table} lacks ${missing.join(', ')}`,
    ])
  return columns
}
