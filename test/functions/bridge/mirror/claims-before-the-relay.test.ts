import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ResultSetHeader, RowDataPacket } from 'mysql2'
import { type ClaimSides, claim } from '../../../../functions/bridge/cutover/claim.ts'
import type { RecordKind } from '../../../../functions/bridge/model/attributes/attribute.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import { childRows } from '../../../../functions/bridge/model/child-rows.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import type { KeyRecords } from '../../../../functions/bridge/ports/key-records.ts'
import { untilItWaits } from '../../../support/waits.ts'
import { COUNTED, keptBy } from '../../fixtures/adopted.ts'
import { type MirrorWorld, openMirror } from './world.ts'

describe.each<RecordKind>(['row', 'sideTable'])(
  'a key that is claimed before the relay has come, with records in a %s',
  (record) => {
    const menu = defineEntity({
      record,
      name: 'menu',
      plural: 'menus',
      keyName: 'menuId',
      table: 'menus',
      identity: autoIncrement('id'),
      attributes: { name: text({ column: 'name', maxLength: 60 }) },
      children: {
        courses: childRows({
          table: 'menu_courses',
          parentColumn: 'menu_id',
          positionColumn: 'place',
          attributes: { dish: text({ column: 'dish', maxLength: 60 }) },
          optional: true,
        }),
      },
      mirror: {},
      example: { name: 'a' },
    })

    let world: MirrorWorld
    beforeAll(async () => {
      world = await openMirror([menu], { menu: 'Menus' }, [
        keptBy(
          record,
          `CREATE TABLE menus (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, ${COUNTED})`,
        ),
        `CREATE TABLE menu_courses (menu_id BIGINT NOT NULL, place INT NOT NULL, dish VARCHAR(60) NOT NULL,
          PRIMARY KEY (menu_id, place), FOREIGN KEY (menu_id) REFERENCES menus (id))`,
      ])
    }, 60_000)
    afterAll(() => world.close())

    const run = async (statement: string, ...values: unknown[]): Promise<number> => {
      const [{ insertId }] = await world.legacy.query<ResultSetHeader>(statement, values)
      return insertId
    }
    const mirrored = async (): Promise<string> => {
      const id = await run("INSERT INTO menus (name) VALUES ('Lunch')")
      await run("INSERT INTO menu_courses VALUES (?, 0, 'Soup')", id)
      await world.carry()
      return String(id)
    }
    const serve = (id: string, dish: string) =>
      run('UPDATE menu_courses SET dish = ? WHERE menu_id = ?', dish, id)
    const logged = async (): Promise<number> => {
      const [[row]] = await world.legacy.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM backsync_changes')
      return Number(row?.n)
    }
    const both = async (id: string) => {
      const { aurora, dynamo } = world.sides
      return Promise.all(
        [aurora, dynamo].map(async (side) => {
          const one = await side.read(menu, id)
          return { owner: one.owner, version: one.version, ...(one.state === 'held' && { row: one.row }) }
        }),
      )
    }
    const expectMoved = async (id: string, dish: string): Promise<void> => {
      await world.carry()
      const [aurora, dynamo] = await both(id)
      expect(dynamo).toMatchObject({ owner: 'dynamo', row: { courses: [{ dish }] } })
      expect(aurora).toEqual(dynamo)
      expect(await logged()).toBe(0)
    }
    /** Both sides, where something happens behind the first read of one of them. */
    const happening = (after: keyof ClaimSides, what: () => Promise<unknown>): ClaimSides => {
      const side = world.sides[after]
      let has = false
      const read: typeof side.read = async (...of) => {
        const known = await side.read(...of)
        if (!has) {
          has = true
          await what()
        }
        return known
      }
      const watched: KeyRecords = {
        ...{ side: side.side, read },
        release: (...of) => side.release(...of),
        take: (...of) => side.take(...of),
        restore: (...of) => side.restore(...of),
      }
      return { ...world.sides, [after]: watched }
    }

    it('goes with a list that plain SQL has changed, of which its version says nothing', async () => {
      const id = await mirrored()
      await serve(id, 'Salad')
      await world.claim(menu, id, 'dynamo')
      await expectMoved(id, 'Salad')
    })

    it('goes with one that is changed between the look at it and its first step', async () => {
      const id = await mirrored()
      await claim(
        menu,
        id,
        'dynamo',
        happening('dynamo', () => serve(id, 'Pie')),
      )
      await expectMoved(id, 'Pie')
    })

    it('is no conflict where something is written and carried over between the looks at its two sides', async () => {
      const id = await mirrored()
      const carried = async () => {
        await run("UPDATE menus SET name = 'Dinner' WHERE id = ?", id)
        await world.carry()
      }
      await claim(menu, id, 'dynamo', happening('aurora', carried))
      await expectMoved(id, 'Soup')
      expect((await both(id))[1]).toMatchObject({ row: { name: 'Dinner' } })
    })

    it('keeps its version where nothing is still to be carried over: what clients have read stays good', async () => {
      const id = await mirrored()
      const [before] = await both(id)
      await world.claim(menu, id, 'dynamo')
      expect((await both(id)).map(({ version }) => version)).toEqual([before?.version, before?.version])
    })

    it('keeps a list that plain SQL has changed since it is Aurora’s, though what DynamoDB had written comes only then', async () => {
      const key = randomUUID()
      await world.create(menu, 'dynamo', { name: 'Brunch', courses: [{ dish: 'Eggs' }] }, key)
      const late = world.recordOf(menu, key, undefined, await world.item(menu, key))
      await world.claim(menu, key, 'aurora')
      const { row } = (await world.stores.aurora.get(menu, key)) ?? {}
      expect(row).toMatchObject({ courses: [{ dish: 'Eggs' }] })
      await run(
        "UPDATE menu_courses AS c JOIN menus AS m ON m.id = c.menu_id SET c.dish = 'Toast' WHERE m.name = 'Brunch'",
      )
      await world.sync.deliver(late)
      await world.carry()
      const [aurora, dynamo] = await both(key)
      expect(aurora).toMatchObject({ owner: 'aurora', row: { courses: [{ dish: 'Toast' }] } })
      expect(dynamo).toEqual(aurora)
      await run("UPDATE menus SET name = 'Over' WHERE name = 'Brunch'")
      await world.carry()
    })

    it.each([
      ['that is mirrored', mirrored],
      ['that DynamoDB has nothing of', () => run("INSERT INTO menus (name) VALUES ('Tea')").then(String)],
    ])(
      '%s is carried over though a sweep says that it is Aurora’s between the look at it and its write',
      async (_, made) => {
        const id = await made()
        await run("UPDATE menus SET name = 'Supper' WHERE id = ?", id)
        const name = `sweeps ${id}`
        world.sync.client.middlewareStack.add(
          (next, { commandName }) =>
            async (args) => {
              if (commandName === 'UpdateItemCommand' && world.sync.client.middlewareStack.remove(name))
                await claim(menu, id, 'aurora', world.sides, { epoch: 9n })
              return next(args)
            },
          { step: 'initialize', name },
        )
        await world.carry()
        const [aurora, dynamo] = await both(id)
        expect(aurora).toMatchObject({ owner: 'aurora', row: { name: 'Supper' } })
        expect(dynamo).toEqual(aurora)
        expect(await logged()).toBe(0)
      },
    )

    it('waits for a transaction that is changing its list', async () => {
      const id = await mirrored()
      await world.legacy.query('BEGIN')
      await serve(id, 'Stew')
      const claimed = world.claim(menu, id, 'dynamo')
      await untilItWaits(world.legacy, world.sync.aurora.database, '%SET %owner%')
      await world.legacy.query('COMMIT')
      expect(await claimed).toMatchObject({ done: 'moved' })
      await expectMoved(id, 'Stew')
    })
  },
)
