import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Template } from 'aws-cdk-lib/assertions'
import { definitionIn, execute } from '../../infra/fixtures/workflow.ts'
import { until } from '../../support/until.ts'
import type { World } from '../world.ts'

type Item = Record<string, AttributeValue>
const LIMIT = 20_000

export const tablesSuite = (world: () => World): void => {
  describe('tables that are kept by, or copied from, others', () => {
    const output = (name: string): string => String(world().outputs[name])
    const itemsOf = async (TableName: string): Promise<Item[]> => {
      const items: Item[] = []
      let next: Item | undefined
      do {
        const page = new ScanCommand({
          TableName,
          ConsistentRead: true,
          ...(next && { ExclusiveStartKey: next }),
        })
        const { Items = [], LastEvaluatedKey } = await world().dynamodb.send(page)
        items.push(...Items)
        next = LastEvaluatedKey
      } while (next)
      return items
    }
    /** Without what the guard adds. */
    const shown = async (table: string): Promise<Item[]> =>
      (await itemsOf(output(table))).map((item) =>
        Object.fromEntries(Object.entries(item).filter(([name]) => !/^backsync/i.test(name))),
      )
    const shows = (table: string, expected: readonly Item[]): Promise<void> =>
      until(`${table} shows ${JSON.stringify(expected)}`, LIMIT, async () => {
        const sorted = (items: readonly Item[]) =>
          items.map((item) => JSON.stringify(Object.entries(item).sort())).sort()
        return JSON.stringify(sorted(await shown(table))) === JSON.stringify(sorted(expected))
      })
    const invokeCopy = async (event: unknown): Promise<unknown> => {
      const answer = await world().lambda.send(
        new InvokeCommand({ FunctionName: output('CopyTableFunctionName'), Payload: JSON.stringify(event) }),
      )
      const result = JSON.parse(Buffer.from(answer.Payload ?? []).toString())
      if (answer.FunctionError === undefined) return result
      throw Object.assign(new Error(result.errorMessage), { name: result.errorType })
    }

    describe('users by city', () => {
      const alice = { email: 'alice@example.com', state: 'WA', city: 'Seattle', zipcode: '98101' }
      const placed = (city: string) => ({ state: { S: 'WA' }, city: { S: city }, email: { S: alice.email } })

      const users = () => output('UsersTableName')
      const put = (user: Record<string, string>): Promise<unknown> => {
        const Item = Object.fromEntries(Object.entries(user).map(([name, S]) => [name, { S }]))
        return world().dynamodb.send(new PutItemCommand({ TableName: users(), Item }))
      }

      it('show a new user, without its zip code', async () => {
        await put(alice)

        await shows('UsersByCityTableName', [placed('Seattle')])
      })

      it('show it at its new place, and no longer at the old one, when it moves', async () => {
        await put({ ...alice, city: 'Tacoma' })

        await shows('UsersByCityTableName', [placed('Tacoma')])
      })

      it('forget a user that is deleted', async () => {
        await world().dynamodb.send(
          new DeleteItemCommand({ TableName: users(), Key: { email: { S: alice.email } } }),
        )

        await shows('UsersByCityTableName', [])
      })
    })

    it('preferences of the new form follow those of the old one', async () => {
      const key = { id: { S: 'u1' }, preferenceType: { S: 'mail' } }
      const TableName = output('UserPreferencesTableName')
      await world().dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: { ...key, value: { S: 'daily' }, legacyFlag: { BOOL: true } },
        }),
      )

      await shows('UserPreferencesV2TableName', [
        { ...key, preferenceValue: { S: 'daily' }, schemaVersion: { N: '2' }, enabled: { BOOL: true } },
      ])

      await world().dynamodb.send(new DeleteItemCommand({ TableName, Key: key }))
      await shows('UserPreferencesV2TableName', [])
    })

    describe('a copy', () => {
      const restored = 'user-preferences-restored'
      const preferences = (count: number, value: string): Item[] =>
        Array.from({ length: count }, (_, at) => ({
          id: { S: `user ${at}` },
          preferenceType: { S: 'mail' },
          value: { S: value },
          digits: { N: '12345678901234567890123456789012345678' },
          tags: { SS: ['a', 'b'] },
        }))
      const fill = async (table: string, items: readonly Item[]): Promise<void> => {
        for (let at = 0; at < items.length; at += 25) {
          const puts = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }))
          await world().dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }))
        }
      }
      const texts = (items: readonly Item[]): string[] =>
        items.map((item) => JSON.stringify(Object.entries(item).sort())).sort()
      const request = (from: string, to: string) => ({
        sourceTableName: from,
        destinationTableName: to,
        cleanupDestinationTable: true,
        migrate: true,
      })

      beforeAll(async () => {
        await world().dynamodb.send(
          new CreateTableCommand({
            TableName: restored,
            AttributeDefinitions: ['id', 'preferenceType'].map((AttributeName) => ({
              AttributeName,
              AttributeType: 'S',
            })),
            KeySchema: [
              { AttributeName: 'id', KeyType: 'HASH' },
              { AttributeName: 'preferenceType', KeyType: 'RANGE' },
            ],
            BillingMode: 'PAY_PER_REQUEST',
          }),
        )
        await fill(restored, preferences(300, 'weekly'))
      })

      afterAll(async () => {
        const live = output('UserPreferencesTableName')
        for (const { id = { S: '' }, preferenceType = { S: '' } } of await itemsOf(live))
          await world().dynamodb.send(new DeleteItemCommand({ TableName: live, Key: { id, preferenceType } }))
        await shows('UserPreferencesV2TableName', [])
      }, 60_000)

      it('brings a restored table back by the function, and what is kept by the live one follows', async () => {
        const live = output('UserPreferencesTableName')
        await fill(live, [{ id: { S: 'stray' }, preferenceType: { S: 'mail' } }])

        const report = await invokeCopy(request(restored, live))

        expect(report).toMatchObject({ cleaned: 1, copied: 300, equal: true, done: true })
        expect(texts(await itemsOf(live))).toEqual(texts(preferences(300, 'weekly')))
        await until('the new form has 300 items', LIMIT, async () => {
          const kept = await shown('UserPreferencesV2TableName')
          return kept.length === 300 && kept.every((item) => item.preferenceValue?.S === 'weekly')
        })
      }, 60_000)

      it('does the same by the state machine, in as many invocations as it takes', async () => {
        const file = join(world().home, 'cdk.out', 'Backsync.template.json')
        const definition = definitionIn(
          Template.fromJSON(JSON.parse(await readFile(file, 'utf8'))),
          'CopyTable',
        )
        const live = output('UserPreferencesTableName')
        await fill(restored, preferences(150, 'monthly'))
        const calls: unknown[] = []

        const report = await execute(definition, request(restored, live), (payload) => {
          calls.push(payload)
          return invokeCopy(payload)
        })

        expect(report).toMatchObject({ cleaned: 300, copied: 300, equal: true, done: true })
        expect(texts(await itemsOf(live))).toEqual(texts(await itemsOf(restored)))
        const done = calls.map((payload) => Object(payload).step ?? Object(payload).operation)
        expect([...new Set(done)]).toEqual(['plan', 'cleanup', 'migrate', 'verify', 'conclude'])
      }, 60_000)

      it('takes the role of another account by the SDK', async () => {
        const roleArn = 'arn:aws:iam::222222222222:role/copy'
        const event = {
          ...request(restored, output('UserPreferencesTableName')),
          sourceRoleArn: roleArn,
          sourceRegion: 'eu-west-1',
          destinationRoleArn: roleArn,
        }

        expect(await invokeCopy(event)).toMatchObject({ cleaned: 300, copied: 300, equal: true })
      }, 60_000)

      it('is refused before anything is written', async () => {
        const live = output('UserPreferencesTableName')
        const before = texts(await itemsOf(live))

        await expect(invokeCopy(request(live, live))).rejects.toThrow(/into itself/)
        await expect(invokeCopy(request(output('UsersTableName'), live))).rejects.toThrow(/key/)
        await expect(invokeCopy(request('nowhere', live))).rejects.toThrow(/nowhere/)

        expect(texts(await itemsOf(live))).toEqual(before)
      })
    })
  })
}
