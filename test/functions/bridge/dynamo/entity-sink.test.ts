import { randomUUID } from 'node:crypto'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { EntitySink } from '../../../../functions/bridge/dynamo/entity-sink.ts'
import { moveOf } from '../../../../functions/bridge/dynamo/move.ts'
import { json } from '../../../../functions/bridge/model/attributes/json.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { openTestTables } from './tables.ts'

const AT = '2026-11-29T10:00:00.000Z'
const plate = defineEntity({
  name: 'plate',
  plural: 'plates',
  keyName: 'plateId',
  table: 'plates',
  identity: autoIncrement('id'),
  mirror: {},
  item: { table: 'plate', type: { attribute: 'kind', value: 'Plate' } },
  attributes: {
    name: text({ column: 'name', maxLength: 200 }),
    colour: text({ column: 'colour', maxLength: 20, optional: true }),
    notes: json({ column: 'notes', optional: true }),
  },
  example: { name: 'Soup' },
})

/** As the mirror has left an item that was at this version then. */
const ours = (stamp: string): Item => ({
  ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' }, backsync_mirrored: { N: stamp } },
})

describe('DynamoDB as what takes the records of keys that Aurora owns', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  let sink: EntitySink
  let key: string
  beforeAll(async () => {
    tables = await openTestTables('plate', 'plateId')
    sink = new EntitySink({
      client: tables.client,
      entities: [plate],
      tables: new Tables({ plate: tables.TableName }),
      deadline: new Deadline(),
    })
  })
  afterAll(() => tables.close())
  beforeEach(() => {
    key = randomUUID()
  })

  const upsert = (version: number, row: Row, epoch = 0): Change => ({
    ...{ entity: 'plate', key, op: 'upsert', source: 'log', at: AT },
    ...{ version: BigInt(version), epoch: BigInt(epoch), row },
  })
  const remove = (version: number): Change => ({
    ...{ entity: 'plate', key, op: 'delete', source: 'log', at: AT, version: BigInt(version) },
  })
  const apply = (...changes: Change[]) => sink.applyIsolating('plate', changes)
  const item = () => tables.item(key)
  /** What a careless program does to an item. */
  const put = (more: Item) => tables.put({ plateId: { S: key }, kind: { S: 'Plate' }, ...more })
  const told = async (change: Change) => {
    const { applied, skipped, overruled, refused } = await apply(change)
    const [one] = overruled
    return {
      ...{ applied, skipped },
      ...(one && {
        by: `${one.held.op} ${one.held.version}`,
        authority: one.authority,
        owner: one.held.owner,
      }),
      ...(refused[0] && { refused: refused[0].error }),
    }
  }

  it('makes an item that says whose it is, and that the mirror has made it', async () => {
    expect(await apply(upsert(3, { name: 'Soup', colour: 'blue', notes: null }))).toMatchObject({
      ...{ applied: 1, skipped: 0, overruled: [], refused: [] },
    })
    expect(await item()).toEqual({
      ...{ plateId: { S: key }, kind: { S: 'Plate' }, name: { S: 'Soup' }, colour: { S: 'blue' } },
      ...{ version: { N: '3' }, updatedAt: { S: AT } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' }, backsync_mirrored: { N: '3' } },
    })
  })

  it('writes the whole image over an earlier one, and leaves what the entity does not know', async () => {
    await apply(upsert(1, { name: 'Soup', colour: 'blue', notes: null }))
    await tables.client.send(
      new UpdateItemCommand({
        TableName: tables.TableName,
        Key: { plateId: { S: key } },
        UpdateExpression: 'SET theirs = :theirs',
        ExpressionAttributeValues: { ':theirs': { S: 'kept' } },
      }),
    )
    await apply(upsert(2, { name: 'Stew', colour: null, notes: null }))

    const now = await item()
    expect(now).toMatchObject({ name: { S: 'Stew' }, theirs: { S: 'kept' }, backsync_mirrored: { N: '2' } })
    expect(now).not.toHaveProperty('colour')
  })

  it('knows a repeat, and does nothing for what is late', async () => {
    await apply(upsert(2, { name: 'Stew', colour: null, notes: null }))

    expect(await told(upsert(2, { name: 'Stew', colour: null, notes: null }))).toEqual({
      applied: 0,
      skipped: 1,
    })
    expect(await told(upsert(1, { name: 'Soup', colour: null, notes: null }))).toMatchObject({
      by: 'upsert 2',
      authority: undefined,
      owner: 'aurora',
    })
    expect(await told(upsert(2, { name: 'Other', colour: null, notes: null }))).toMatchObject({
      by: 'upsert 2',
    })
    expect(await item()).toMatchObject({ name: { S: 'Stew' } })
  })

  it('leaves a tombstone for a delete, with nothing in it, above which the key can be made anew', async () => {
    await apply(upsert(1, { name: 'Soup', colour: 'blue', notes: null }))
    await tables.client.send(
      new UpdateItemCommand({
        TableName: tables.TableName,
        Key: { plateId: { S: key } },
        UpdateExpression: 'SET theirs = :theirs',
        ExpressionAttributeValues: { ':theirs': { S: 'gone' } },
      }),
    )
    expect(await told(remove(2))).toMatchObject({ applied: 1 })
    expect(await item()).toEqual({
      ...{ plateId: { S: key }, kind: { S: 'Plate' }, version: { N: '2' }, updatedAt: { S: AT } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: '0' }, backsync_mirrored: { N: '2' } },
      backsync_deleted: { S: AT },
    })
    expect(await told(remove(2))).toEqual({ applied: 0, skipped: 1 })
    expect(await told(upsert(2, { name: 'Soup', colour: null, notes: null }))).toMatchObject({
      by: 'delete 2',
    })

    await apply(upsert(3, { name: 'Again', colour: null, notes: null }))
    const now = await item()
    expect(now).toMatchObject({ name: { S: 'Again' }, version: { N: '3' } })
    expect(now).not.toHaveProperty('backsync_deleted')
  })

  it('buries a key of which DynamoDB has never heard', async () => {
    expect(await told(remove(4))).toMatchObject({ applied: 1 })
    expect(await item()).toMatchObject({ version: { N: '4' }, backsync_deleted: { S: AT } })
  })

  it.each([
    ['of a later move to DynamoDB', 'dynamo', '2', 'late'],
    ['of a later move to Aurora', 'aurora', '2', 'late'],
    ['of no later move', 'dynamo', '1', 'foreign'],
  ])('never writes over an item %s', async (_, owner, epoch, authority) => {
    const moved = {
      ...{ name: { S: 'Theirs' }, version: { N: '1' }, backsync_mirrored: { N: '1' } },
      ...{ backsync_owner: { S: owner }, backsync_epoch: { N: epoch } },
    }
    await put(moved)
    expect(await told(upsert(9, { name: 'Ours', colour: null, notes: null }, 1))).toMatchObject({ authority })
    expect(await item()).toMatchObject(moved)
  })

  it.each<[string, Item]>([
    ['put without an owner', { version: { N: '1' } }],
    ['without owner and version', {}],
    ['put with other content under the old stamp', { version: { N: '3' }, ...ours('1') }],
    ['without its version', ours('1')],
    ['with a version that is none', { version: { S: 'two' }, backsync_owner: { S: 'aurora' } }],
    ['with an owner that is none', { version: { N: '1' }, backsync_owner: { S: 'me' } }],
  ])('tells a foreign write: an item %s', async (_, foreign) => {
    await apply(upsert(1, { name: 'Soup', colour: null, notes: null }))
    await put({ name: { S: 'Foreign' }, ...foreign })

    const change = upsert(2, { name: 'Stew', colour: null, notes: null })
    expect(await told(change)).toMatchObject({ authority: 'foreign', owner: 'aurora' })
    expect(await item()).toMatchObject({ name: { S: 'Foreign' } })
  })

  it('refuses by name what no item can hold, and what is another entity’s', async () => {
    const words = (bytes: number) => ({ name: 'Soup', colour: null, notes: { text: 'x'.repeat(bytes) } })
    expect(await told(upsert(1, words(500_000)))).toMatchObject({
      refused: { code: 'item.too-large', message: expect.stringContaining('most of it is notes') },
    })
    await tables.put({ plateId: { S: key }, kind: { S: 'Bowl' } })
    expect(await told(upsert(1, words(1)))).toMatchObject({ refused: { code: 'item.taken' } })
  })

  it('refuses one that grows too large by what others have in it, and writes those beside it', async () => {
    await apply(upsert(1, { name: 'Soup', colour: null, notes: null }))
    await tables.client.send(
      new UpdateItemCommand({
        TableName: tables.TableName,
        Key: { plateId: { S: key } },
        UpdateExpression: 'SET theirs = :theirs',
        ExpressionAttributeValues: { ':theirs': { S: 'x'.repeat(300_000) } },
      }),
    )
    const large = upsert(2, { name: 'Stew', colour: null, notes: { text: 'x'.repeat(200_000) } })
    const other: Change = { ...upsert(1, { name: 'Other', colour: null, notes: null }), key: randomUUID() }
    const outcome = await apply(large, other)

    expect(outcome).toMatchObject({ applied: 1, refused: [{ change: large, error: { kind: 'data' } }] })
  })

  it('says which of some changes it does not hold', async () => {
    const held = upsert(2, { name: 'Stew', colour: null, notes: null })
    await apply(held)
    const other: Change = { ...held, version: 3n }
    const content: Change = { ...upsert(2, { name: 'Other', colour: null, notes: null }) }
    expect(await sink.unheld('plate', [held, other, content])).toEqual(new Set([other, content]))
    expect(await sink.isLater({ ...held, version: 1n })).toBe(true)
    expect(await sink.isLater(held)).toBe(false)
  })

  it('makes records of the stream that are no change of DynamoDB’s', async () => {
    const images: (Item | undefined)[] = [undefined]
    const theirs = new UpdateItemCommand({
      TableName: tables.TableName,
      Key: { plateId: { S: key } },
      UpdateExpression: 'SET theirs = :theirs',
      ExpressionAttributeValues: { ':theirs': { S: 'kept' } },
    })
    for (const change of [upsert(1, { name: 'A', colour: null, notes: null }), remove(2), remove(3)]) {
      await apply(change)
      images.push(await item())
    }
    await tables.client.send(theirs)
    const before = await item()
    await apply(remove(4))
    const emptied = await item()

    const moves = images.slice(1).map((after, at) => moveOf(images[at], after, plate.names).is)
    expect(moves).toEqual(['nothing', 'nothing', 'nothing'])
    // First the new tombstone, with what others have in it; then without.
    const between = { ...emptied, theirs: { S: 'kept' } }
    expect(moveOf(before, between, plate.names).is).toBe('nothing')
    expect(moveOf(between, emptied, plate.names).is).toBe('nothing')
    expect(emptied).not.toHaveProperty('theirs')
  })
})
