import { conflictsOf } from '../model/conflict.ts'
import type { Entity } from '../model/entity.ts'
import { outwardParkingOf } from '../model/mirror.ts'
import { inOrderOfReference } from '../model/references.ts'

/**
 * What changes are parked by: an entity, by what comes from DynamoDB, or by its `mirror`, by what comes from Aurora; the conflicts
 * over its keys; or a table that is kept by another one.
 */
export type Parkable = {
  readonly name: string
  readonly kind: 'entity' | 'mirror' | 'conflicts' | 'table'
  /** What its changes name, where that is not its own name. */
  readonly of?: string
}

/**
 * All of them; entities before those that refer to them: a parent that comes in may be what its children wait for.
 *
 * @param tables the names of those that are kept by others
 */
export const parkablesOf = (
  entities: readonly Entity[],
  tables: readonly string[] = [],
): readonly Parkable[] => [
  ...inOrderOfReference(entities).map(({ name }) => ({ name, kind: 'entity' as const })),
  ...entities.flatMap(({ name, mirror }) =>
    mirror === undefined ? [] : [{ name: outwardParkingOf(name), kind: 'mirror' as const, of: name }],
  ),
  ...entities.map(({ name }) => ({ name: conflictsOf(name), kind: 'conflicts' as const })),
  ...tables.map((name) => ({ name, kind: 'table' as const })),
]
