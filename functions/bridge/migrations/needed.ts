import { columnsOf } from '../model/attributes/attribute.ts'
import type { Entity } from '../model/entity.ts'
import { isOver, type Route, standsAt } from '../model/route.ts'
import type { Removed } from './removed.ts'

/** Where an entity's route stands; undefined where that wasn't asked. */
export type StageOf = (entity: string) => Promise<Route | undefined>

/**
 * Why what a statement takes away is needed still: an entity is kept in it, by its definition, or by its route, which may go back there.
 *
 * @returns a sentence for a person, with what to do before; undefined where nothing needs it
 */
export const neededBy = async (
  { table, column, how }: Removed,
  entities: readonly Entity[],
  stageOf: StageOf,
): Promise<string | undefined> => {
  for (const entity of entities) {
    const what = keptThere(entity, table, column)
    if (what === undefined) continue
    const route = await stageOf(entity.name)
    const isLeft = route === undefined || isOver(route)
    if (entity.retired && isLeft) continue
    const stage =
      route === undefined
        ? ''
        : ` Its route is ${standsAt(route)}${isLeft ? '' : ', which may write there still'}.`
    const before = entity.retired
      ? `npx backsync cutover plan ${entity.name} complete`
      : `have its route complete, and its definition ${how === 'renames' ? 'name the new one, beside the old one until then' : 'say retired: true, or no longer name it'}, a release before`
    return `it ${how} what ${entity.name} needs: ${what}.${stage} First: ${before}`
  }
  return undefined
}

/** What of an entity is kept in a column, or in a table. */
const keptThere = (entity: Entity, table: string, column: string | undefined): string | undefined => {
  const is = (one: string, other: string | undefined): boolean => one.toLowerCase() === other
  const here = column === undefined ? `the table ${table}` : `${table}.${column}`
  for (const [name, child] of Object.entries(entity.children)) {
    if (!is(child.table, table)) continue
    if (column === undefined) return `${here} holds its ${name}`
    const own = [
      ...child.parentColumns,
      child.positionColumn,
      ...Object.values(child.attributes).flatMap(columnsOf),
    ]
    if (own.some((one) => is(one, column))) return `${here} holds a part of its ${name}`
  }
  if (!is(entity.table, table)) return undefined
  if (column === undefined) return `${here} is its table`
  const attribute = Object.entries(entity.attributes).find(([, one]) =>
    columnsOf(one).some((own) => is(own, column)),
  )
  if (attribute !== undefined) return `${here} holds its attribute ${attribute[0]}`
  const { identity } = entity
  const keys = identity.kind === 'natural' ? identity.columns : [identity.column]
  if (keys.some((one) => is(one, column))) return `${here} is of its key`
  return entity.record === 'row' && column.startsWith('backsync_')
    ? `${here} holds its version, key or owner`
    : undefined
}
