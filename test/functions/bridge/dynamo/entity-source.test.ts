import { randomUUID } from 'node:crypto'
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { EntitySource } from '../../../../functions/bridge/dynamo/entity-source.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { knife, oven, pan, shelf } from '../../fixtures/kitchen.ts'
import { openTestTables } from './tables.ts'

type Item = Record<string, AttributeValue>

const listedPan = { ...pan, overruled: 'park' } as const

describe('lifting an item above what another store holds', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  let key: string
  beforeAll(async () => {
    tables = await openTestTables('kitchen', 'pk')
  })
  afterAll(() => tables.close())
  beforeEach(() => {
    key = randomUUID()
  })

  const sourceOver = (client: DynamoDBClient, entities: readonly Entity[] = [pan, knife, shelf, oven]) =>
    new EntitySource({
      client,
      entities,
      tables: new Tables({ kitchen: tables.TableName }),
      deadline: new Deadline(),
      holds: async () => false,
    })
  const changeOf = (entity: Entity, version: bigint, op: Change['op'] = 'upsert'): Change => ({
    ...{ entity: entity.name, key, version, source: 'stream', at: '2026-11-22T03:00:00.000Z' },
    ...(op === 'upsert' ? { op, row: {} } : { op }),
  })
  const pot = (more: Item = {}): Item => ({
    pk: { S: key },
    kind: { S: 'pan' },
    material: { S: 'copper' },
    version: { N: '2' },
    ...more,
  })
  const lift = (entity: Entity, version: bigint, above = 7n, op?: Change['op']) =>
    sourceOver(tables.client).lift(changeOf(entity, version, op), above)

  it('tells of an entity whose items are lifted, of many lifts once, and of none that was late', async () => {
    const told: string[] = []
    const source = new EntitySource({
      ...{ client: tables.client, entities: [pan, knife], tables: new Tables({ kitchen: tables.TableName }) },
      ...{ deadline: new Deadline(), holds: async () => false },
      lifted: async ({ name }) => {
        told.push(name)
      },
    })
    await tables.put(pot())
    expect(await source.lift(changeOf(pan, 9n), 10n)).toBe('late')
    expect(told).toEqual([])
    expect(await source.lift(changeOf(pan, 2n), 7n)).toBe('lifted')
    expect(await source.lift(changeOf(pan, 8n), 9n)).toBe('lifted')
    expect(told).toEqual(['pan'])
    // It is only told of the move that it belongs to.
    await tables.put({ ...pot(), kind: { S: 'knife' } })
    expect(await source.lift(changeOf(knife, 2n), 1n, 3n)).toBe('lifted')
    expect(told).toEqual(['pan'])
  })

  it('raises its version to one above, and nothing else', async () => {
    await tables.put(pot({ colour: { SS: ['red'] } }))
    expect(await lift(pan, 2n)).toBe('lifted')
    expect(await tables.item(key)).toEqual(pot({ colour: { SS: ['red'] }, version: { N: '8' } }))
  })

  it.each<[string, Item]>([
    ['is at another version', { version: { N: '3' } }],
    ['is of another type', { kind: { S: 'knife' } }],
    ['has a version that is no number', { version: { S: '2' } }],
  ])('is late where the item %s', async (_, more) => {
    await tables.put(pot(more))
    expect(await lift(pan, 2n)).toBe('late')
    expect(await tables.item(key)).toEqual(pot(more))
  })

  it('is late where there is none, and makes none', async () => {
    expect(await lift(pan, 2n)).toBe('late')
    expect(await tables.item(key)).toBeUndefined()
  })

  it('takes an item without a version for one of version 0', async () => {
    const { version: _, ...bare } = pot()
    await tables.put(bare)
    expect(await lift(pan, 0n, 0n)).toBe('lifted')
    expect(await tables.item(key)).toEqual(pot({ version: { N: '1' } }))
    expect(await lift(pan, 0n, 0n)).toBe('late')
  })

  it('leaves what another store owns, and raises what says that DynamoDB does', async () => {
    await tables.put(pot({ backsync_owner: { S: 'aurora' } }))
    expect(await lift(pan, 2n)).toBe('kept')
    await tables.put(pot({ backsync_owner: { S: 'dynamo' } }))
    expect(await lift(pan, 2n)).toBe('lifted')
  })

  it('finds the items whose keys have a prefix', async () => {
    await tables.put({ pk: { S: `SHELF#${key}` }, room: { S: 'cellar' }, version: { N: '2' } })
    expect(await lift(shelf, 2n)).toBe('lifted')
    expect(await tables.item(`SHELF#${key}`)).toMatchObject({ version: { N: '8' } })
  })

  it('keeps items whose versions come from the stream, and those of an entity that has them listed', async () => {
    await tables.put(pot())
    expect(await lift(oven, 2n)).toBe('kept')
    expect(await sourceOver(tables.client, [listedPan]).lift(changeOf(listedPan, 2n), 7n)).toBe('kept')
    expect(await tables.item(key)).toEqual(pot())
  })

  it('goes to no version that could have none above it', async () => {
    await tables.put(pot())
    const largest = BigInt(Number.MAX_SAFE_INTEGER)
    expect(await lift(pan, 2n, largest - 1n)).toBe('kept')
    expect(await lift(pan, 2n, largest - 2n)).toBe('lifted')
  })

  it('knows its own work again where the answer to the first attempt was lost', async () => {
    await tables.put(pot())
    const { client } = tables
    let sent = 0
    // The first attempt arrives, and the SDK never hears of it.
    const lossy: DynamoDBClient = Object.assign(Object.create(client), {
      send: async (...given: Parameters<typeof client.send>) => {
        sent += 1
        await client.send(...given)
        try {
          return await client.send(...given)
        } catch (error) {
          Object.assign(Object(error).$metadata, { attempts: 2 })
          throw error
        }
      },
    })
    expect(await sourceOver(lossy).lift(changeOf(pan, 2n), 7n)).toBe('lifted')
    expect([sent, await tables.item(key)]).toEqual([1, pot({ version: { N: '8' } })])
  })

  it('says of a delete whether the key is still gone', async () => {
    expect(await lift(pan, 3n, 7n, 'delete')).toBe('lifted')
    await tables.put(pot({ kind: { S: 'knife' } }))
    expect(await lift(pan, 3n, 7n, 'delete')).toBe('lifted')
    expect(await lift(knife, 3n, 7n, 'delete')).toBe('late')
  })
})
