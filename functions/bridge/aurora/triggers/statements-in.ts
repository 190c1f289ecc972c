import type { Entity } from '../../model/entity.ts'
import { literal } from './key-text.ts'

/* What the bodies of triggers are put together from. Each is a piece of SQL without parameters, which a trigger can't have. */

/** The session's transaction is one of the bridge's own: it says so, and only it can have said so where others don't see. */
export const isMarked = ({ name }: Pick<Entity, 'name'>): string =>
  `(@backsync_writer <=> CONNECTION_ID() AND FIND_IN_SET(${literal(name)}, @backsync_entities)
      AND EXISTS (SELECT 1 FROM backsync_writers AS w WHERE w.connection = CONNECTION_ID()))`

/** Variables that hold the key of a row, and the one that it had before: of some columns that is no key, and too long for one. */
export const [KEY, OLD_KEY] = ['its_key', 'its_old_key'] as const
export const keyVariable = (name: typeof KEY | typeof OLD_KEY): string =>
  `DECLARE ${name} VARCHAR(8000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;`

export const isDynamos = (owner: string): string => `${owner} <=> 'dynamo'`

/** What plain SQL is told. */
export const refuses = ({ name }: Pick<Entity, 'name'>): string =>
  `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(`backsync: not-the-owner: DynamoDB owns this ${name}`)};`

/** A record's place and content, as expressions. */
export type Said = {
  readonly key: string
  readonly version: string
  readonly owner: string
  readonly epoch: string
}

/** Says in the log that a key has been written. */
export const logged = ({ name }: Pick<Entity, 'name'>, op: 'upsert' | 'delete', said: Said): string =>
  `INSERT INTO backsync_changes (entity, entity_key, op, version, owner, epoch)
    VALUES (${literal(name)}, LEFT(${said.key}, 255), '${op}', ${said.version}, ${said.owner}, ${said.epoch});`

/** Keeps what plain SQL has written of a key that DynamoDB owns. */
export const conflict = (
  { name }: Pick<Entity, 'name'>,
  op: 'upsert' | 'delete',
  { key, version, epoch, content }: Omit<Said, 'owner'> & { readonly content: string },
): string =>
  `INSERT INTO backsync_conflicts (entity, entity_key, op, version, epoch, content)
    VALUES (${literal(name)}, LEFT(${key}, 255), '${op}', ${version}, ${epoch}, ${content});`

/** Leaves a tombstone, or raises the one that is there: the record of a key that has no row. */
export const leaveTombstone = (
  { name }: Pick<Entity, 'name'>,
  { key, version, owner, epoch }: Said,
): string =>
  `INSERT INTO backsync_tombstones (entity, entity_key, version, deleted_at, owner, epoch)
    VALUES (${literal(name)}, ${key}, ${version}, CURRENT_TIMESTAMP(3), ${owner}, ${epoch})
    ON DUPLICATE KEY UPDATE
      deleted_at = IF(${version} > backsync_tombstones.version, CURRENT_TIMESTAMP(3), backsync_tombstones.deleted_at),
      version = GREATEST(backsync_tombstones.version, ${version}),
      owner = IF(${epoch} >= backsync_tombstones.epoch, ${owner}, backsync_tombstones.owner),
      epoch = GREATEST(backsync_tombstones.epoch, ${epoch});`

/** The tombstone of a key in a query. */
export const fromTombstone = ({ name }: Pick<Entity, 'name'>, key: string): string =>
  `backsync_tombstones AS d WHERE d.entity = ${literal(name)} AND d.entity_key = ${key}`

/** The variables that `askTombstone` and `lookAtTombstone` set: of no tombstone they are NULL. */
export const TOMBSTONE_VARIABLES = `DECLARE d_version DECIMAL(50, 0);
  DECLARE d_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE d_epoch BIGINT UNSIGNED;
  DECLARE d_at DATETIME(3);`

/** Reads a key's tombstone as the transaction sees it, without any lock. */
export const lookAtTombstone = (entity: Pick<Entity, 'name'>, key: string): string =>
  `SELECT MAX(d.version), MAX(d.owner), MAX(d.epoch) INTO d_version, d_owner, d_epoch
    FROM ${fromTombstone(entity, key)};`

/**
 * Reads a key's tombstone as it is, and keeps it so until the transaction ends. A locking read of one that is not there would lock
 * the gap, in which others' tombstones have their places, and they would wait for each other: so one is made, and taken away.
 */
export const askTombstone = ({ name }: Pick<Entity, 'name'>, key: string): string =>
  `INSERT INTO backsync_tombstones (entity, entity_key, version) VALUES (${literal(name)}, ${key}, 0)
    ON DUPLICATE KEY UPDATE version = backsync_tombstones.version;
  SELECT MAX(d.version), MAX(d.owner), MAX(d.epoch), MAX(d.deleted_at) INTO d_version, d_owner, d_epoch, d_at
    FROM ${fromTombstone({ name }, key)} FOR UPDATE;
  IF d_version = 0 AND d_owner IS NULL AND d_epoch = 0 AND d_at IS NULL THEN
    DELETE FROM backsync_tombstones WHERE entity = ${literal(name)} AND entity_key = ${key} AND version = 0;
    SET d_version = NULL, d_epoch = NULL;
  END IF;`
