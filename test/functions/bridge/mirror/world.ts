import type { Connection } from 'mysql2/promise'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import { type Carried, type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { installMirror } from '../../../support/mirrored.ts'
import { openWorld, type World } from '../cutover/world.ts'

export type MirrorWorld = World & {
  readonly relayParts: RelayParts
  readonly legacy: Connection
  carry(): Promise<Carried>
}

/**
 * Both sides on real servers, with the triggers and the relay between them.
 *
 * @param schema statements of a legacy program's, before the triggers are made
 */
export const openMirror = async (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
  schema: readonly string[] = [],
  how?: Parameters<typeof openWorld>[2],
): Promise<MirrorWorld> => {
  const world = await openWorld(entities, tables, how)
  const { sync } = world
  const { sink: _, source: __, patience: ___, ...shared } = sync.parts
  const inward = () => ({
    ...sync.parts,
    reclaim: (entity: string, keys: readonly string[]) => relayParts.changes.append(entity, keys),
  })
  const relayParts: RelayParts = openRelay({
    ...shared,
    ...{ db: sync.aurora.db, writer: sync.aurora.writer, client: sync.client, tables: sync.tables },
    ...{ entities, inward },
  })
  for (const statement of schema) await sync.aurora.legacy.query(statement)
  await installMirror(sync.aurora, entities)
  return {
    ...world,
    relayParts,
    legacy: sync.aurora.legacy,
    carry: () => relay(relayParts),
  }
}
