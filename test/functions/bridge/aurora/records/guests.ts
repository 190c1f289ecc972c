import type { Connection } from 'mysql2/promise'
import { text } from '../../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../../functions/bridge/model/identity.ts'

/* Entities with their records beside their rows: counted, counted with lists, and with keys of their own. */

const name = text({ column: 'name', maxLength: 40 })
export const guest = defineEntity({
  name: 'guest',
  plural: 'guests',
  keyName: 'guestId',
  table: 'guests',
  identity: autoIncrement('id'),
  record: 'sideTable',
  attributes: { name },
  example: { name: 'Ann' },
})
export const group = defineEntity({
  name: 'group',
  plural: 'groups',
  keyName: 'groupId',
  table: 'guest_groups',
  identity: autoIncrement('id'),
  record: 'sideTable',
  attributes: { name },
  children: {
    seats: childRows({
      table: 'group_seats',
      parentColumn: 'group_id',
      positionColumn: 'place',
      attributes: { label: text({ column: 'label', maxLength: 9 }) },
      optional: true,
    }),
  },
  example: { name: 'All' },
})
export const table = defineEntity({
  name: 'table',
  plural: 'tables',
  keyName: 'tableKey',
  table: 'guest_tables',
  identity: natural(['code'], { collation: 'utf8mb4_bin' }),
  record: 'sideTable',
  attributes: { code: text({ column: 'code', maxLength: 20 }), name },
  example: { code: 'a', name: 'b' },
})

const ID = 'id INT NOT NULL AUTO_INCREMENT PRIMARY KEY'

export const guestTables = [
  `CREATE TABLE guests (${ID}, name VARCHAR(40) NOT NULL)`,
  `CREATE TABLE guest_groups (${ID}, name VARCHAR(40) NOT NULL)`,
  `CREATE TABLE group_seats (group_id INT NOT NULL, place INT NOT NULL, label VARCHAR(9) NOT NULL,
    PRIMARY KEY (group_id, place), FOREIGN KEY (group_id) REFERENCES guest_groups (id))`,
  'CREATE TABLE guest_tables (code VARCHAR(20) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, name VARCHAR(40) NOT NULL)',
]

/** Empties them, and what is kept of them. */
export const emptyGuests = async (legacy: Connection): Promise<void> => {
  for (const one of [
    'group_seats',
    'guest_groups',
    'guests',
    'guest_tables',
    'backsync_tombstones',
    'backsync_records',
  ])
    await legacy.query(`DELETE FROM ${one}`)
}
