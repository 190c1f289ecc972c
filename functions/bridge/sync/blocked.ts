import type { Change } from '../change.ts'
import type { Entity } from '../entity.ts'
import type { SyncParts } from './parts.ts'

/**
 * Which deletes can't be applied yet because rows of other entities still refer to theirs: each would fail, and halve
 * its batch on the way. One call for all of them, and none when there is no delete.
 */
export const blockedDeletes = async (
  entity: Entity,
  changes: readonly Change[],
  { writer, entities }: Pick<SyncParts, 'writer' | 'entities'>,
): Promise<ReadonlySet<Change>> => {
  const deletes = changes.filter(({ op }) => op === 'delete')
  const by = entities.flatMap((other) =>
    Object.values(other.attributes).flatMap(({ references, column }) =>
      references?.entity === entity.name ? [{ table: other.table, column }] : [],
    ),
  )
  return writer.referenced(entity, deletes, by)
}
