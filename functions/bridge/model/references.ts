import type { Change } from './change.ts'
import type { Entity } from './entity.ts'

/**
 * Orders entities so that each comes behind those that it refers to. Of those that refer to each other in a circle, the
 * one that comes first in the list goes first.
 */
export const inOrderOfReference = (entities: readonly Entity[]): Entity[] => {
  const ordered: Entity[] = []
  let rest = [...entities]
  while (rest.length > 0) {
    const names = new Set(rest.map(({ name }) => name))
    const free = rest.filter((entity) =>
      referencesOf(entity).every((other) => other === entity.name || !names.has(other)),
    )
    const next = free.length > 0 ? free : rest.filter((entity) => isInCircle(entity, rest)).slice(0, 1)
    ordered.push(...next)
    rest = rest.filter((entity) => !next.includes(entity))
  }
  return ordered
}

/** Whether an entity's rows may refer to each other, or by way of others to themselves. */
export const isInCircle = (entity: Entity, entities: readonly Entity[]): boolean => {
  const reached = new Set<string>()
  let next = referencesOf(entity)
  while (next.length > 0) {
    for (const name of next) reached.add(name)
    next = entities
      .filter(({ name }) => next.includes(name))
      .flatMap(referencesOf)
      .filter((name) => !reached.has(name))
  }
  return reached.has(entity.name)
}

/** The names of the entities that this one refers to. */
export const referencesOf = (entity: Entity): string[] =>
  Object.values(entity.attributes).flatMap(({ references }) => (references ? [references.entity] : []))

/** The names of the other entities that refer to this one. */
export const referringTo = ({ name }: Pick<Entity, 'name'>, entities: readonly Entity[]): string[] =>
  entities
    .filter((other) => other.name !== name && referencesOf(other).includes(name))
    .map((other) => other.name)

/** Which rows of other entities a change refers to. */
export const parentsOf = (entity: Entity, change: Change): { entity: string; key: string }[] =>
  change.op === 'delete'
    ? []
    : Object.entries(entity.attributes).flatMap(([name, { references }]) => {
        const key = change.row[name]
        return references !== undefined && typeof key === 'string' ? [{ entity: references.entity, key }] : []
      })
