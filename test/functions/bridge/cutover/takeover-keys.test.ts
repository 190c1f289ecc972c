import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import { integer } from '../../../../functions/bridge/model/attributes/integer.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { DecimalText } from '../../../../functions/bridge/model/values.ts'
import { keyed } from '../../fixtures/keyed.ts'
import { type FormerStack, openFormerStack } from './takeover-world.ts'

const AT = '2026-11-20T10:00:00.123Z'
const RECORD = `backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1,
  backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3),
  backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL,
  backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0`

const changeOf = (entity: Entity, key: string, row: Row): Change => ({
  ...{ entity: entity.name, key, op: 'upsert', version: 1n, source: 'stream', at: AT },
  row,
})
const itemOf = (entity: Entity, key: string, row: Row): Item =>
  toItem(entity, changeOf(entity, key, row), row)
/** Rows that say nothing, as if they had been there before. */
const silence = async (stack: FormerStack, entity: Entity): Promise<void> => {
  await stack.aurora.legacy.query(`UPDATE ${entity.table} SET backsync_owner = NULL`)
}
const ownersOf = async (stack: FormerStack, entity: Entity): Promise<string[]> => {
  const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>(
    `SELECT COALESCE(backsync_owner, 'aurora') AS o FROM ${entity.table} ORDER BY o`,
  )
  return rows.map(({ o }) => String(o))
}

describe('a takeover of keys that are', () => {
  it.each(keyed)(
    '%s finds the row of each item, and no other one',
    async (_, { entity, tables, keys, rows }) => {
      const stack = await openFormerStack([entity], tables)
      try {
        for (const [at, key] of keys.entries())
          await stack.aurora.writer.apply(entity, [changeOf(entity, key, rows[at] ?? {})])
        await stack.put(entity, keys[0], itemOf(entity, keys[0], rows[0]))

        expect(await stack.take(entity)).toMatchObject({ done: true, tally: { items: 1, applied: 1 } })
        expect(await ownersOf(stack, entity)).toEqual(['aurora', 'dynamo'])
        expect(await stack.aurora.store.head(entity, keys[0])).toMatchObject({ owner: 'dynamo', known: true })
        expect(await stack.aurora.store.head(entity, keys[1])).toMatchObject({ owner: 'aurora', known: true })
      } finally {
        await stack.close()
      }
    },
  )
})

describe('a takeover of a table that entities share', () => {
  const profile = defineEntity({
    name: 'profile',
    plural: 'profiles',
    keyName: 'profileKey',
    table: 'profiles',
    identity: natural(['account']),
    attributes: { account: integer({ column: 'account' }), label: text({ column: 'label', maxLength: 20 }) },
    item: {
      table: 'shared',
      keyAttribute: 'pk',
      prefix: 'ACCOUNT#',
      sort: { attribute: 'sk', value: 'PROFILE' },
      type: { attribute: 'kind', value: 'profile' },
    },
    example: { account: 1, label: 'a' },
  })
  const visit = defineEntity({
    name: 'visit',
    plural: 'visits',
    keyName: 'visitKey',
    table: 'visits',
    identity: natural(['account', 'number']),
    attributes: { account: integer({ column: 'account' }), number: integer({ column: 'number' }) },
    item: {
      table: 'shared',
      keyAttribute: 'pk',
      prefix: 'ACCOUNT#',
      parts: ['account'],
      sort: { attribute: 'sk', prefix: 'VISIT#', parts: ['number'] },
    },
    example: { account: 1, number: 1 },
  })
  const note = defineEntity({
    name: 'note',
    plural: 'notes',
    keyName: 'noteId',
    table: 'notes',
    identity: autoIncrement('id'),
    attributes: { label: text({ column: 'label', maxLength: 20 }) },
    item: { table: 'shared', keyAttribute: 'pk', prefix: 'NOTE#', sort: { attribute: 'sk', value: 'NOTE' } },
    example: { label: 'a' },
  })
  let stack: FormerStack
  beforeAll(async () => {
    stack = await openFormerStack(
      [profile, visit, note],
      [
        `CREATE TABLE profiles (account BIGINT NOT NULL PRIMARY KEY, label VARCHAR(20) NOT NULL, ${RECORD})`,
        `CREATE TABLE visits (account BIGINT NOT NULL, number BIGINT NOT NULL, ${RECORD}, PRIMARY KEY (account, number))`,
        `CREATE TABLE notes (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20) NOT NULL,
          backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL, ${RECORD},
          UNIQUE KEY backsync_key (backsync_key))`,
      ],
    )
  }, 60_000)
  afterAll(() => stack.close())

  it('takes the rows of one entity and leaves those of the others', async () => {
    const n = (digits: string) => new DecimalText(digits)
    const held: readonly (readonly [Entity, string, Row])[] = [
      [profile, '1', { account: n('1'), label: 'a' }],
      [visit, '1,7', { account: n('1'), number: n('7') }],
      [note, '1', { label: 'legacy' }],
    ]
    await stack.aurora.legacy.query("INSERT INTO notes (label) VALUES ('legacy')")
    for (const [entity, key, row] of held) {
      if (entity !== note) await stack.aurora.writer.apply(entity, [changeOf(entity, key, row)])
      await silence(stack, entity)
      await stack.put(entity, key, itemOf(entity, key, row))
    }
    const all = async () => {
      const of = async (entity: Entity) => (await ownersOf(stack, entity)).join()
      return [await of(profile), await of(visit), await of(note)]
    }

    await stack.take(visit)
    expect(await all()).toEqual(['aurora', 'dynamo', 'aurora'])
    await stack.take(note)
    expect(await all()).toEqual(['aurora', 'dynamo', 'dynamo'])
    await stack.take(profile)
    expect(await all()).toEqual(['dynamo', 'dynamo', 'dynamo'])
    expect([await stack.isKnown(profile), await stack.isKnown(visit), await stack.isKnown(note)]).toEqual([
      true,
      true,
      true,
    ])
  })
})
