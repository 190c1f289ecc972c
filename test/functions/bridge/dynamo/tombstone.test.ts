import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DynamoRecords } from '../../../../functions/bridge/dynamo/dynamo-records.ts'
import { entityReaders } from '../../../../functions/bridge/dynamo/entity-reader.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { AT, create, remove, replace } from '../../fixtures/chef-writes.ts'
import { image, streamRecord } from '../../fixtures/stream-events.ts'
import { openDynamo, openTestTables } from './tables.ts'

/** As a definition says it that has `tombstones: 'item'`. */
const kept = { ...chef, tombstones: 'item', tombstoneDays: 30 } as const
const EXPIRES = Math.ceil(Date.parse(AT) / 1000) + 30 * 24 * 3600

describe('a deleted item of an entity whose deletes leave tombstones', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  let key: string
  beforeAll(async () => {
    tables = await openTestTables('chef', 'chefId')
  })
  afterAll(() => tables.close())
  beforeEach(async () => {
    key = randomUUID()
    await tables.store.write(kept, create(key))
  })

  const unknown = expect.objectContaining({ code: 'key.unknown' })

  it('is itself its tombstone: emptied, one version above, until it expires', async () => {
    await tables.store.write(kept, remove(key))

    expect(await tables.item(key)).toEqual({
      ...{ chefId: { S: key }, version: { N: '2' }, updatedAt: { S: AT } },
      ...{ backsync_deleted: { S: AT }, backsync_expires: { N: String(EXPIRES) } },
    })
  })

  it('leaves nothing of an entity whose deletes leave none, unless its key has changed hands', async () => {
    await tables.store.write(chef, remove(key))
    expect(await tables.item(key)).toBeUndefined()
  })

  it('costs one call, as a delete does', async () => {
    const client = openDynamo()
    const calls: string[] = []
    client.middlewareStack.add(
      (next, context) => (args) => {
        calls.push(String(context.commandName))
        return next(args)
      },
      { step: 'initialize', name: 'count' },
    )
    await tables.storeOver(client).write(kept, remove(key))
    client.destroy()

    expect(calls).toEqual(['UpdateItemCommand'])
  })

  it('keeps nothing of what others had put into it', async () => {
    await tables.client.send(
      new PutItemCommand({
        TableName: tables.TableName,
        Item: { ...image({ chefId: { S: key } }), ...{ email: { S: 'a@b.c' }, tags: { SS: ['x'] } } },
      }),
    )
    await tables.store.write(kept, remove(key))

    expect(Object.keys((await tables.item(key)) ?? {}).toSorted()).toEqual([
      ...['backsync_deleted', 'backsync_expires', 'chefId', 'updatedAt', 'version'],
    ])
  })

  it('is not there for anybody who reads, writes or lists', async () => {
    await tables.store.write(kept, remove(key))

    expect(await tables.store.get(kept, key)).toBeUndefined()
    await expect(tables.store.write(kept, replace(key, 'x'))).rejects.toEqual(unknown)
    await expect(tables.store.write(kept, remove(key))).rejects.toEqual(unknown)
    const { items } = await tables.store.list(kept, { limit: 100, position: undefined })
    expect(items.map((one) => one.key)).not.toContain(key)
  })

  it('is made anew above it, and nothing of it stays', async () => {
    await tables.store.write(kept, remove(key))
    await tables.store.write(kept, create(key, 'Anew'))

    expect(await tables.item(key)).toEqual({
      ...{ chefId: { S: key }, firstName: { S: 'Anew' }, lastName: { S: 'Flay' } },
      ...{ version: { N: '3' }, updatedAt: { S: AT } },
    })
  })

  it('is deleted only at a version that the client accepts', async () => {
    await expect(tables.store.write(kept, remove(key, [2n]))).rejects.toMatchObject({ code: 'version.stale' })
    expect(await tables.store.get(kept, key)).toMatchObject({ version: 1n })
    await tables.store.write(kept, remove(key, [1n]))
    expect(await tables.store.get(kept, key)).toBeUndefined()
  })

  it('is deleted once when the first answer gets lost', async () => {
    const lossy = openDynamo()
    let sent = 0
    lossy.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args)
          if (commandName !== 'UpdateItemCommand' || sent++ > 0) return answer
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        },
      { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' },
    )
    await tables.storeOver(lossy).write(kept, remove(key))
    lossy.destroy()

    expect([sent, (await tables.item(key))?.version]).toEqual([1, { N: '2' }])
  })

  it('is not said to have been deleted where it was never there, though the answer that says so gets lost', async () => {
    const lossy = openDynamo()
    let lost = 0
    lossy.middlewareStack.add(
      (next) => async (args) => {
        if (lost++ > 0) return next(args)
        await expect(next(args)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      },
      { step: 'deserialize', priority: 'high', name: 'loseFirstAnswer' },
    )
    await expect(tables.storeOver(lossy).write(kept, remove('never-there'))).rejects.toMatchObject({
      code: 'key.unknown',
    })
    lossy.destroy()
    expect(lost).toBeGreaterThan(1)
  })

  it('is not said to have been deleted by a call that got lost, where somebody else has deleted it', async () => {
    const lossy = openDynamo()
    let refused = 0
    lossy.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName !== 'UpdateItemCommand' || refused++ > 0) return next(args)
          await tables.store.write(kept, remove(key))
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
        },
      { step: 'deserialize', priority: 'high', name: 'loseFirstCall' },
    )
    const later = { ...remove(key), at: new Date(Date.parse(remove(key).at) + 1_000).toISOString() }
    await expect(tables.storeOver(lossy).write(kept, later)).rejects.toMatchObject({
      code: 'write.lost-answer',
    })
    lossy.destroy()

    expect((await tables.item(key))?.version).toEqual({ N: '2' })
  })

  const recordsOf = () =>
    new DynamoRecords({
      client: tables.client,
      tables: new Tables({ chef: tables.TableName }),
      deadline: new Deadline(),
    })

  it('never expires once it says that the key is Aurora’s: a write of it would be taken', async () => {
    await tables.store.write(kept, remove(key))
    await recordsOf().release(kept, key, { owner: 'aurora', epoch: 1n }, { was: 0n })

    expect(await tables.item(key)).not.toHaveProperty('backsync_expires')
    expect(await tables.item(key)).toMatchObject({ backsync_owner: { S: 'aurora' }, version: { N: '2' } })
  })

  it('expires where a claim brings it from Aurora', async () => {
    await recordsOf().release(kept, key, { owner: 'aurora', epoch: 1n }, { was: 0n })
    const last = { key, state: 'deleted', version: 5n, at: AT, owner: 'dynamo', epoch: 2n } as const
    await recordsOf().take(kept, last, { owner: 'dynamo', epoch: 2n })

    const expires = Number((await tables.item(key))?.backsync_expires?.N)
    expect(expires).toBeGreaterThan(Date.now() / 1000 + 29 * 24 * 3600)
  })
})

describe('the records of a tombstone', () => {
  const [reader] = entityReaders([chef], { chef: 'Chefs' }).values()
  const tombstone = {
    ...{ chefId: image().chefId, version: { N: '4' }, updatedAt: { S: AT } },
    ...{ backsync_deleted: { S: AT }, backsync_expires: { N: String(EXPIRES) } },
  }

  it('say that its key is deleted, at its own version', () => {
    const record = streamRecord({ eventName: 'MODIFY', oldImage: image(), newImage: tombstone })
    expect(reader?.read(record)).toMatchObject({ changes: [{ change: { op: 'delete', version: 4n } }] })
  })

  it('say nothing when DynamoDB removes it in the end', () => {
    const userIdentity = { type: 'Service', principalId: 'dynamodb.amazonaws.com' }
    const record = streamRecord({ eventName: 'REMOVE', oldImage: tombstone, userIdentity })
    expect(reader?.read(record)).toEqual({ changes: [], faults: [] })
  })
})
