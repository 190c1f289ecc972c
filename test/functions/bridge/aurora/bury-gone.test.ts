import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import mysql from 'mysql2/promise'
import { buryGone } from '../../../../functions/bridge/aurora/bury-gone.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { untilItWaits } from '../../../support/waits.ts'
import { emptyGuests, guest, guestTables, table } from './records/guests.ts'
import { readTombstones } from './triggers/legacy.ts'

describe('the tombstone of a row that has gone without one', () => {
  let aurora: TestAurora
  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['chef', 'guest', 'table'] })
    for (const statement of guestTables) await aurora.legacy.query(statement)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await emptyGuests(aurora.legacy)
    await aurora.empty()
  })

  const gone = (entity: Entity, ...of: readonly (readonly [key: string, version: bigint])[]) =>
    buryGone(
      aurora.db,
      entity,
      of.map(
        ([key, version]): Change => ({
          ...{ entity: entity.name, key, version, epoch: 2n, op: 'delete', source: 'log' },
          at: '2026-11-29T10:00:00.000Z',
        }),
      ),
    )

  it.each([
    [
      'counted',
      chef,
      "INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (1, 'A', 'B')",
      ['1', '2', 'own'],
    ],
    ['counted, beside it', guest, "INSERT INTO guests (id, name) VALUES (1, 'A')", ['1', '2', 'own']],
    ['natural, beside it', table, "INSERT INTO guest_tables (code, name) VALUES ('a', 'A')", ['a', 'b', 'A']],
  ] as const)('is made of keys without a row, and of no other: %s', async (_, entity, row, keys) => {
    await aurora.legacy.query(row)
    await gone(entity, ...keys.map((key): [string, bigint] => [key, 5n]))

    expect(await readTombstones(aurora)).toEqual([`${keys[1]} v5`, `${keys[2]} v5`].toSorted())
  })

  it('is never lower than it was, and never taken from DynamoDB', async () => {
    await aurora.legacy.query(
      `INSERT INTO backsync_tombstones (entity, entity_key, version, owner, epoch)
        VALUES ('chef', 'higher', 9, NULL, 1), ('chef', 'lower', 3, NULL, 1), ('chef', 'theirs', 3, 'dynamo', 1)`,
    )
    await gone(chef, ['higher', 5n], ['lower', 5n], ['theirs', 5n])

    expect(await readTombstones(aurora)).toEqual(['higher v9', 'lower v5', 'theirs v3 dynamo'])
  })

  it('waits for whoever is making a row of the key, and is not made then', async () => {
    const { host, port, database } = aurora
    const url = new URL(process.env.TEST_MYSQL_URL ?? '')
    const user = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
    const writer = await mysql.createConnection({ host, port, database, ...user })
    try {
      await writer.beginTransaction()
      await writer.query("INSERT INTO cheftable (id, cheffirst, cheflast) VALUES (7, 'A', 'B')")
      let ended = false
      const burying = gone(chef, ['7', 5n]).then(() => {
        ended = true
      })
      await untilItWaits(aurora.legacy, database, '%INSERT INTO backsync_tombstones%')
      expect(ended).toBe(false)
      await writer.commit()
      await burying
      expect(await readTombstones(aurora)).toEqual([])
    } finally {
      await writer.end()
    }
  })
})
