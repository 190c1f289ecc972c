import { date } from '../../../../../functions/bridge/model/attributes/date.ts'
import { datetime } from '../../../../../functions/bridge/model/attributes/datetime.ts'
import { integer } from '../../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import type { Row } from '../../../../../functions/bridge/model/change.ts'
import {
  defineEntity,
  type Entity,
  type EntityDefinition,
} from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../../functions/bridge/model/identity.ts'
import { DecimalText } from '../../../../../functions/bridge/model/values.ts'

/* Tables that can't be altered as adoption does it, or whose own triggers and columns notice each UPDATE. */

/** A table as the legacy application has it, with a key and two rows for it. */
export type HardTable = {
  readonly entity: Entity
  readonly legacy: readonly string[]
  readonly key: string
  readonly row: Row
  readonly changed: Row
}

const number = (digits: string) => new DecimalText(digits)
const define = (definition: Omit<EntityDefinition, 'plural' | 'keyName' | 'table' | 'record'>): Entity =>
  defineEntity({
    ...definition,
    plural: `${definition.name}s`,
    keyName: `${definition.name}Key`,
    table: `hard_${definition.name.toLowerCase()}s`,
    record: 'sideTable',
  })
const KEY = '01990000-0000-7000-8000-000000000001'
const title = text({ column: 'title', maxLength: 40 })
const state = text({ column: 'state', maxLength: 10 })
const COUNTED = 'id INT NOT NULL AUTO_INCREMENT PRIMARY KEY'

const audited: HardTable = {
  entity: define({
    name: 'account',
    identity: autoIncrement('id'),
    attributes: { title },
    example: { title: 'a' },
  }),
  legacy: [
    `CREATE TABLE hard_accounts (${COUNTED}, title VARCHAR(40) NOT NULL)`,
    'CREATE TABLE hard_audit (n INT NOT NULL AUTO_INCREMENT PRIMARY KEY, what VARCHAR(10) NOT NULL, id INT NOT NULL)',
    ...['INSERT', 'UPDATE', 'DELETE'].map(
      (what) => `CREATE TRIGGER audit_${what.toLowerCase()} AFTER ${what} ON hard_accounts FOR EACH ROW
        INSERT INTO hard_audit (what, id) VALUES ('${what}', ${what === 'DELETE' ? 'OLD' : 'NEW'}.id)`,
    ),
  ],
  key: KEY,
  row: { title: 'one' },
  changed: { title: 'two' },
}

const validated: HardTable = {
  entity: define({
    name: 'claimForm',
    identity: natural(['code'], { collation: 'utf8mb4_bin' }),
    attributes: { code: text({ column: 'code', maxLength: 20 }), state, title },
    example: { code: 'a', state: 'open', title: 'a' },
  }),
  legacy: [
    `CREATE TABLE hard_claimforms (code VARCHAR(20) NOT NULL PRIMARY KEY, state VARCHAR(10) NOT NULL, title VARCHAR(40) NOT NULL)
      CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `CREATE TRIGGER valid_insert BEFORE INSERT ON hard_claimforms FOR EACH ROW
      IF NEW.title = 'bad' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bad'; END IF`,
    `CREATE TRIGGER valid_update BEFORE UPDATE ON hard_claimforms FOR EACH ROW
      IF OLD.state = 'closed' OR NEW.title = 'bad' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'closed'; END IF`,
  ],
  key: 'f1',
  row: { code: 'f1', state: 'open', title: 'one' },
  changed: { code: 'f1', state: 'closed', title: 'two' },
}

const touched: HardTable = {
  entity: define({
    name: 'ticket',
    identity: autoIncrement('id'),
    attributes: { title },
    example: { title: 'a' },
  }),
  legacy: [
    `CREATE TABLE hard_tickets (${COUNTED}, title VARCHAR(40) NOT NULL,
      touched_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))`,
  ],
  key: KEY,
  row: { title: 'one' },
  changed: { title: 'two' },
}

const simple = (name: string, table: string): HardTable => ({
  entity: define({ name, identity: autoIncrement('id'), attributes: { title }, example: { title: 'a' } }),
  legacy: [table.replace('TABLE', `TABLE hard_${name.toLowerCase()}s`)],
  key: KEY,
  row: { title: 'one' },
  changed: { title: 'two' },
})

const partitioned: HardTable = {
  entity: define({
    name: 'reading',
    identity: natural(['sensor', 'taken_on']),
    attributes: {
      sensor: integer({ column: 'sensor' }),
      takenOn: date({ column: 'taken_on' }),
      title,
    },
    example: { sensor: 1, takenOn: '2026-01-01', title: 'a' },
  }),
  legacy: [
    `CREATE TABLE hard_readings (sensor INT NOT NULL, taken_on DATE NOT NULL, title VARCHAR(40) NOT NULL,
      PRIMARY KEY (sensor, taken_on)) PARTITION BY RANGE COLUMNS (taken_on)
      (PARTITION before_2026 VALUES LESS THAN ('2026-01-01'), PARTITION since VALUES LESS THAN (MAXVALUE))`,
  ],
  key: '7,2026-02-03',
  row: { sensor: number('7'), takenOn: '2026-02-03', title: 'one' },
  changed: { sensor: number('7'), takenOn: '2026-02-03', title: 'two' },
}

const given: HardTable = {
  entity: define({
    name: 'leaf',
    identity: natural(['leaf_no']),
    attributes: { number: integer({ column: 'leaf_no' }), title },
    example: { number: 1, title: 'a' },
  }),
  legacy: [
    'CREATE TABLE hard_leafs (leaf_no INT NOT NULL PRIMARY KEY, title VARCHAR(40) NOT NULL) ENGINE=MyISAM',
  ],
  key: '7',
  row: { number: number('7'), title: 'one' },
  changed: { number: number('7'), title: 'two' },
}

const posted: HardTable = {
  entity: define({
    name: 'post',
    identity: autoIncrement('id'),
    attributes: { title, posted: datetime({ column: 'posted' }) },
    example: { title: 'a', posted: '2026-01-01T00:00:00' },
  }),
  legacy: [
    `CREATE TABLE hard_posts (${COUNTED}, title VARCHAR(40) NOT NULL, posted DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00')`,
  ],
  key: KEY,
  row: { title: 'one', posted: '2026-01-01T00:00:00' },
  changed: { title: 'two', posted: '2026-01-02T00:00:00' },
}

export { audited, touched, validated }

export const hardTables: readonly (readonly [string, HardTable])[] = [
  ['with audit triggers', audited],
  ['with triggers that refuse', validated],
  ['with an ON UPDATE column', touched],
  [
    'of MyISAM, counted',
    simple('note', `CREATE TABLE (${COUNTED}, title VARCHAR(40) NOT NULL) ENGINE=MyISAM`),
  ],
  ['of MyISAM, with keys of its own', given],
  [
    'that is compressed',
    simple('scan', `CREATE TABLE (${COUNTED}, title VARCHAR(40) NOT NULL) ROW_FORMAT=COMPRESSED`),
  ],
  [
    'with a FULLTEXT index',
    simple('page', `CREATE TABLE (${COUNTED}, title VARCHAR(40) NOT NULL, FULLTEXT KEY (title))`),
  ],
  ['in partitions', partitioned],
  ['with a zero date for a default', posted],
  [
    'in utf8mb3',
    simple('word', `CREATE TABLE (${COUNTED}, title VARCHAR(40) NOT NULL) CHARACTER SET utf8mb3`),
  ],
]
