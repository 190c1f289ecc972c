import type { Entity } from '../../model/entity.ts'
import { literal } from './key-text.ts'
import { isDynamos, type KEY, type OLD_KEY } from './statements-in.ts'

/*
 * What a function of the team's own writes is plain SQL to the triggers. It is told by its key, for which it is called at that
 * time: see `call-statements.ts`. What is written under a call raises no version, since the call's caller stamps it. Of a call that is
 * for DynamoDB nothing is told either: its stream brings it again, should that caller die. Of one that is for Aurora the log is told,
 * as of any write. Bodies of entities without a function have nothing of this.
 */

type Called = Pick<Entity, 'name' | 'legacyFunction'>

/** Variables for the call of a key. */
export const callVariables = ({ legacyFunction }: Called): string =>
  legacyFunction === undefined
    ? ''
    : `
  DECLARE c_version DECIMAL(50, 0);
  DECLARE c_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE c_epoch BIGINT UNSIGNED;`

/** What happens to what is written under a call, by whose write the call is for. */
export type UnderCall = {
  readonly key: typeof KEY | typeof OLD_KEY
  /** Whether it is that call's, as a condition over `c_version`: what it has been called for isn't stamped yet. */
  readonly isOpen: string
  readonly ofAurora: string
  /** @default nothing */
  readonly ofDynamo?: string
}

/** The call is for whoever owns the key, as it is by now: a call that has become another one's is refused as any plain SQL is. */
const isOwners = (owner: string): string => `(${isDynamos('c_owner')}) = (${isDynamos(owner)})`

/**
 * The call is of a later version than its row's record; Aurora's may be of the same, where an earlier statement of it has made
 * that record.
 */
export const ABOVE_RECORD = `${isOwners('r_owner')}
      AND (c_version > r_version OR c_version = r_version AND NOT (${isDynamos('c_owner')}))`

/** The same before there is a row: a tombstone may be of a time when it didn't say whose the key was. */
export const ABOVE_ABSENT = `(r_version IS NULL OR ${isOwners('r_owner')} AND c_version >= r_version)
      AND (d_version IS NULL OR c_version > d_version AND (${isOwners('d_owner')} OR ${isDynamos('c_owner')} AND d_epoch = 0))`

/** Statements for what is not written under a call of a key. */
export const unlessCalled = (
  { name, legacyFunction }: Called,
  { key, isOpen, ofAurora, ofDynamo = 'SET c_version = NULL;' }: UnderCall,
  then: string,
): string =>
  legacyFunction === undefined
    ? then
    : `SELECT MAX(c.version), MAX(c.owner), MAX(c.epoch) INTO c_version, c_owner, c_epoch
      FROM backsync_calls AS c
      WHERE c.entity = ${literal(name)} AND c.entity_key = ${key} AND c.until > UTC_TIMESTAMP(3);
    IF c_version IS NOT NULL AND (${isOpen}) THEN
      IF ${isDynamos('c_owner')} THEN
        ${ofDynamo}
      ELSE
        ${ofAurora}
      END IF;
    ELSE
    ${then}
    END IF;`
