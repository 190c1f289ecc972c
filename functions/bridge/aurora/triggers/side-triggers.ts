import type { Entity } from '../../model/entity.ts'
import type { Column } from '../catalogue.ts'
import { hasOwnKey, quoted } from '../part-sql.ts'
import { RECORDS } from '../record-names.ts'
import { ABOVE_ABSENT, ABOVE_RECORD, callVariables, type UnderCall, unlessCalled } from './called.ts'
import { haveChanged, rowAsJson, toldColumns } from './columns-of.ts'
import { isKeyInSql, keyInSql, literal } from './key-text.ts'
import { type Moment, nameOf } from './names.ts'
import {
  askTombstone,
  conflict,
  fromTombstone,
  isDynamos,
  isMarked,
  KEY,
  keyVariable,
  leaveTombstone,
  logged,
  OLD_KEY,
  refuses,
  type Said,
  TOMBSTONE_VARIABLES,
} from './statements-in.ts'

/*
 * The triggers on a table whose records are beside its rows. All that the bridge writes there is marked. A row is locked before its
 * record, as everywhere; a record that is not there is made before it is locked, so that no gap is.
 */

/** Variables for a record. */
export const RECORD_VARIABLES = `DECLARE r_version DECIMAL(50, 0);
  DECLARE r_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE r_epoch BIGINT UNSIGNED;`

const HELD: Omit<Said, 'key'> = { version: 'r_version', owner: 'r_owner', epoch: 'r_epoch' }

/** Where a row's record is found: by its id, or by the key that its columns make. */
type Found = { readonly id: string; readonly key: string }

/** A row's record, made where there is none, and locked: its key, and what it says. */
export const lockRecord = (
  entity: Entity,
  { id, key: own }: Found,
  key: typeof KEY | typeof OLD_KEY,
): string => {
  const name = literal(entity.name)
  if (hasOwnKey(entity))
    return `SET ${key} = ${own};
    INSERT INTO ${RECORDS} (entity, entity_key) VALUES (${name}, ${key})
      ON DUPLICATE KEY UPDATE version = ${RECORDS}.version;
    SELECT MAX(s.version), MAX(s.owner), MAX(s.epoch) INTO r_version, r_owner, r_epoch
      FROM ${RECORDS} AS s WHERE s.entity = ${name} AND s.entity_key = ${key} FOR UPDATE;`
  return `INSERT INTO ${RECORDS} (entity, entity_key, legacy_id) VALUES (${name}, CAST(${id} AS CHAR), ${id})
      ON DUPLICATE KEY UPDATE version = ${RECORDS}.version;
    SELECT MAX(s.entity_key), COALESCE(MAX(s.version), 1), MAX(s.owner), COALESCE(MAX(s.epoch), 0)
      INTO ${key}, r_version, r_owner, r_epoch
      FROM ${RECORDS} AS s WHERE s.entity = ${name} AND s.legacy_id = ${id} FOR UPDATE;
    SET ${key} = COALESCE(${key}, CAST(${id} AS CHAR));`
}

