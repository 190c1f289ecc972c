import type { Entity } from '../../model/entity.ts'
import { keepsDeleted } from '../../model/hooks.ts'
import type { Column } from '../catalogue.ts'
import { hasOwnKey, quoted } from '../part-sql.ts'
import { ownColumns } from '../row-key.ts'
import { haveChanged, keyColumns, rowAsJson, toldColumns } from './columns-of.ts'
import { isKeyInSql, keyInSql } from './key-text.ts'
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
  lookAtTombstone,
  OLD_KEY,
  refuses,
  type Said,
  TOMBSTONE_VARIABLES,
} from './statements-in.ts'

/*
 * The triggers on a table whose records are in its rows. A statement of the bridge's own is told by what no other writes: it
 * changes the version, the owner or the epoch of a row, says when a new one was written, and buries what it deletes. What it does
 * besides it marks. All others are plain SQL: their changes raise the version, are logged, or refused.
 */

type Bodies = Readonly<Record<Moment, string>>

const recordOf = (row: 'NEW' | 'OLD', key: string): Said => ({
  key,
  version: `${row}.backsync_version`,
  owner: `${row}.backsync_owner`,
  epoch: `${row}.backsync_epoch`,
})

/** The row is one that plain SQL has made: the bridge says when it has written one. */
const IS_PLAIN_INSERT = 'NEW.backsync_updated_at IS NULL'
const IS_DYNAMOS = isDynamos('NEW.backsync_owner')
const WAS_DYNAMOS = isDynamos('OLD.backsync_owner')
const SAME_RECORD = `NEW.backsync_version = OLD.backsync_version AND NEW.backsync_owner <=> OLD.backsync_owner
    AND NEW.backsync_epoch = OLD.backsync_epoch`

