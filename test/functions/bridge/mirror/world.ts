import type { Connection } from 'mysql2/promise'
import { openRelay } from '../../../../functions/bridge/mirror/open.ts'
import { type Carried, type RelayParts, relay } from '../../../../functions/bridge/mirror/relay.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { openWorld, type World } from '../cutover/world.ts'

/** What stands for the triggers on a table whose records are in its rows: as much of them as the relay needs. */
const standIns = ({ name, table, idColumn, attributes }: Entity): readonly string[] => {
  const columns = Object.values(attributes).map(({ column }) => column)
  const same = columns.map((column) => `NEW.${column} <=> OLD.${column}`).join(' AND ')
  const log = (row: 'NEW' | 'OLD', op: string, version: string) => `
    INSERT INTO backsync_changes (entity, entity_key, op, version, owner, epoch)
    VALUES ('${name}', COALESCE(${row}.backsync_key, ${row}.${idColumn}), '${op}', ${version}, NULL, ${row}.backsync_epoch);`
  const own = (row: 'NEW' | 'OLD') => `NOT (${row}.backsync_owner <=> 'dynamo')`
  return [
    `CREATE TRIGGER ${table}_i AFTER INSERT ON ${table} FOR EACH ROW
      IF ${own('NEW')} THEN ${log('NEW', 'upsert', 'NEW.backsync_version')} END IF`,
    `CREATE TRIGGER ${table}_b BEFORE UPDATE ON ${table} FOR EACH ROW
      IF NEW.backsync_version = OLD.backsync_version AND NEW.backsync_owner <=> OLD.backsync_owner
        AND NEW.backsync_epoch = OLD.backsync_epoch AND NOT (${same}) THEN
        SET NEW.backsync_version = OLD.backsync_version + 1; END IF`,
    `CREATE TRIGGER ${table}_u AFTER UPDATE ON ${table} FOR EACH ROW
      IF NEW.backsync_version <> OLD.backsync_version AND ${own('NEW')} THEN
        ${log('NEW', 'upsert', 'NEW.backsync_version')} END IF`,
    `CREATE TRIGGER ${table}_d AFTER DELETE ON ${table} FOR EACH ROW
      IF ${own('OLD')} THEN
        INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
        VALUES ('${name}', COALESCE(OLD.backsync_key, OLD.${idColumn}), OLD.backsync_version + 1, NOW(3), NULL, OLD.backsync_epoch)
        ON DUPLICATE KEY UPDATE version = GREATEST(version, VALUES(version));
        ${log('OLD', 'delete', 'OLD.backsync_version + 1')} END IF`,
  ]
}

export type MirrorWorld = World & {
  readonly relayParts: RelayParts
  readonly legacy: Connection
  carry(): Promise<Carried>
}

/** Both sides on real servers, with the relay between them; triggers are stood in for. */
export const openMirror = async (
  entities: readonly Entity[],
  tables: Readonly<Record<string, string>>,
): Promise<MirrorWorld> => {
  const world = await openWorld(entities, tables)
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
  for (const entity of entities)
    for (const statement of standIns(entity)) await sync.aurora.legacy.query(statement)
  return {
    ...world,
    relayParts,
    legacy: sync.aurora.legacy,
    carry: () => relay(relayParts),
  }
}
