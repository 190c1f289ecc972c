import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { untilItWaits } from '../../../support/waits.ts'
import { COUNTED, keptBy, RECORD } from '../../fixtures/adopted.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const nothing = { batchItemFailures: [] }
let sequence = 0

describe.each<RecordKind>(['row', 'sideTable'])(
  'rows that are referred to, with records in a %s',
  (record) => {
    const shop = defineEntity({
      record,
      name: 'shop',
      plural: 'shops',
      keyName: 'shopId',
      table: 'shops',
      identity: autoIncrement('id'),
      attributes: { name: text({ column: 'name', maxLength: 60 }) },
      children: {
        doors: childRows({
          table: 'shop_doors',
          parentColumn: 'shop_id',
          positionColumn: 'place',
          attributes: { name: text({ column: 'name', maxLength: 60 }) },
          optional: true,
        }),
      },
      example: { name: 'a' },
    })
    const ofShop = (name: string, table: string): Entity =>
      defineEntity({
        record,
        name,
        plural: `${name}s`,
        keyName: `${name}Id`,
        table,
        identity: autoIncrement('id'),
        attributes: {
          shopId: reference({
            column: 'shop_id',
            to: { name: 'shop', table: 'shops', idColumn: 'id', record },
            optional: true,
          }),
        },
        example: { shopId: '1' },
      })
    /** Nothing but its own row: its deletes commit statement by statement. */
    const town = defineEntity({
      record,
      name: 'town',
      plural: 'towns',
      keyName: 'townId',
      table: 'towns',
      identity: autoIncrement('id'),
      attributes: { name: text({ column: 'name', maxLength: 60 }) },
      example: { name: 'a' },
    })
    const house = defineEntity({
      record,
      name: 'house',
      plural: 'houses',
      keyName: 'houseId',
      table: 'houses',
      identity: autoIncrement('id'),
      attributes: {
        townId: reference({
          column: 'town_id',
          to: { name: 'town', table: 'towns', idColumn: 'id', record },
        }),
      },
      example: { townId: '1' },
    })
    const clerk = ofShop('clerk', 'clerks')
    const guest = ofShop('guest', 'guests')
    /** A tree whose upmost rows are their own parents. */
    const area: Entity = defineEntity({
      record,
      name: 'area',
      plural: 'areas',
      keyName: 'areaCode',
      table: 'areas',
      identity: natural(['land', 'code'], { collation: 'utf8mb4_bin' }),
      attributes: {
        land: text({ column: 'land', maxLength: 8 }),
        code: text({ column: 'code', maxLength: 40 }),
        within: reference({ column: ['within_land', 'within_code'], to: () => area }),
      },
      example: { land: 'no', code: 'a', within: 'no,a' },
    })
    const entities = [shop, clerk, guest, area, town, house]

    let sync: TestSync
    let of: string
    beforeAll(async () => {
      sync = await openTestSync(
        entities,
        Object.fromEntries(entities.map(({ item, name }) => [item.table, `Of-${name}`])),
      )
      for (const statement of [
        `CREATE TABLE shops (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, ${COUNTED})`,
        `CREATE TABLE shop_doors (shop_id BIGINT NOT NULL, place INT NOT NULL, name VARCHAR(60) NOT NULL, PRIMARY KEY (shop_id, place),
        FOREIGN KEY (shop_id) REFERENCES shops (id) ON DELETE CASCADE)`,
        `CREATE TABLE clerks (id BIGINT AUTO_INCREMENT PRIMARY KEY, shop_id BIGINT NULL, ${COUNTED},
        FOREIGN KEY (shop_id) REFERENCES shops (id) ON DELETE CASCADE)`,
        `CREATE TABLE guests (id BIGINT AUTO_INCREMENT PRIMARY KEY, shop_id BIGINT NULL, ${COUNTED},
        FOREIGN KEY (shop_id) REFERENCES shops (id) ON DELETE SET NULL)`,
        `CREATE TABLE towns (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, ${COUNTED})`,
        `CREATE TABLE houses (id BIGINT AUTO_INCREMENT PRIMARY KEY, town_id BIGINT NOT NULL, ${COUNTED},
        FOREIGN KEY (town_id) REFERENCES towns (id) ON DELETE CASCADE)`,
        // Of the legacy application alone.
        'CREATE TABLE signs (shop_id BIGINT NOT NULL, FOREIGN KEY (shop_id) REFERENCES shops (id) ON DELETE CASCADE)',
        // InnoDB deletes a row that refers to itself by that rule only, where the reference can not be NULL.
        `CREATE TABLE areas (land VARCHAR(8) NOT NULL, code VARCHAR(40) NOT NULL, within_land VARCHAR(8) NOT NULL,
        within_code VARCHAR(40) NOT NULL, PRIMARY KEY (land, code), ${RECORD},
        FOREIGN KEY (within_land, within_code) REFERENCES areas (land, code) ON DELETE CASCADE) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
      ])
        await sync.aurora.legacy.query(keptBy(record, statement))
    })
    afterAll(() => sync.close())
    beforeEach(() => {
      of = randomUUID().slice(0, 8)
    })

    const recordOf = (
      entity: Entity,
      key: string,
      version: number,
      attributes: Readonly<Record<string, unknown>>,
      removes = false,
    ) => {
      const image = {
        [entity.keyName]: { S: key },
        version: { N: String(version) },
        updatedAt: { S: '2026-11-22T03:00:00.123Z' },
        ...Object.fromEntries(Object.entries(attributes).map(([name, S]) => [name, { S }])),
      }
      sequence += 1
      const made = streamRecord({
        table: `Of-${entity.name}`,
        sequence: String(sequence),
        eventName: removes ? 'REMOVE' : 'MODIFY',
        ...(removes ? { oldImage: image } : { newImage: image, oldImage: image }),
      })
      return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.keyName]: { S: key } } } }
    }
    const parked = async (): Promise<unknown[]> =>
      (await Promise.all(entities.map(({ name }) => sync.parked(name)))).flat()
    const stored = async (entity: Entity, key: string) => {
      const found = await sync.aurora.store.get(entity, key)
      return found && [found.version, found.row.shopId]
    }

    describe.each([
      ['CASCADE', clerk],
      ['SET NULL', guest],
    ])('by an entity, with ON DELETE %s', (_, entity) => {
      it('stay until nothing of it refers to them: its items would be left', async () => {
        await sync.deliver(recordOf(shop, of, 1, { name: 'a' }), recordOf(entity, of, 1, { shopId: of }))
        await sync.deliver(recordOf(shop, of, 1, { name: 'a' }, true))
        expect(await stored(entity, of)).toEqual([1n, of])
        expect(await stored(shop, of)).toEqual([1n, undefined])
        expect(await parked()).toEqual([[of, 'dependency', 'row.referenced']])

        await sync.deliver(recordOf(entity, of, 1, { shopId: of }, true))
        expect([await stored(entity, of), await stored(shop, of)]).toEqual([undefined, undefined])
        expect(await parked()).toEqual([])
      })

      it('go together with what refers to them, whatever comes first', async () => {
        await sync.deliver(recordOf(shop, of, 1, { name: 'a' }), recordOf(entity, of, 1, { shopId: of }))
        await sync.deliver(
          recordOf(shop, of, 1, { name: 'a' }, true),
          recordOf(entity, of, 1, { shopId: of }, true),
        )
        expect([await stored(entity, of), await stored(shop, of)]).toEqual([undefined, undefined])
        expect(await parked()).toEqual([])
      })
    })

    it.each([
      ['with lists', shop, 'INSERT INTO clerks (shop_id) SELECT MAX(id) FROM shops', 'clerks'],
      ['of its own alone', town, 'INSERT INTO houses (town_id) SELECT MAX(id) FROM towns', 'houses'],
      [
        'of a tree',
        area,
        'INSERT INTO areas (land, code, within_land, within_code) SELECT land, CONCAT(code, ?), land, code FROM areas WHERE code = ?',
        'areas',
      ],
    ] as const)(
      '%s stay for what comes to refer to them while their delete waits for them, which takes nothing of it along',
      async (_, entity, insert, table) => {
        const { legacy, database } = sync.aurora
        const key = entity === area ? `no,${of}` : of
        const item = entity === area ? { land: 'no', code: of, within: key } : { name: 'a' }
        await sync.deliver(recordOf(entity, key, 1, item))
        const counted = async () => {
          const [[row]] = await legacy.query<RowDataPacket[]>(`SELECT COUNT(*) AS n FROM ${table}`)
          return Number(row?.n)
        }
        const before = await counted()
        await legacy.query('BEGIN')
        await legacy.query(insert, ['below', of])
        const delivered = sync.deliver(recordOf(entity, key, 1, item, true))
        await untilItWaits(legacy, database, `%${entity.table}%`)
        await legacy.query('COMMIT')
        expect(await delivered).toEqual(nothing)

        expect(await counted()).toBe(before + 1)
        expect((await stored(entity, key))?.[0]).toBe(1n)
        expect(await parked()).toEqual([[key, 'dependency', 'row.referenced']])
        await legacy.query(`DELETE FROM ${table} ORDER BY ${entity === area ? 'code' : 'id'} DESC LIMIT 1`)
        await retryParked(sync.parts, entity.name, [
          ...(await sync.parts.parking.parkedOf(entity.name)).values(),
        ])
        expect([await stored(entity, key), await parked()]).toEqual([undefined, []])
      },
      60_000,
    )

    it('by their own lists and by what is no entity’s go as the foreign keys say', async () => {
      const item = recordOf(shop, of, 1, { name: 'a' })
      await sync.deliver(item)
      await sync.aurora.legacy.query('INSERT INTO signs (shop_id) SELECT MAX(id) FROM shops')
      await sync.aurora.legacy.query("INSERT INTO shop_doors SELECT MAX(id), 9, 'back' FROM shops")
      await sync.deliver(recordOf(shop, of, 1, { name: 'a' }, true))
      expect(await stored(shop, of)).toBeUndefined()
      expect(await parked()).toEqual([])
    })

    it('by themselves, and can not be without, go in and out, alone and with those below', async () => {
      const row = (code: string, version: number, within: string, removes = false) =>
        recordOf(
          area,
          `no,${of}${code}`,
          version,
          { land: 'no', code: of + code, within: `no,${of}${within}` },
          removes,
        )
      const held = async () => {
        const [rows] = await sync.aurora.legacy.query<RowDataPacket[]>(
          'SELECT code, within_code AS w FROM areas WHERE code LIKE ? ORDER BY code',
          [`${of}%`],
        )
        return rows.map(({ code, w }) => [code, w].map((one) => String(one).replace(of, '')))
      }
      expect(await sync.deliver(row('top', 1, 'top'))).toEqual(nothing)
      expect(await held()).toEqual([['top', 'top']])
      await sync.deliver(row('low', 1, 'mid'), row('mid', 1, 'top'), row('Top', 1, 'Top'))
      expect(await held()).toEqual([
        ['Top', 'Top'],
        ['low', 'mid'],
        ['mid', 'top'],
        ['top', 'top'],
      ])
      // From another one to itself, and back.
      await sync.deliver(row('low', 2, 'low'))
      expect(await held()).toContainEqual(['low', 'low'])
      await sync.deliver(row('low', 3, 'mid'))
      expect(await held()).toContainEqual(['low', 'mid'])
      expect(await parked()).toEqual([])

      await sync.deliver(
        row('top', 1, 'top', true),
        row('mid', 1, 'top', true),
        row('low', 3, 'mid', true),
        row('Top', 1, 'Top', true),
      )
      expect([await held(), await parked()]).toEqual([[], []])
      expect(await parked()).toEqual([])
    })
  },
)
