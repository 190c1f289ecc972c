import { type AttributeValue, CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { jsonLines, runHere } from '../../infra/cli/harness.ts'
import { until } from '../../support/until.ts'
import type { World } from '../world.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e']

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** The whole way: a backup of the chefs, brought back into the table whose stream Aurora is kept by. */
export const followedCopySuite = (world: () => World): void => {
  describe('a copy into a table that a stream follows', () => {
    beforeAll(async () => {
      await world().legacy.query('DELETE FROM cheftable')
      await world().dynamodb.send(
        new CreateTableCommand({
          TableName: 'chef-backup',
          AttributeDefinitions: [{ AttributeName: 'chefId', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'chefId', KeyType: 'HASH' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      )
    })

    const backsync = (...args: string[]) => runHere(world().home, ...args)
    const rows = async (): Promise<string[]> => {
      const [found] = await world().legacy.query<RowDataPacket[]>(
        "SELECT CONCAT(backsync_key, ' ', cheffirst, ' ', backsync_version) AS chef FROM cheftable ORDER BY backsync_key",
      )
      return found.map(({ chef }) => String(chef))
    }
    const put = async (table: string | undefined, version: number): Promise<void> => {
      for (const key of KEYS) {
        const texts = {
          chefId: key,
          firstName: `v${version}`,
          lastName: 'Flay',
          updatedAt: `2026-11-22T10:00:0${version}.000Z`,
        }
        const Item: Record<string, AttributeValue> = { version: { N: String(version) } }
        for (const [name, text] of Object.entries(texts)) Item[name] = { S: text }
        await world().dynamodb.send(new PutItemCommand({ TableName: table, Item }))
      }
    }
    const listed = async (): Promise<unknown[]> => {
      const list = await backsync('parked', 'list', '--json')
      return jsonLines(list.stdout)
        .map((head) => [Reflect.get(Object(head), 'key'), Reflect.get(Object(head), 'code')])
        .sort()
    }

    it('says so before it starts, and ends with both stores as the backup has it', async () => {
      await put('chef-backup', 1)
      await put(world().outputs.ChefTableName, 1)
      await put(world().outputs.ChefTableName, 2)
      await until('the rows', 60_000, async () =>
        isSame(
          await rows(),
          KEYS.map((key) => `${key} v2 2`),
        ),
      )

      const planned = await backsync('copy', 'chef-backup', 'chef', '--cleanup', '--dry-run')
      expect(planned.stdout).toMatch(
        /^followed +a stream carries what is deleted and written to .* are lifted, or parked there$/m,
      )

      const copied = await backsync('copy', 'chef-backup', 'chef', '--cleanup', '--yes', '--json')
      expect(JSON.parse(copied.stdout)).toMatchObject({
        followed: true,
        equal: true,
        aurora: [{ entity: 'chef', keys: 5, parked: 0, unreadable: 0 }],
      })
      await until(
        'the rows',
        60_000,
        async () => (await rows()).join(' ').match(/ v1 4/g)?.length === KEYS.length,
      )
      expect(await listed()).toEqual([])

      await put(world().outputs.ChefTableName, 5)
      await until('the rows', 60_000, async () =>
        isSame(
          await rows(),
          KEYS.map((key) => `${key} v5 5`),
        ),
      )
    }, 240_000)

    it('ends so without --cleanup as well, and then holds each key', async () => {
      await put(world().outputs.ChefTableName, 7)
      await until('the rows', 60_000, async () =>
        isSame(
          await rows(),
          KEYS.map((key) => `${key} v7 7`),
        ),
      )
      const again = await backsync('copy', 'chef-backup', 'chef', '--yes')
      expect(again.code).toBe(0)
      expect(again.stdout).toMatch(/^result +equal$/m)
      await until('the rows', 60_000, async () =>
        isSame(
          await rows(),
          KEYS.map((key) => `${key} v1 8`),
        ),
      )
      expect(await listed()).toEqual([])
    }, 240_000)
  })
}
