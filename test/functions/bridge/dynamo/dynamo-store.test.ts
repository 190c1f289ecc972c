import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { DynamoStore } from '../../../../functions/bridge/dynamo/dynamo-store.ts'
import { ForeignItemError } from '../../../../functions/bridge/dynamo/items.ts'
import { ConfigurationError, DeadlineError } from '../../../../functions/bridge/model/errors.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { AT, create, remove, replace } from '../../fixtures/chef-writes.ts'

const settings = {
  endpoint: process.env.TEST_DYNAMODB_ENDPOINT ?? '',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
}
const open = (): DynamoDBClient => new DynamoDBClient(settings)

const stored = (key: string, firstName: string, version: bigint) => ({
  key,
  row: { firstName, lastName: 'Flay' },
  version,
  updatedAt: AT,
})
const unknown = expect.objectContaining({ name: 'NoSuchKeyError', kind: 'client' })
const stale = expect.objectContaining({ name: 'StaleVersionError', kind: 'client' })

describe('DynamoDB as a store', () => {
  const TableName = `Chefs-${randomUUID()}`
  const client = open()
  const store = new DynamoStore({
    client,
    tables: new Tables({ chef: TableName }),
    idempotencyTable: 'unused',
    deadline: new Deadline(),
    log: silent,
  })

  beforeAll(() => createTable(TableName))
  afterAll(async () => {
    await client.send(new DeleteTableCommand({ TableName }))
    client.destroy()
  })

  const createTable = async (name: string): Promise<void> => {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        AttributeDefinitions: [{ AttributeName: 'chefId', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'chefId', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    )
  }
  const put = (Item: Item): Promise<unknown> => client.send(new PutItemCommand({ TableName, Item }))
  const item = async (key: string): Promise<Item | undefined> =>
    (await client.send(new GetItemCommand({ TableName, Key: { chefId: { S: key } }, ConsistentRead: true })))
      .Item

  describe('writing', () => {
    it('creates an item with its key, attributes, version and time', async () => {
      const key = randomUUID()

      expect(await store.write(chef, create(key))).toEqual(stored(key, 'Bobby', 1n))
      expect(await item(key)).toEqual({
        chefId: { S: key },
        firstName: { S: 'Bobby' },
        lastName: { S: 'Flay' },
        version: { N: '1' },
        updatedAt: { S: AT },
      })
      expect(await store.get(chef, key)).toEqual(stored(key, 'Bobby', 1n))
    })

    it('never creates over an item that is there', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      await expect(store.write(chef, create(key, 'Thief'))).rejects.toThrow()
      expect(await store.get(chef, key)).toEqual(stored(key, 'Bobby', 1n))
    })

    it('replaces at one version more', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      expect(await store.write(chef, replace(key, 'Robert'))).toEqual(stored(key, 'Robert', 2n))
      expect(await store.write(chef, replace(key, 'Rob', [7n, 2n]))).toEqual(stored(key, 'Rob', 3n))
    })

    it('removes', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      expect(await store.write(chef, remove(key, [1n]))).toBeUndefined()
      expect(await item(key)).toBeUndefined()
    })

    it('answers 404 for what is not there, and makes nothing', async () => {
      const key = randomUUID()

      expect(await store.get(chef, key)).toBeUndefined()
      await expect(store.write(chef, replace(key, 'Nobody'))).rejects.toEqual(unknown)
      await expect(store.write(chef, replace(key, 'Nobody', [1n]))).rejects.toEqual(unknown)
      await expect(store.write(chef, remove(key))).rejects.toEqual(unknown)
      await expect(store.write(chef, remove(key, []))).rejects.toEqual(unknown)
      expect(await item(key)).toBeUndefined()
    })

    it('answers 412 when the client knows another version, and changes nothing', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      await expect(store.write(chef, replace(key, 'Robert', [2n, 3n]))).rejects.toEqual(stale)
      await expect(store.write(chef, replace(key, 'Robert', []))).rejects.toEqual(stale)
      await expect(store.write(chef, remove(key, [2n]))).rejects.toEqual(stale)
      await expect(store.write(chef, remove(key, []))).rejects.toEqual(stale)
      expect(await store.get(chef, key)).toEqual(stored(key, 'Bobby', 1n))
    })

    it('takes as many versions as If-Match may name', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const versions = Array.from({ length: 100 }, (_, at) => BigInt(100 - at))

      expect(await store.write(chef, replace(key, 'Robert', versions))).toMatchObject({ version: 2n })
    })

    it.each(['👩🏽‍🍳 e\u0301', "'; DROP TABLE", '\u0000', 'x'.repeat(255)])(
      'keeps %j exactly',
      async (name) => {
        const key = randomUUID()
        await store.write(chef, create(key, name))

        expect((await store.get(chef, key))?.row.firstName).toBe(name)
      },
    )
  })

  describe('a race', () => {
    it('loses no write: each of several replaces gets a version of its own', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      const results = await Promise.all(
        ['a', 'b', 'c', 'd'].map((name) => store.write(chef, replace(key, name))),
      )

      expect(results.map((result) => result?.version).toSorted()).toEqual([2n, 3n, 4n, 5n])
    })

    it('is won by exactly one of those who know the same version', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))

      const outcomes = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((name) => store.write(chef, replace(key, name, [1n]))),
      )

      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toEqual(stale)
      expect((await store.get(chef, key))?.version).toBe(2n)
    })
  })

  describe('an answer that is lost after the write', () => {
    const untold = { code: 'write.lost-answer' }
    /** A store whose first answer to a command never arrives, although DynamoDB has done it; the SDK repeats it. */
    const losing = (commandName: string, meanwhile: () => Promise<unknown> = async () => undefined) => {
      const lossy = open()
      let lost = 0
      lossy.middlewareStack.add(
        (next, context) => async (args) => {
          const answer = await next(args)
          if (context.commandName !== commandName || lost > 0) return answer
          lost += 1
          await meanwhile()
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        },
        { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' },
      )
      return { store: storeOf(lossy), lost: () => lost, end: () => lossy.destroy() }
    }

    /** A store whose first calls of a command are refused before DynamoDB has done anything; the SDK repeats it. */
    const refusing = (commandName: string, error: object, meanwhile: () => Promise<unknown>, most = 1) => {
      const client = open()
      let times = 0
      client.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName !== commandName || times >= most) return next(args)
          times += 1
          await meanwhile()
          throw Object.assign(new Error('refused'), error)
        },
        { step: 'deserialize', priority: 'high', name: 'refuseFirst' },
      )
      return { store: storeOf(client), times: () => times, end: () => client.destroy() }
    }

    const storeOf = (client: DynamoDBClient) =>
      new DynamoStore({
        ...{ client, tables: new Tables({ chef: TableName }), idempotencyTable: 'unused' },
        ...{ deadline: new Deadline(), log: silent },
      })

    it('of a create leaves one item at version 1', async () => {
      const key = randomUUID()
      const lossy = losing('PutItemCommand')

      expect(await lossy.store.write(chef, create(key))).toEqual(stored(key, 'Bobby', 1n))
      expect([lossy.lost(), await store.get(chef, key)]).toEqual([1, stored(key, 'Bobby', 1n)])
      lossy.end()
    })

    it('of a replace with a version named is recognised as its own: one version more, no 412', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('UpdateItemCommand')

      expect(await lossy.store.write(chef, replace(key, 'Robert', [1n]))).toEqual(stored(key, 'Robert', 2n))
      expect([lossy.lost(), await store.get(chef, key)]).toEqual([1, stored(key, 'Robert', 2n)])
      lossy.end()
    })

    it('of a replace with a version named is recognised as its own where it was lifted since, with the version that it has', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('UpdateItemCommand', async () =>
        put({ ...(await item(key)), version: { N: '7' } }),
      )

      expect(await lossy.store.write(chef, replace(key, 'Robert', [1n]))).toEqual(stored(key, 'Robert', 7n))
      lossy.end()
    })

    it('of a create is recognised as its own where it was lifted since', async () => {
      const key = randomUUID()
      const lossy = losing('PutItemCommand', async () => put({ ...(await item(key)), version: { N: '7' } }))

      expect(await lossy.store.write(chef, create(key))).toEqual(stored(key, 'Bobby', 7n))
      lossy.end()
    })

    it('of a replace of any version is known by its time and content: it is not done twice', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('UpdateItemCommand')

      expect(await lossy.store.write(chef, replace(key, 'Robert'))).toEqual(stored(key, 'Robert', 2n))
      expect([lossy.lost(), await store.get(chef, key)]).toEqual([1, stored(key, 'Robert', 2n)])
      lossy.end()
    })

    it('of a replace of any version is not done again over what others have written upon it', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('UpdateItemCommand', () => store.write(chef, replace(key, 'Other', [2n])))

      await expect(lossy.store.write(chef, replace(key, 'Robert'))).rejects.toMatchObject(untold)
      expect(await store.get(chef, key)).toEqual(stored(key, 'Other', 3n))
      lossy.end()
    })

    it.each([
      ['an answer', 0],
      ['a call', 1],
    ])(
      'of a replace of any version is done where %s was lost and what stands there is from before',
      async (_, unsent) => {
        const key = randomUUID()
        await put({ chefId: { S: key }, version: { N: '4' }, updatedAt: { S: '2026-11-22T02:00:00.000Z' } })
        const reset = { code: 'ECONNRESET' }
        const lossy =
          unsent === 1
            ? refusing('UpdateItemCommand', reset, async () => undefined)
            : losing('UpdateItemCommand')

        const change = { ...replace(key, 'Robert'), at: '2026-11-22T03:00:00.000Z' }
        expect(await lossy.store.write(chef, change)).toMatchObject({ version: 5n })
        expect(await store.get(chef, key)).toMatchObject({ version: 5n, updatedAt: change.at })
        lossy.end()
      },
    )

    it.each([
      ['is not there any more', undefined],
      ['is there without a time', { version: { N: '4' } }],
    ])('of a replace of any version is not known where what it may have made %s', async (_, found) => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = refusing('UpdateItemCommand', { code: 'ECONNRESET' }, async () => {
        await store.write(chef, remove(key))
        if (found !== undefined) await put({ chefId: { S: key }, ...found })
      })

      await expect(lossy.store.write(chef, replace(key, 'Robert'))).rejects.toMatchObject(untold)
      lossy.end()
    })

    it('of a delete of any version does not delete what others have made anew', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('DeleteItemCommand', () => store.write(chef, create(key)))

      await expect(lossy.store.write(chef, remove(key))).rejects.toMatchObject(untold)
      expect(await store.get(chef, key)).toEqual(stored(key, 'Bobby', 1n))
      lossy.end()
    })

    it('of a delete of any version is done where what stands there is from before', async () => {
      const key = randomUUID()
      await put({ chefId: { S: key }, version: { N: '4' }, updatedAt: { S: '2026-11-22T02:00:00.000Z' } })
      const lossy = refusing('DeleteItemCommand', { code: 'ECONNRESET' }, async () => undefined)

      await lossy.store.write(chef, { ...remove(key), at: '2026-11-22T03:00:00.000Z' })
      expect([lossy.times(), await item(key)]).toEqual([1, undefined])
      lossy.end()
    })

    it('is given up where one answer after the other is lost', async () => {
      const key = randomUUID()
      await put({ chefId: { S: key }, version: { N: '4' }, updatedAt: { S: '2026-11-22T02:00:00.000Z' } })
      const lossy = refusing('UpdateItemCommand', { code: 'ECONNRESET' }, async () => undefined, 99)

      const change = { ...replace(key, 'Robert'), at: '2026-11-22T03:00:00.000Z' }
      await expect(lossy.store.write(chef, change)).rejects.toMatchObject({ kind: 'transient' })
      expect([lossy.times(), (await store.get(chef, key))?.version]).toEqual([5, 4n])
      lossy.end()
    })

    it.each(['Other', 'Robert'])(
      'of a replace is not known when somebody else has written %s since: what was written that on may be its own',
      async (name) => {
        const key = randomUUID()
        await store.write(chef, create(key))
        const lossy = losing('UpdateItemCommand', () => store.write(chef, replace(key, name, [2n])))

        await expect(lossy.store.write(chef, replace(key, 'Robert', [1n]))).rejects.toMatchObject(untold)
        expect(await store.get(chef, key)).toEqual(stored(key, name, 3n))
        lossy.end()
      },
    )

    it.each([
      ['any version', undefined],
      ['a version named', [1n]],
    ])('of a delete of %s is recognised as its own, no 404', async (_, ifMatch) => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const lossy = losing('DeleteItemCommand')

      expect(await lossy.store.write(chef, remove(key, ifMatch))).toBeUndefined()
      expect([lossy.lost(), await item(key)]).toEqual([1, undefined])
      lossy.end()
    })

    it.each([
      ['throttled', { name: 'ThrottlingException', $fault: 'client', $metadata: { httpStatusCode: 400 } }],
      ['never sent', { code: 'ECONNREFUSED' }],
    ])('is not assumed of a call that was %s: it was not done', async (_, error) => {
      const key = randomUUID()
      await store.write(chef, create(key))
      const refused = refusing('UpdateItemCommand', error, async () => {
        await store.write(chef, replace(key, 'Other', [1n]))
        await store.write(chef, replace(key, 'Another', [2n]))
      })

      await expect(refused.store.write(chef, replace(key, 'Robert', [1n]))).rejects.toEqual(stale)
      expect(refused.times()).toBe(1)
      refused.end()
    })

    it('is not assumed where none was lost: who writes the same as somebody else, a moment later, gets 412', async () => {
      const key = randomUUID()
      await store.write(chef, create(key))
      await store.write(chef, replace(key, 'Robert', [1n]))

      await expect(store.write(chef, replace(key, 'Robert', [1n]))).rejects.toEqual(stale)
    })
  })

  describe("another writer's item", () => {
    it('keeps what the entity does not know through a replace', async () => {
      const key = randomUUID()
      await put({
        chefId: { S: key },
        version: { N: '4' },
        stars: { N: '3' },
        tags: { SS: ['bbq'] },
        firstName: { NULL: true },
      })

      expect(await store.get(chef, key)).toEqual({
        key,
        row: { firstName: null, lastName: null },
        version: 4n,
        updatedAt: null,
      })
      expect(await store.write(chef, replace(key, 'Bobby', [4n]))).toEqual(stored(key, 'Bobby', 5n))
      expect(await item(key)).toMatchObject({ stars: { N: '3' }, tags: { SS: ['bbq'] } })
    })

    it.each<[string, Item]>([
      ['without a version', { firstName: { S: 'a' } }],
      ['with a version of another type', { version: { S: '1' } }],
      ['with version 0', { version: { N: '0' } }],
      ['with a broken version', { version: { N: '1.5' } }],
      ['with a name of another type', { version: { N: '1' }, firstName: { N: '7' } }],
    ])('%s is a fault of the set-up, not of the client', async (_, attributes) => {
      const key = randomUUID()
      await put({ chefId: { S: key }, ...attributes })

      await expect(store.get(chef, key)).rejects.toThrow(ForeignItemError)
    })
  })

  it('starts no call when the invocation is about to end', async () => {
    const deadline = new Deadline()
    deadline.begin({ awsRequestId: 'r', getRemainingTimeInMillis: () => 520 })
    const late = new DynamoStore({
      client,
      tables: new Tables({ chef: TableName }),
      idempotencyTable: 'unused',
      deadline,
      log: silent,
    })
    const key = randomUUID()

    await expect(late.write(chef, create(key))).rejects.toThrow(DeadlineError)
    expect(await item(key)).toBeUndefined()
  })

  it('says which table is not named', async () => {
    const homeless = new DynamoStore({
      client,
      tables: new Tables({}),
      idempotencyTable: 'unused',
      deadline: new Deadline(),
      log: silent,
    })

    await expect(homeless.get(chef, '1')).rejects.toThrow(ConfigurationError)
    await expect(homeless.get(chef, '1')).rejects.toThrow(/no table for chef/)
  })

  it.each([
    ['that does not answer is a passing fault', 'http://127.0.0.1:1', TableName, undefined],
    ['without the table is a fault of the set-up', undefined, 'nowhere', 'configuration'],
  ])('a DynamoDB %s', async (_, endpoint, table, kind) => {
    const other =
      endpoint === undefined ? client : new DynamoDBClient({ ...settings, endpoint, maxAttempts: 1 })
    const store = new DynamoStore({
      client: other,
      tables: new Tables({ chef: table }),
      idempotencyTable: 'unused',
      deadline: new Deadline(),
      log: silent,
    })

    const failure = store.get(chef, '1')
    await expect(failure).rejects.toThrow(DynamoError)
    if (kind !== undefined)
      await expect(failure).rejects.toMatchObject({
        kind,
        message: expect.stringContaining('GetItem: ResourceNotFound'),
      })
  })
})
