import type { ChildRows } from '../../model/child-rows.ts'
import type { Entity } from '../../model/entity.ts'
import { keepsDeleted } from '../../model/hooks.ts'
import type { Column } from '../catalogue.ts'
import { quoted } from '../part-sql.ts'
import { isBeside } from '../record-names.ts'
import { ownColumns } from '../row-key.ts'
import { ABOVE_RECORD, callVariables, unlessCalled } from './called.ts'
import { haveChanged, rowAsJson, toldColumnsOfList } from './columns-of.ts'
import { keyInSql } from './key-text.ts'
import type { Moment } from './names.ts'
import { lockRecord, RECORD_VARIABLES } from './side-triggers.ts'
import { conflict, isDynamos, isMarked, KEY, keyVariable, logged, refuses } from './statements-in.ts'

/*
 * The triggers on the table of a list. Plain SQL on one of its rows changes what its parent is told as: the parent's owner is asked for
 * with a lock, as a foreign key does, and the parent's key logged. The parent itself is not written: the statement may be using it.
 */

/** @param columns of the list's table */
export const listTriggers = (
  entity: Entity,
  list: ChildRows,
  columns: readonly Column[],
): Readonly<Partial<Record<Moment, string>>> => {
  const mayRecord = entity.mirror?.plainSql === 'record'
  const marked = isMarked(entity)
  const isDynamosParent = (op: 'upsert' | 'delete', row: 'NEW' | 'OLD'): string =>
    mayRecord
      ? conflict(entity, op, {
          key: KEY,
          version: 'r_version',
          epoch: 'r_epoch',
          content: rowAsJson(columns, row),
        })
      : refuses(entity)
  const record = isBeside(entity)
    ? { read: 'MAX(1), NULL, 0', lock: lockRecord(entity, { id: 'its_parent', key: KEY }, KEY) }
    : { read: 'MAX(p.backsync_version), MAX(p.backsync_owner), MAX(p.backsync_epoch)', lock: '' }
  const tells = logged(entity, 'upsert', {
    ...{ key: KEY, version: 'r_version', owner: 'r_owner', epoch: 'r_epoch' },
  })
  const told = (row: 'NEW' | 'OLD', op: 'upsert' | 'delete'): string => `
    SELECT COUNT(*), MAX(p.${quoted(entity.idColumn)}), MAX(${keyInSql(entity, 'p')}), ${record.read}
      INTO found, its_parent, ${KEY}, r_version, r_owner, r_epoch
      FROM ${quoted(entity.table)} AS p WHERE ${isParent(entity, list, row)} LOCK IN SHARE MODE;
    IF found > 0 THEN
      ${record.lock}
      ${unlessCalled(
        entity,
        { key: KEY, isOpen: ABOVE_RECORD, ofAurora: tells },
        `IF ${isDynamos('r_owner')} THEN
        ${isDynamosParent(op, row)}
      ELSE
        ${tells}
      END IF;`,
      )}
    END IF;`
  const begin = `BEGIN
  DECLARE found INT;
  ${keyVariable(KEY)}
  DECLARE its_parent VARBINARY(3072);
  ${RECORD_VARIABLES}${callVariables(entity)}`
  const movesAway = list.parentColumns
    .map((column) => `NOT (NEW.${quoted(column)} <=> OLD.${quoted(column)})`)
    .join(' OR ')
  return {
    ai: `${begin}
  IF NOT ${marked} THEN${told('NEW', 'upsert')}
  END IF;
END`,
    au: `${begin}
  IF ${haveChanged(toldColumnsOfList(list, columns))} AND NOT ${marked} THEN${told('NEW', 'upsert')}
    IF ${movesAway} THEN${told('OLD', 'delete')}
    END IF;
  END IF;
END`,
    ad: `${begin}
  IF NOT ${marked} THEN${told('OLD', 'delete')}
  END IF;
END`,
  }
}

const isParent = (entity: Entity, { parentColumns }: ChildRows, row: 'NEW' | 'OLD'): string => {
  const same = ownColumns(entity).map(
    (own, at) => `p.${quoted(own)} = ${row}.${quoted(parentColumns[at] ?? '')}`,
  )
  const live = keepsDeleted(entity) && !isBeside(entity) ? ['p.backsync_version <> 0'] : []
  return [...same, ...live].join(' AND ')
}