/** @param columns of its table */
export const sideTriggers = (
  entity: Entity,
  columns: readonly Column[],
): Readonly<Partial<Record<Moment, string>>> => {
  const name = literal(entity.name)
  const mayRecord = entity.mirror?.plainSql === 'record'
  const isCounted = !hasOwnKey(entity)
  const marked = isMarked(entity)
  const old: Found = { id: `OLD.${quoted(entity.idColumn)}`, key: keyInSql(entity, 'OLD') }
  const told = haveChanged(toldColumns(entity, columns))
  const noted = (op: 'upsert' | 'delete', row: 'NEW' | 'OLD', key: string): string =>
    conflict(entity, op, { key, ...HELD, content: rowAsJson(columns, row) })
  const ifKey = (key: string, then: string): string => {
    const is = isKeyInSql(entity, key)
    return is === undefined ? then : `IF ${is} THEN ${then} END IF;`
  }
  /** Of a row that has no key there is no record. */
  const isRowKey = (row: 'NEW' | 'OLD') => (isCounted ? undefined : isKeyInSql(entity, keyInSql(entity, row)))
  const ifRowKey = (row: 'NEW' | 'OLD', then: string): string =>
    isRowKey(row) === undefined ? then : `IF ${isRowKey(row)} THEN ${then} END IF;`
  const andRowKey = isRowKey('OLD') === undefined ? '' : ` AND ${isRowKey('OLD')}`
  const isOf = (key: string): string => `entity = ${name} AND entity_key = ${key}`
  const set = (key: string, what: string): string => `UPDATE ${RECORDS} SET ${what} WHERE ${isOf(key)};`
  const stamped = 'updated_at = CURRENT_TIMESTAMP(3)'
  const begin = `BEGIN
  ${keyVariable(KEY)}
  ${keyVariable(OLD_KEY)}
  ${RECORD_VARIABLES}
  ${TOMBSTONE_VARIABLES}${callVariables(entity)}`
  /** The id of the row that a REPLACE is about to take the place of: its key stays that of the id. */
  const replaced = `@${nameOf([entity.name], 'replaced')}`

  // A row that is there is replaced, or the insert comes to nothing.
  const bi = `BEGIN
  SET ${replaced} = NULL;
  IF NEW.${quoted(entity.idColumn)} <> 0 AND NOT ${marked} THEN
    SET ${replaced} = (SELECT MIN(own.${quoted(entity.idColumn)}) FROM ${quoted(entity.table)} AS own
      WHERE own.${quoted(entity.idColumn)} = NEW.${quoted(entity.idColumn)});
  END IF;
END`

  const asked = `
    ${ifKey(KEY, askTombstone(entity, KEY))}`
  /** A new row, once asked for its tombstone: above that, and above what a record says that has stayed. */
  const born = `
    SET r_version = IF(r_version IS NULL, IF(d_version IS NULL, NULL, d_version + 1),
        GREATEST(r_version + 1, COALESCE(d_version, 0) + 1)),
      r_epoch = GREATEST(COALESCE(r_epoch, 0), COALESCE(d_epoch, 0)),
      r_owner = IF(${isDynamos('d_owner')}, d_owner, r_owner);
    IF ${isDynamos('r_owner')} THEN
      ${mayRecord ? `SET r_version = 0; ${conflict(entity, 'upsert', { key: KEY, version: 'COALESCE(d_version, 0)', epoch: 'r_epoch', content: rowAsJson(columns, 'NEW') })}` : refuses(entity)}
    END IF;
    IF r_version IS NOT NULL THEN
      INSERT INTO ${RECORDS} (entity, entity_key, legacy_id, version, updated_at, owner, epoch)
        VALUES (${name}, ${KEY}, ${isCounted ? `NEW.${quoted(entity.idColumn)}` : 'NULL'}, r_version, CURRENT_TIMESTAMP(3), r_owner, r_epoch)
        ON DUPLICATE KEY UPDATE version = r_version, ${stamped}, owner = r_owner, epoch = r_epoch;
    END IF;
    IF NOT (${isDynamos('r_owner')}) THEN
      ${logged(entity, 'upsert', { key: KEY, version: 'COALESCE(r_version, 1)', owner: 'r_owner', epoch: 'r_epoch' })}
    END IF;`
  const formerRecord = isCounted
    ? `SELECT MAX(s.entity_key), MAX(s.version), MAX(s.owner), MAX(s.epoch) INTO ${KEY}, r_version, r_owner, r_epoch
      FROM ${RECORDS} AS s WHERE s.entity = ${name} AND s.legacy_id = NEW.${quoted(entity.idColumn)};
    SET ${KEY} = COALESCE(${KEY}, CAST(NEW.${quoted(entity.idColumn)} AS CHAR));`
    : `SET ${KEY} = ${keyInSql(entity, 'NEW')};
    SELECT MAX(s.version), MAX(s.owner), MAX(s.epoch) INTO r_version, r_owner, r_epoch
      FROM ${RECORDS} AS s WHERE s.entity = ${name} AND s.entity_key = ${KEY};`
  // The record says whose the row is that is being made: it would be taken for Aurora's own without.
  const madeUnderCall: UnderCall = {
    key: KEY,
    isOpen: ABOVE_ABSENT,
    ofAurora: logged(entity, 'upsert', {
      key: KEY,
      ...HELD,
      version: 'COALESCE(r_version, 1)',
      epoch: 'COALESCE(r_epoch, 0)',
    }),
    ofDynamo: `INSERT IGNORE INTO ${RECORDS} (entity, entity_key, legacy_id, version, owner, epoch)
          VALUES (${name}, ${KEY}, ${isCounted ? `NEW.${quoted(entity.idColumn)}` : 'NULL'}, COALESCE(d_version, 0), c_owner,
            GREATEST(COALESCE(d_epoch, 0), c_epoch));`,
  }
  // What is marked is logged by whoever marks it.
  const ai = `${begin}
  IF ${marked} THEN
    SET r_version = NULL;
  ELSE
    ${ifRowKey('NEW', `${formerRecord}${asked}${unlessCalled(entity, madeUnderCall, born)}`)}
  END IF;
  ${isCounted ? `SET ${replaced} = NULL;` : ''}
END`

  const ofOld = { key: OLD_KEY, isOpen: ABOVE_RECORD } as const
  const changed = `${lockRecord(entity, old, OLD_KEY)}
    ${unlessCalled(
      entity,
      { ...ofOld, ofAurora: logged(entity, 'upsert', { key: OLD_KEY, ...HELD }) },
      `IF ${isDynamos('r_owner')} THEN
      ${mayRecord ? `${noted('upsert', 'NEW', OLD_KEY)} ${set(OLD_KEY, `version = 0, ${stamped}`)}` : refuses(entity)}
    ELSE
      ${set(OLD_KEY, `version = r_version + 1, ${stamped}`)}
      ${logged(entity, 'upsert', { key: OLD_KEY, ...HELD, version: 'r_version + 1' })}
    END IF;`,
    )}`
  const gone =
    (): string => `${ifKey(OLD_KEY, leaveTombstone(entity, { key: OLD_KEY, ...HELD, version: '(r_version + 1)' }))}
      ${logged(entity, 'delete', { key: OLD_KEY, ...HELD, version: `COALESCE((SELECT d.version FROM ${fromTombstone(entity, OLD_KEY)}), r_version + 1)` })}`
  const newKey = isCounted
    ? `IF(${OLD_KEY} = CAST(OLD.${quoted(entity.idColumn)} AS CHAR), CAST(NEW.${quoted(entity.idColumn)} AS CHAR), ${OLD_KEY})`
    : keyInSql(entity, 'NEW')
  const isMoved = isCounted
    ? `NEW.${quoted(entity.idColumn)} <> OLD.${quoted(entity.idColumn)}`
    : `NOT (${keyInSql(entity, 'NEW')} <=> ${keyInSql(entity, 'OLD')})`
  // A row whose key changes is another one's from then on; a counted row with a key of its own keeps that.
  const moved = `${lockRecord(entity, old, OLD_KEY)}
    SET ${KEY} = ${newKey};
    IF ${isDynamos('r_owner')} THEN ${refuses(entity)} END IF;
    IF ${KEY} = ${OLD_KEY} THEN
      ${set(OLD_KEY, `version = r_version + 1, ${stamped}, legacy_id = NEW.${quoted(entity.idColumn)}`)}
      ${logged(entity, 'upsert', { key: OLD_KEY, ...HELD, version: 'r_version + 1' })}
    ELSE
      ${gone()}
      DELETE FROM ${RECORDS} WHERE ${isOf(OLD_KEY)};
      ${asked}${born}
    END IF;`
  const au = `${begin}
  IF ${told} THEN
    IF ${marked} THEN
      SET r_version = NULL;
    ELSEIF ${isMoved} THEN
    ${ifRowKey('OLD', moved)}
    ELSE
    ${ifRowKey('OLD', changed)}
    END IF;
  END IF;
END`

  const bd = `${begin}
  IF NOT ${marked}${andRowKey} THEN
    ${lockRecord(entity, old, OLD_KEY)}
    ${unlessCalled(
      entity,
      { ...ofOld, ofAurora: 'SET c_version = NULL;' },
      `IF ${isDynamos('r_owner')} THEN
      ${mayRecord ? `${noted('delete', 'OLD', OLD_KEY)} ${ifKey(OLD_KEY, leaveTombstone(entity, { key: OLD_KEY, ...HELD, version: '0' }))}` : refuses(entity)}
    END IF;`,
    )}
  END IF;
END`
  const ad = `${begin}
  SET ${OLD_KEY} = NULL;
  IF NOT ${marked}${andRowKey} THEN
    ${lockRecord(entity, old, OLD_KEY)}
    ${unlessCalled(
      entity,
      { ...ofOld, ofAurora: logged(entity, 'delete', { key: OLD_KEY, ...HELD, version: 'r_version + 1' }) },
      `IF NOT (${isDynamos('r_owner')}) THEN
      ${gone()}
      ${set(OLD_KEY, 'version = r_version + 1')}
    END IF;
    ${
      isCounted
        ? `IF NOT (${replaced} <=> OLD.${quoted(entity.idColumn)}) THEN
      DELETE FROM ${RECORDS} WHERE ${isOf(OLD_KEY)};
    END IF;`
        : `DELETE FROM ${RECORDS} WHERE ${isOf(OLD_KEY)};`
    }`,
    )}
  ELSE
    SELECT ${isCounted ? 'MAX(s.entity_key)' : keyInSql(entity, 'OLD')}, MAX(s.version), MAX(s.owner), MAX(s.epoch)
      INTO ${OLD_KEY}, r_version, r_owner, r_epoch FROM ${RECORDS} AS s
      WHERE s.entity = ${name} AND ${isCounted ? `s.legacy_id = OLD.${quoted(entity.idColumn)}` : `s.entity_key = ${keyInSql(entity, 'OLD')}`};
    IF r_version IS NOT NULL AND NOT (${isDynamos('r_owner')}) THEN
      ${gone()}
    END IF;
  END IF;
END`
  return { ...(isCounted && { bi }), ai, au, bd, ad }
}
