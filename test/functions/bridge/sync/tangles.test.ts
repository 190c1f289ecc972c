import { randomUUID } from 'node:crypto'
import { fc } from '@fast-check/jest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { recordKinds, runs } from '../../../support/runs.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const ADOPTED = `backsync_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL INVISIBLE,
  backsync_version BIGINT UNSIGNED NOT NULL DEFAULT 1 INVISIBLE,
  backsync_updated_at TIMESTAMP(3) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3) INVISIBLE,
  backsync_owner VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL DEFAULT NULL INVISIBLE,
  backsync_epoch BIGINT UNSIGNED NOT NULL DEFAULT 0 INVISIBLE,
  UNIQUE KEY backsync_key (backsync_key)`

const nothing = { batchItemFailures: [] }
let sequence = 0

describe.each<RecordKind>(recordKinds)(
  'changes of which each waits for another one, with records in a %s',
  (record) => {
    /** A tree: each may have a parent; no two have one code, no two have one slug. */
    const category = defineEntity({
      record,
      name: 'category',
      plural: 'categories',
      keyName: 'categoryId',
      table: 'categories',
      identity: autoIncrement('id'),
      attributes: {
        parentId: reference({
          column: 'parent_id',
          to: { name: 'category', table: 'categories', idColumn: 'id', record },
          optional: true,
        }),
        code: text({ column: 'code', maxLength: 60 }),
        slug: text({ column: 'slug', maxLength: 60, optional: true }),
      },
      example: { code: 'soups' },
    })

    /** Two that refer to each other: a team has a lead, who is of a team. */
    const team = defineEntity({
      record,
      name: 'team',
      plural: 'teams',
      keyName: 'teamId',
      table: 'teams',
      identity: autoIncrement('id'),
      attributes: {
        leadId: reference({
          column: 'lead_id',
          to: { name: 'member', table: 'members', idColumn: 'id', record },
          optional: true,
        }),
      },
      example: {},
    })
    const member = defineEntity({
      record,
      name: 'member',
      plural: 'members',
      keyName: 'memberId',
      table: 'members',
      identity: autoIncrement('id'),
      attributes: {
        teamId: reference({
          column: 'team_id',
          to: { name: 'team', table: 'teams', idColumn: 'id', record },
        }),
      },
      example: { teamId: '1' },
    })

    const TABLES = [
      `CREATE TABLE categories (id BIGINT AUTO_INCREMENT PRIMARY KEY, parent_id BIGINT NULL, code VARCHAR(60) NOT NULL,
    slug VARCHAR(60) NULL, UNIQUE KEY one_code (code), UNIQUE KEY one_slug (slug),
    CONSTRAINT parent FOREIGN KEY (parent_id) REFERENCES categories (id), ${ADOPTED})`,
      `CREATE TABLE teams (id BIGINT AUTO_INCREMENT PRIMARY KEY, lead_id BIGINT NULL, ${ADOPTED})`,
      `CREATE TABLE members (id BIGINT AUTO_INCREMENT PRIMARY KEY, team_id BIGINT NOT NULL, ${ADOPTED},
    CONSTRAINT of_team FOREIGN KEY (team_id) REFERENCES teams (id))`,
      'ALTER TABLE teams ADD CONSTRAINT led_by FOREIGN KEY (lead_id) REFERENCES members (id)',
      // What the legacy application keeps beside them, and no entity is made of.
      `CREATE TABLE visits (category_id BIGINT NULL, FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE SET NULL)`,
      `CREATE TABLE likes (category_id BIGINT NOT NULL, FOREIGN KEY (category_id) REFERENCES categories (id) ON DELETE CASCADE)`,
      `CREATE TABLE orders (category_id BIGINT NOT NULL, FOREIGN KEY (category_id) REFERENCES categories (id))`,
    ]

    let sync: TestSync
    let of: string
    beforeAll(async () => {
      sync = await openTestSync([category, team, member], {
        category: 'Categories',
        team: 'Teams',
        member: 'Members',
      })
      for (const statement of TABLES)
        await sync.aurora.legacy.query(record === 'row' ? statement : statement.replace(`, ${ADOPTED}`, ''))
    })
    afterAll(() => sync.close())
    beforeEach(() => {
      of = `${randomUUID().slice(0, 8)}-`
    })

    /** A table with what its records say, wherever these are. */
    const kept = (name: string, entity: string): string =>
      record === 'row'
        ? name
        : `(SELECT x.*, r.entity_key AS backsync_key, r.version AS backsync_version FROM ${name} AS x
          JOIN backsync_records AS r ON r.entity = '${entity}' AND r.legacy_id = x.id)`

    type Item = { readonly [name: string]: string | undefined }
    const item = (entity: Entity, key: string, version: number, attributes: Item) => ({
      [entity.keyName]: { S: of + key },
      version: { N: String(version) },
      updatedAt: { S: '2026-11-22T03:00:00.123Z' },
      ...Object.fromEntries(
        Object.entries(attributes).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, { S: value }]],
        ),
      ),
    })
    const recordOf = (entity: Entity, key: string, version: number, attributes: Item, removes = false) => {
      const image = item(entity, key, version, attributes)
      sequence += 1
      const made = streamRecord({
        table: { category: 'Categories', team: 'Teams', member: 'Members' }[entity.name] ?? '',
        sequence: String(sequence),
        eventName: removes ? 'REMOVE' : 'MODIFY',
        ...(removes ? { oldImage: image } : { newImage: image, oldImage: image }),
      })
      return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.keyName]: { S: of + key } } } }
    }
    const node = (key: string, version: number, parent?: string, more: Item = {}) =>
      recordOf(category, key, version, {
        parentId: parent === undefined ? undefined : of + parent,
        code: of + key,
        ...more,
      })
    const gone = (key: string, version = 1) => recordOf(category, key, version, { code: of + key }, true)

    /** The rows of this test: key, and the parent's key, code and slug. */
    const rows = async (): Promise<Record<string, unknown>> => {
      const [found] = await sync.aurora.legacy.query<RowDataPacket[]>(
        `SELECT c.backsync_key AS k, p.backsync_key AS parent, c.code AS code, c.slug AS slug, c.backsync_version AS v
       FROM ${kept('categories', 'category')} AS c LEFT JOIN ${kept('categories', 'category')} AS p ON p.id = c.parent_id WHERE c.backsync_key LIKE ?`,
        [`${of}%`],
      )
      const short = (text: unknown) => (typeof text === 'string' ? text.replace(of, '') : text)
      return Object.fromEntries(
        found.map(({ k, parent, code, slug, v }) => [
          short(k),
          [short(parent), short(code), short(slug), Number(v)],
        ]),
      )
    }
    const parked = async (entity = 'category'): Promise<unknown[]> =>
      (await sync.parked(entity)).filter((one) => JSON.stringify(one).includes(of))

    describe('a tree', () => {
      const chain = Array.from({ length: 12 }, (_, at) => at)

      it('of any depth goes in with one batch, and out with one, in any order', async () => {
        await fc.assert(
          fc.asyncProperty(fc.shuffledSubarray(chain, { minLength: 12 }), async (order) => {
            of = `${randomUUID().slice(0, 8)}-`
            const parent = (at: number) => (at === 0 ? undefined : `n${at - 1}`)
            expect(await sync.deliver(...order.map((at) => node(`n${at}`, 1, parent(at))))).toEqual(nothing)
            expect(Object.keys(await rows())).toHaveLength(12)
            expect(await sync.deliver(...order.toReversed().map((at) => gone(`n${at}`)))).toEqual(nothing)
            expect(await rows()).toEqual({})
            expect(await parked()).toEqual([])
          }),
          runs(2),
        )
      }, 120_000)
    })

    describe('rows that name each other', () => {
      it('and a row that names itself, go in and out', async () => {
        await sync.deliver(node('self', 1, 'self'), node('a', 1, 'b'), node('b', 1, 'a'))
        expect(await rows()).toEqual({
          self: ['self', 'self', null, 1],
          a: ['b', 'a', null, 1],
          b: ['a', 'b', null, 1],
        })
        // Nothing but itself refers to it: it goes alone.
        await sync.deliver(gone('self'))
        expect(Object.keys(await rows()).sort()).toEqual(['a', 'b'])
        await sync.deliver(gone('a'), gone('b'))
        expect(await rows()).toEqual({})
        expect(await parked()).toEqual([])
      })

      it('of two entities go in too, though one of the references can not be NULL', async () => {
        await sync.deliver(
          recordOf(member, 'm', 1, { teamId: `${of}t` }),
          recordOf(team, 't', 1, { leadId: `${of}m` }),
        )
        const [found] = await sync.aurora.legacy.query<RowDataPacket[]>(
          `SELECT t.backsync_key AS t, m.backsync_key AS m FROM ${kept('teams', 'team')} AS t JOIN ${kept('members', 'member')} AS m ON m.id = t.lead_id
         AND m.team_id = t.id WHERE t.backsync_key = ?`,
          [`${of}t`],
        )
        expect(found.map((row) => ({ ...row }))).toEqual([{ t: `${of}t`, m: `${of}m` }])
        expect([...(await parked('team')), ...(await parked('member'))]).toEqual([])

        await sync.deliver(
          recordOf(member, 'm', 1, { teamId: `${of}t` }, true),
          recordOf(team, 't', 1, { leadId: `${of}m` }, true),
        )
        expect([...(await parked('team')), ...(await parked('member'))]).toEqual([])
      })

      it.each([
        ['the one that may be without', ['team', 'member']],
        ['the one that may not', ['member', 'team']],
      ])('of two entities go in and out over two batches, first %s', async (_, order) => {
        const items = {
          team: [team, item(team, 't', 1, { leadId: `${of}m` })],
          member: [member, item(member, 'm', 1, { teamId: `${of}t` })],
        } as const
        for (const [entity, one] of Object.values(items)) await sync.put(entity, one)
        const made = {
          team: (removes = false) => recordOf(team, 't', 1, { leadId: `${of}m` }, removes),
          member: (removes = false) => recordOf(member, 'm', 1, { teamId: `${of}t` }, removes),
        }
        const both = async () => {
          const [found] = await sync.aurora.legacy.query<RowDataPacket[]>(
            `SELECT backsync_key AS k FROM ${kept('teams', 'team')} AS t WHERE backsync_key = ?
            UNION SELECT backsync_key FROM ${kept('members', 'member')} AS m WHERE backsync_key = ?`,
            [`${of}t`, `${of}m`],
          )
          return [found.length, ...(await parked('team')), ...(await parked('member'))]
        }

        for (const name of order) await sync.deliver(name === 'team' ? made.team() : made.member())
        expect(await both()).toEqual([2])
        for (const [entity, key] of [
          [team, 't'],
          [member, 'm'],
        ] as const)
          await sync.remove(entity, of + key)
        for (const name of order) await sync.deliver(name === 'team' ? made.team(true) : made.member(true))
        expect(await both()).toEqual([0])
      })

      it('of one entity go in and out over three batches', async () => {
        const circle = [
          ['a', 'b'],
          ['b', 'c'],
          ['c', 'a'],
        ] as const
        for (const [key, parent] of circle)
          await sync.put(category, item(category, key, 1, { code: of + key, parentId: of + parent }))
        for (const [key, parent] of circle) await sync.deliver(node(key, 1, parent))
        expect(Object.keys(await rows()).sort()).toEqual(['a', 'b', 'c'])

        for (const [key] of circle) await sync.remove(category, of + key)
        for (const [key] of circle) await sync.deliver(gone(key))
        expect(await rows()).toEqual({})
        expect(await parked()).toEqual([])
      })

      it('are not held up by one beside them whose parent is missing', async () => {
        await sync.deliver(
          node('a', 1, 'b'),
          node('b', 1, 'a'),
          node('lost', 1, 'nobody'),
          node('under', 1, 'lost'),
        )
        expect(Object.keys(await rows()).sort()).toEqual(['a', 'b'])
        expect(await parked()).toHaveLength(2)
      })
    })

    describe('values that must be unique', () => {
      beforeEach(async () => {
        await sync.deliver(
          node('a', 1, undefined, { slug: `${of}red` }),
          node('b', 1, undefined, { slug: `${of}blue` }),
        )
      })
      const slug = (key: string, version: number, value: string) =>
        node(key, version, undefined, { slug: `${of}${value}` })

      it('are taken over in one batch, whatever comes first', async () => {
        await sync.deliver(slug('b', 2, 'red'), slug('a', 2, 'green'))
        expect(await rows()).toMatchObject({ a: [null, 'a', 'green', 2], b: [null, 'b', 'red', 2] })
        expect(await parked()).toEqual([])
      })

      it('change places, of a column that may be NULL and of one that may not', async () => {
        await sync.deliver(slug('a', 2, 'blue'), slug('b', 2, 'red'))
        expect(await rows()).toMatchObject({ a: [null, 'a', 'blue', 2], b: [null, 'b', 'red', 2] })
        const coded = (key: string, code: string, value: string) =>
          node(key, 3, undefined, { code: of + code, slug: of + value })
        await sync.deliver(coded('a', 'b', 'red'), coded('b', 'a', 'blue'))
        expect(await rows()).toMatchObject({ a: [null, 'b', 'red', 3], b: [null, 'a', 'blue', 3] })
        expect(await parked()).toEqual([])
      })

      it('change places beside one that wants what somebody else keeps', async () => {
        await sync.put(category, item(category, 'c', 1, { code: `${of}c`, slug: `${of}gold` }))
        await sync.deliver(node('keeper', 1, undefined, { slug: `${of}gold` }))
        await sync.deliver(slug('a', 2, 'blue'), slug('c', 1, 'gold'), slug('b', 2, 'red'))
        expect(await rows()).toMatchObject({ a: [null, 'a', 'blue', 2], b: [null, 'b', 'red', 2] })
        expect(await parked()).toEqual([[`${of}c`, 'data', 'mysql.1062']])
      })

      it('wait for a change of their entity, and are tried when one is applied', async () => {
        await sync.put(category, item(category, 'b', 2, { code: `${of}b`, slug: `${of}red` }))
        await sync.deliver(slug('b', 2, 'red'))
        expect(await parked()).toEqual([[`${of}b`, 'data', 'mysql.1062']])
        const head = (await sync.parts.parking.parkedOf('category')).get(`${of}b`)
        expect(head).toMatchObject({
          waitsFor: [{ entity: 'category' }],
          message: expect.stringContaining('one_slug'),
        })

        await sync.deliver(slug('a', 2, 'green'))
        expect(await rows()).toMatchObject({ a: [null, 'a', 'green', 2], b: [null, 'b', 'red', 2] })
        expect(await parked()).toEqual([])
      })

      it('that change places over two batches are applied with the second, though nothing comes behind it', async () => {
        for (const [key, value] of [
          ['a', 'blue'],
          ['b', 'red'],
        ] as const) {
          await sync.put(category, item(category, key, 2, { code: of + key, slug: of + value }))
          await sync.deliver(slug(key, 2, value))
        }
        expect(await parked()).toEqual([])
        expect(await rows()).toMatchObject({ a: [null, 'a', 'blue', 2], b: [null, 'b', 'red', 2] })
      })
    })

    describe('a delete of a row that tables of the legacy application refer to', () => {
      const refer = async (table: string): Promise<void> => {
        await sync.deliver(node('n', 1))
        await sync.aurora.legacy.query(
          `INSERT INTO ${table} (category_id) SELECT id FROM ${kept('categories', 'category')} AS c WHERE backsync_key = ?`,
          [`${of}n`],
        )
      }

      it.each(['visits', 'likes'])(
        'goes through where the foreign key of %s says what becomes of them',
        async (table) => {
          await refer(table)
          await sync.deliver(gone('n'))
          expect(await rows()).toEqual({})
          expect(await parked()).toEqual([])
        },
      )

      it('waits where it forbids that, for nothing that anybody would tell of: it is tried again when it is due', async () => {
        await refer('orders')
        await sync.deliver(gone('n'))
        expect(await parked()).toHaveLength(1)
        expect(sync.counts()).toMatchObject({ 'category Waiting': expect.any(Number) })

        await sync.aurora.legacy.query('DELETE FROM orders')
        const later = new Date(Date.now() + 6 * 60_000)
        await sync.deliverWith({ now: () => later }, recordOf(team, 'other', 1, {}))
        expect(await rows()).toEqual({})
        expect(await parked()).toEqual([])
      })
    })
  },
)
