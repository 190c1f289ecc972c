import { CreateTableCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import type { Item } from '../../../functions/bridge/drivers/dynamo/items.ts'
import { jsonLines, runCli, runHere } from '../../infra/cli/harness.ts'
import { preferencesOf, usersOf } from '../../infra/cli/tables/harness.ts'
import { until } from '../../support/until.ts'
import type { World } from '../world.ts'

/** The commands on the stack of the world: in this process, but for one. */
export const commandsSuite = (world: () => World): void => {
  const backsync = (...args: string[]) => runHere(world().home, ...args)
  const put = (TableName: string | undefined, Item: Item) =>
    world().dynamodb.send(new PutItemCommand({ TableName, Item }))
  /** How many items a table has; a command that counts takes a second of a core, and is asked once. */
  const countOf = async (TableName: string | undefined): Promise<number | undefined> =>
    (await world().dynamodb.send(new ScanCommand({ TableName, Select: 'COUNT', ConsistentRead: true }))).Count

  describe('the commands for tables, on a running stack', () => {
    const json = async (...args: string[]) => JSON.parse((await backsync(...args, '--json')).stdout)

    it('show and compare what the stream keeps, as soon as somebody has written', async () => {
      for (const user of usersOf(1)) await put(world().outputs.UsersTableName, user)
      await until(
        'the replica has it',
        30_000,
        async () => (await countOf(world().outputs.UsersByCityTableName)) === 1,
      )
      expect(await json('count', 'users-by-city')).toMatchObject({ items: 1 })

      const shown = await json('replicate', 'status', 'users-by-city', '--verify')
      expect(shown).toMatchObject({ state: 'following', verification: { equal: true, source: 1, target: 1 } })
      expect(shown.lastAppliedAt).toMatch(/^\d{4}-.*Z$/)
    }, 60_000)

    it('bring a restored table back into the live one, and its replica follows', async () => {
      const restored = 'users-restored'
      await world().dynamodb.send(
        new CreateTableCommand({
          TableName: restored,
          AttributeDefinitions: [{ AttributeName: 'email', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'email', KeyType: 'HASH' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      )
      await Promise.all(usersOf(500).map((user) => put(restored, user)))
      const copied = await backsync('copy', 'users-restored', 'users', '--cleanup', '--yes')
      expect(copied).toMatchObject({ code: 0, stdout: expect.stringMatching(/^copied +500$/m) })
      expect(copied.stdout).toMatch(/^result +equal$/m)

      await until(
        'the replica has all',
        30_000,
        async () => (await countOf(world().outputs.UsersByCityTableName)) === 500,
      )
      // As `npx backsync` does it.
      expect(
        await runCli(['replicate', 'status', '--verify'], { BACKSYNC_HOME: world().home }),
      ).toMatchObject({
        code: 0,
      })
    }, 120_000)

    it('fill, compare and finish a new table', async () => {
      await Promise.all(preferencesOf(1_000).map((one) => put(world().outputs.UserPreferencesTableName, one)))
      const started = await json('reshape', 'start', 'user-preferences-v2')
      expect(started).toMatchObject({ todo: 'begin', items: 1_000, parked: 0 })
      const finished = await backsync('reshape', 'finish', 'user-preferences-v2', '--yes')
      expect(finished).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1,000 of user-preferences-v2'),
      })
      expect(await json('reshape', 'status')).toMatchObject({ state: 'finished', items: 1_000 })
    }, 120_000)
  })

  describe('a change that the legacy schema does not take, on a running stack', () => {
    const parked = (...args: string[]) => backsync('parked', ...args)
    const sql = async (text: string) => (await world().legacy.query<RowDataPacket[]>(text))[0]

    it('is parked with its payload, listed, tried again, and applied once the schema takes it', async () => {
      await sql('DELETE FROM cheftable')
      await sql('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(5)')
      const item = {
        chefId: 'c1',
        firstName: 'Alexander',
        lastName: 'Flay',
        updatedAt: '2026-11-22T10:00:00.000Z',
      }
      const attributes = Object.fromEntries(Object.entries(item).map(([name, text]) => [name, { S: text }]))
      await put(world().outputs.ChefTableName, { ...attributes, version: { N: '1' } })
      await until(
        'it is parked',
        30_000,
        async () => Number(await countOf(world().outputs.ParkingTableName)) > 0,
      )

      const [head] = jsonLines((await parked('list', '--json')).stdout)
      expect(head).toMatchObject({ entity: 'chef', key: 'c1', version: '1', class: 'data', state: 'parked' })
      const shown = await parked('show', 'chef', 'c1', '--json')
      expect(JSON.parse(shown.stdout).payload.dynamodb.NewImage.firstName).toEqual({ S: 'Alexander' })
      // The reason is for everybody's eyes, the payload only for those who ask for it.
      expect(JSON.stringify(head)).not.toContain('Alexander')

      const tooEarly = await parked('retry', '--yes')
      expect(tooEarly).toMatchObject({ code: 3, stdout: expect.stringMatching(/chef +c1 +1 +parked/) })

      await sql('ALTER TABLE cheftable MODIFY cheffirst VARCHAR(255)')
      const retried = await parked('retry', 'chef', 'c1', '--yes')
      expect(retried).toMatchObject({ code: 0, stdout: expect.stringMatching(/chef +c1 +1 +applied/) })
      expect(await sql("SELECT cheffirst FROM cheftable WHERE backsync_key = 'c1'")).toEqual([
        { cheffirst: 'Alexander' },
      ])
      expect(await parked('list')).toEqual({ code: 0, stdout: 'nothing is parked\n', stderr: '' })
    }, 120_000)
  })
}