/** @param columns of its table */
export const rowTriggers = (entity: Entity, columns: readonly Column[]): Bodies => {
  const marked = isMarked(entity)
  const told = haveChanged(toldColumns(entity, columns))
  const mayRecord = entity.mirror?.plainSql === 'record'
  const isCounted = !hasOwnKey(entity)
  const [newKey, oldKey] = [keyInSql(entity, 'NEW'), keyInSql(entity, 'OLD')]
  /** Only of what is a key there may be a record. */
  const ifKey = (key: string, then: string): string => {
    const is = isKeyInSql(entity, key)
    return is === undefined ? then : `IF ${is} THEN ${then} END IF;`
  }
  /** Rows that count as deleted are nobody's. */
  const unlessGone = (row: 'NEW' | 'OLD', condition: string): string =>
    keepsDeleted(entity) ? `${row}.backsync_version <> 0 AND (${condition})` : condition
  const noted = (op: 'upsert' | 'delete', row: 'NEW' | 'OLD', key: string): string =>
    conflict(entity, op, { ...recordOf(row, key), content: rowAsJson(columns, row) })
  /** The id of the row that is being made, 0 where the server has yet to choose it. */
  const askedId = `@${nameOf([entity.name], 'id')}`

  const inherit = `SELECT COUNT(*), ${isCounted ? 'MAX(own.backsync_key)' : 'NULL'}, MAX(own.backsync_version), MAX(own.backsync_owner), MAX(own.backsync_epoch)
      INTO found, ${KEY}, d_version, d_owner, d_epoch
      FROM ${quoted(entity.table)} AS own WHERE ${sameKey(entity)};`
  const ownTombstone = `${isCounted ? '' : `SET ${KEY} = ${newKey};`}
      ${lookAtTombstone(entity, isCounted ? newKey : KEY)}`
  const beginAbove = `IF d_version IS NOT NULL THEN
        IF NEW.backsync_version <= d_version THEN SET NEW.backsync_version = d_version + 1; END IF;
        SET NEW.backsync_epoch = GREATEST(NEW.backsync_epoch, d_epoch);
        ${mayRecord ? `IF ${isDynamos('d_owner')} THEN SET NEW.backsync_version = 0, NEW.backsync_owner = d_owner; END IF;` : ''}
      END IF;`
  const isGiven = isCounted ? `NEW.${quoted(entity.idColumn)} <> 0 AND ` : ''

  // Variables are declared where they are needed: a row that needs none pays for none.
  const bi = `BEGIN
  IF ${IS_PLAIN_INSERT} THEN
    ${isCounted ? `SET ${askedId} = COALESCE(NEW.${quoted(entity.idColumn)}, 0);` : ''}
    IF ${isGiven}NOT ${marked} THEN BEGIN
      DECLARE found INT;
      ${keyVariable(KEY)}
      ${TOMBSTONE_VARIABLES}
      ${inherit}
      IF found > 0 THEN
        SET ${isCounted ? `NEW.backsync_key = ${KEY}, ` : ''}NEW.backsync_version = d_version + 2,
          NEW.backsync_owner = d_owner, NEW.backsync_epoch = d_epoch;
        ${mayRecord ? `IF ${isDynamos('d_owner')} THEN SET NEW.backsync_version = 0; END IF;` : ''}
      ELSE
        ${ownTombstone}
        ${beginAbove}
      END IF;
    END; END IF;
  END IF;
END`

  const isAsked = isCounted ? `NOT (${askedId} <=> 0)` : 'TRUE'
  const ai = `BEGIN
  IF NOT (${IS_PLAIN_INSERT}) OR NOT ${marked} THEN
    IF ${IS_PLAIN_INSERT} AND (${isAsked} OR ${IS_DYNAMOS}) THEN BEGIN
      ${keyVariable(KEY)}
      ${TOMBSTONE_VARIABLES}
      SET ${KEY} = ${newKey};
      IF ${isAsked} THEN
        ${ifKey(KEY, askTombstone(entity, KEY))}
      END IF;
      ${
        mayRecord
          ? `IF ${IS_DYNAMOS} THEN ${noted('upsert', 'NEW', KEY)}
      ELSEIF ${isDynamos('d_owner')} THEN ${refuses(entity)}
      END IF;`
          : `IF ${IS_DYNAMOS} OR ${isDynamos('d_owner')} THEN ${refuses(entity)} END IF;`
      }
    END; END IF;
    IF NOT (${IS_DYNAMOS}) THEN ${logged(entity, 'upsert', recordOf('NEW', newKey))} END IF;
  END IF;
END`

  const keyChanges = `NOT (${KEY} <=> ${OLD_KEY})`
  const mayChangeKey = isCounted ? changedKey(entity) : haveChanged(keyColumns(entity, columns))
  const bu = `BEGIN
  IF ${SAME_RECORD}
    AND ${unlessGone('OLD', told)} AND NOT ${marked} THEN
    IF ${WAS_DYNAMOS} OR ${mayChangeKey} THEN BEGIN
    ${keyVariable(KEY)}
    ${keyVariable(OLD_KEY)}
    ${TOMBSTONE_VARIABLES}
    SET ${KEY} = ${newKey}, ${OLD_KEY} = ${oldKey};
    IF ${WAS_DYNAMOS} THEN
      ${
        mayRecord
          ? `IF ${keyChanges} THEN
        ${noted('delete', 'OLD', OLD_KEY)}
        ${ifKey(OLD_KEY, leaveTombstone(entity, { ...recordOf('OLD', OLD_KEY), version: '0' }))}
        SET NEW.backsync_version = OLD.backsync_version + 1, NEW.backsync_owner = NULL, NEW.backsync_epoch = 0;
      ELSE
        ${noted('upsert', 'NEW', KEY)}
        SET NEW.backsync_version = 0;
      END IF;`
          : refuses(entity)
      }
    ELSE
      SET NEW.backsync_version = OLD.backsync_version + 1;
    END IF;
    IF ${keyChanges} THEN
      ${ifKey(KEY, askTombstone(entity, KEY))}
      IF ${isDynamos('d_owner')} THEN
        ${
          mayRecord
            ? `SET NEW.backsync_version = 0, NEW.backsync_owner = d_owner, NEW.backsync_epoch = d_epoch;
        ${noted('upsert', 'NEW', KEY)}`
            : refuses(entity)
        }
      ELSEIF d_version IS NOT NULL THEN
        SET NEW.backsync_version = GREATEST(NEW.backsync_version, d_version + 1),
          NEW.backsync_epoch = GREATEST(NEW.backsync_epoch, d_epoch);
      END IF;
    END IF;
    END;
    ELSE
      SET NEW.backsync_version = OLD.backsync_version + 1;
    END IF;
  ELSEIF ${SAME_RECORD} AND NOT ${marked} THEN
    SET NEW.backsync_updated_at = OLD.backsync_updated_at;
  END IF;
END`

  const gone = `IF NEW.backsync_version = 0 AND OLD.backsync_version <> 0 THEN
      ${logged(entity, 'delete', { ...recordOf('OLD', oldKey), version: `COALESCE((SELECT d.version FROM ${fromTombstone(entity, oldKey)}), OLD.backsync_version + 1)` })}
    ELSE`
  const moved = `IF ${mayChangeKey} THEN BEGIN
      ${keyVariable(KEY)}
      ${keyVariable(OLD_KEY)}
      SET ${KEY} = ${newKey}, ${OLD_KEY} = ${oldKey};
      IF ${keyChanges} AND NOT (${WAS_DYNAMOS}) AND NOT ${marked} THEN
        ${ifKey(OLD_KEY, leaveTombstone(entity, { ...recordOf('OLD', OLD_KEY), version: '(OLD.backsync_version + 1)' }))}
        ${logged(entity, 'delete', { ...recordOf('OLD', OLD_KEY), version: 'OLD.backsync_version + 1' })}
      END IF;
      END; END IF;
      ${logged(entity, 'upsert', recordOf('NEW', newKey))}`
  const unlessBoth = `${unlessGone(
    'NEW',
    `NEW.backsync_version <> OLD.backsync_version OR ${changedKey(entity)}
    OR IF(${marked}, NOT (NEW.backsync_updated_at <=> OLD.backsync_updated_at), ${told})`,
  )}`
  // What another trigger has made of a row between ours: it has its version already.
  const au = `BEGIN
  IF ${IS_DYNAMOS} THEN
    IF ${SAME_RECORD} AND ${unlessGone('NEW', told)} AND NOT ${marked} THEN
      ${mayRecord ? `IF NEW.backsync_version <> 0 THEN ${noted('upsert', 'NEW', newKey)} END IF;` : refuses(entity)}
    END IF;
  ELSEIF ${keepsDeleted(entity) ? `(NEW.backsync_version = 0 AND OLD.backsync_version <> 0) OR (${unlessBoth})` : unlessBoth} THEN
    ${keepsDeleted(entity) ? gone : ''}
      ${moved}
    ${keepsDeleted(entity) ? 'END IF;' : ''}
  END IF;
END`

  // The bridge buries first; where that can't be told from an older tombstone it marks its deletes.
  const isBuried = `EXISTS (SELECT 1 FROM ${fromTombstone(entity, OLD_KEY)} AND d.version > OLD.backsync_version)`
  const bd = `BEGIN
  IF ${WAS_DYNAMOS} THEN BEGIN
    ${keyVariable(OLD_KEY)}
    SET ${OLD_KEY} = ${oldKey};
    ${
      mayRecord
        ? `IF NOT ${marked} THEN
      ${noted('delete', 'OLD', OLD_KEY)}
      ${ifKey(OLD_KEY, leaveTombstone(entity, { ...recordOf('OLD', OLD_KEY), version: '0' }))}
    END IF;`
        : `IF ${unlessGone('OLD', `NOT ${isBuried}`)} AND NOT ${marked} THEN ${refuses(entity)} END IF;`
    }
  END; END IF;
END`

  // The tombstone is at a later version only where one was there: whoever reads the log asks for it.
  const ad = `BEGIN
  IF ${unlessGone('OLD', `NOT (${WAS_DYNAMOS})`)} THEN BEGIN
    ${keyVariable(OLD_KEY)}
    SET ${OLD_KEY} = ${oldKey};
    ${ifKey(OLD_KEY, leaveTombstone(entity, { ...recordOf('OLD', OLD_KEY), version: '(OLD.backsync_version + 1)' }))}
    ${logged(entity, 'delete', { ...recordOf('OLD', OLD_KEY), version: 'OLD.backsync_version + 1' })}
  END; END IF;
END`

  return { bi, ai, bu, au, bd, ad }
}

/** The row of the same key: the one that a REPLACE takes the place of. */
const sameKey = (entity: Entity): string => {
  const same = ownColumns(entity).map((column) => `own.${quoted(column)} = NEW.${quoted(column)}`)
  // A collation takes others for the same.
  const exact = entity.keyParts.flatMap(({ isText, attribute: { column } }) =>
    isText ? [`CAST(own.${quoted(column)} AS BINARY) = CAST(NEW.${quoted(column)} AS BINARY)`] : [],
  )
  const live = keepsDeleted(entity) ? ['own.backsync_version <> 0'] : []
  return [...same, ...exact, ...live].join(' AND ')
}

/** Whether an update may have changed the key, without working it out. */
const changedKey = ({ keyParts, idColumn }: Entity): string =>
  keyParts.length === 0
    ? `NOT (NEW.backsync_key <=> OLD.backsync_key) OR (NEW.backsync_key IS NULL AND NEW.${quoted(idColumn)} <> OLD.${quoted(idColumn)})`
    : 'FALSE'
