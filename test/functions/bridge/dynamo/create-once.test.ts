import { randomUUID } from 'node:crypto'
import {
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { recordTable } from '../../../../functions/bridge/dynamo/idempotency-table.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { clientOf, describeRepeatableCreate, type Side } from '../api/idempotency-suite.ts'
import { openDynamo, openTestTables } from './tables.ts'

type Tables = Awaited<ReturnType<typeof openTestTables>>

/** A client each of whose transactions goes through `send`, which may fail it before or after it was done. */
const through = (
  send: (attempt: number, done: () => Promise<unknown>) => Promise<unknown>,
): DynamoDBClient => {
  const client = openDynamo()
  let attempt = 0
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'TransactWriteItemsCommand') return next(args)
      attempt += 1
      let result: Awaited<ReturnType<typeof next>> | undefined
      await send(attempt, async () => {
        result = await next(args)
      })
      return result ?? next(args)
    },
    { step: 'deserialize', priority: 'high', name: 'through' },
  )
  return client
}
const hangUp = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
const conflict = () =>
  new TransactionCanceledException({
    $metadata: {},
    message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
    CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
  })

const all = async ({ client }: Tables, TableName: string) =>
  (await client.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? []

const open = async (): Promise<Side & { tables: Tables }> => {
  const tables = await openTestTables('chef', 'chefId')
  const lossy = through(async (attempt, done) => {
    await done()
    if (attempt === 1) throw hangUp()
  })
  return {
    tables,
    store: tables.store,
    firstNames: async () => (await all(tables, tables.TableName)).map(({ firstName }) => firstName?.S ?? ''),
    records: async () => (await all(tables, tables.records)).length,
    losing: tables.storeOver(lossy),
    close: async () => {
      lossy.destroy()
      await tables.close()
    },
  }
}

describe('on DynamoDB', () => {
  describeRepeatableCreate('dynamo', open)

  describe('a create with an Idempotency-Key', () => {
    let side: Awaited<ReturnType<typeof open>>
    beforeAll(async () => {
      side = await open()
    })
    afterAll(() => side.close())
    const { send } = clientOf('dynamo', () => side)
    const body = { firstName: 'Bobby', lastName: 'Flay' }
    const chefs = async () => (await side.firstNames()).length
    const sendThrough = async (client: DynamoDBClient, key: string, deadline = new Deadline()) => {
      const answer = await send({ key, body, store: side.tables.storeOver(client, deadline) })
      client.destroy()
      return answer
    }

    it('is not a replay when only the word of its own success was lost', async () => {
      const before = await chefs()
      const lossy = through(async (attempt, done) => {
        await done()
        if (attempt === 1) throw hangUp()
      })

      const answer = await sendThrough(lossy, randomUUID())

      expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([201, undefined])
      expect(await chefs()).toBe(before + 1)
    })

    it('gets through when another transaction is at its items, a few times', async () => {
      let attempts = 0
      const busy = through(async (attempt, done) => {
        attempts = attempt
        if (attempt < 4) throw conflict()
        await done()
      })

      expect((await sendThrough(busy, randomUUID())).statusCode).toBe(201)
      expect(attempts).toBe(4)
    })

    it('is answered with 409 when they never let go; the repeat succeeds', async () => {
      const key = randomUUID()
      const before = await chefs()
      const busy = through(async () => {
        throw conflict()
      })

      const refused = await sendThrough(busy, key)

      expect(refused).toMatchObject({ statusCode: 409, headers: { 'retry-after': '1' } })
      expect(JSON.parse(refused.body ?? '').type).toBe('urn:backsync:problem:idempotency-in-progress')
      expect(await chefs()).toBe(before)
      expect((await send({ key, body })).statusCode).toBe(201)
    })

    it('starts nothing when the invocation is about to end', async () => {
      const deadline = new Deadline()
      deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 520 })
      const before = await chefs()

      expect((await sendThrough(openDynamo(), randomUUID(), deadline)).statusCode).toBe(503)
      expect(await chefs()).toBe(before)
    })

    it('leaves no record when the store refuses, and its key free', async () => {
      const recipes = await openTestTables('recipe', 'recipeId')
      const store = recipes.store
      const key = randomUUID()
      // Exact as a double, and beyond DynamoDB's numbers.
      const soup = (big: number) => ({ chefId: '1', title: 'Soup', notes: { big } })

      const refused = await send({ path: '/recipes', key, body: soup(1e150), store })
      expect([400, 422]).toContain(refused.statusCode)
      expect(await all(recipes, recipes.records)).toEqual([])
      expect((await send({ path: '/recipes', key, body: soup(1e15), store })).statusCode).toBe(201)
      expect(await all(recipes, recipes.TableName)).toHaveLength(1)
      await recipes.close()
    })

    it('keeps record and item to be removed by DynamoDB a week later, and neither key nor body in the clear', async () => {
      const key = `secret-${randomUUID()}`
      const at = new Date('2026-11-22T03:00:00.500Z')
      const other = await open()
      await clientOf('dynamo', () => other).send({ key, body, at })

      const [record] = await all(other.tables, other.tables.records)
      expect(record?.[recordTable.expiry]).toEqual({ N: String(Date.UTC(2026, 10, 29, 3, 0, 1) / 1000) })
      expect(record?.[recordTable.partition]?.S).toMatch(/^[0-9a-f]{64}$/)
      expect(JSON.stringify(record)).not.toContain('secret')
      await other.close()
    })

    it.each([
      ['without an answer', {}],
      ['with an answer that is no JSON', { answer: { S: '{' } }],
      ['with an answer that is none', { answer: { S: '{"statusCode":"201"}' } }],
    ])('does not trust a record %s', async (_, attributes) => {
      const key = randomUUID()
      const other = await open()
      const client = clientOf('dynamo', () => other)
      await client.send({ key, body })
      const [record = {}] = await all(other.tables, other.tables.records)
      const { answer: _answer, ...kept } = record
      await other.tables.client.send(
        new PutItemCommand({
          TableName: other.tables.records,
          Item: { ...kept, ...attributes },
        }),
      )

      expect((await client.send({ key, body })).statusCode).toBe(500)
      expect(await other.firstNames()).toHaveLength(1)
      await other.close()
    })
  })
})
