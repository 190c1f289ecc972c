import { type AttributeValue, DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import type { TableSyncParts } from '../../../../functions/bridge/tables/open-tables.ts'
import { replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type KeptTables, openKeptTables } from '../../../support/kept-tables.ts'

const users = defineTable({ name: 'users', key: { partition: 'email' } })
const byCity = replicate({
  from: users,
  to: 'users-by-city',
  key: { partition: 'state', sort: 'city' },
  omit: ['zipcode'],
  // The others of this file say what becomes of an item that has to be in.
  sparse: false,
})
const sparse = replicate({ from: users, to: 'sparse', key: { partition: 'zipcode', sort: 'email' } })
const named = reshape({ from: users, to: 'named-users', rename: { zipcode: 'zip' } })
const counted = defineTable({ name: 'counted', key: { partition: 'id' }, versions: 'counted' })
const countedCopies = replicate({ from: counted, to: 'counted-copies' })
const projections = [byCity, named, countedCopies]

let ground: TestTables
let kept: KeptTables
let parts: TableSyncParts

beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())
beforeEach(async () => {
  kept = await openKeptTables(ground, projections)
  parts = kept.parts()
})

const text = (values: Readonly<Record<string, string>>): Item =>
  Object.fromEntries(Object.entries(values).map(([name, S]) => [name, { S }]))
const user = (email: string, city: string, more: Record<string, string> = {}): Item =>
  text({ email, state: 'TX', city, zipcode: '78701', ...more })

let sequence = 0
/** A record of the stream, each one second behind the last. */
const record = (
  before: Item | undefined,
  after: Item | undefined,
  { table = 'users', key = 'email', at = ++sequence }: { table?: string; key?: string; at?: number } = {},
) => ({
  eventID: String(at),
  eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
  eventSource: 'aws:dynamodb',
  eventSourceARN: `arn:aws:dynamodb:us-east-1:123456789012:table/${kept.tables[table]}/stream/2026-11-22T00:00:00.000`,
  dynamodb: {
    ApproximateCreationDateTime: 1_795_316_400 + at,
    Keys: { [key]: (after ?? before)?.[key] },
    ...(before && { OldImage: before }),
    ...(after && { NewImage: after }),
    SequenceNumber: String(at),
  },
})
const deliver = (...records: unknown[]) => keepTables({ Records: records }, projections, parts)
const DONE = { batchItemFailures: [] }

/** A kept table's items without their stamps. */
const itemsOf = async (name: string): Promise<Record<string, AttributeValue>[]> =>
  (await ground.all(kept.tables[name] ?? '')).map(
    ({ backsync_version: _, backsync_source: __, ...item }) => item,
  )
const cities = async (): Promise<string[]> =>
  (await itemsOf('users-by-city')).map(({ city, email }) => `${city?.S} ${email?.S}`).sort()
const parked = async (name = 'users-by-city') =>
  [...(await parts.parking.parkedOf(name)).values()].map(({ key, code, class: of }) => [key, of, code])

const ann = user('ann@example.com', 'Austin')
const moved = user('ann@example.com', 'Dallas')
const bob = user('bob@example.com', 'Austin')

describe('a kept table', () => {
  it('has what its source has, without what is left out', async () => {
    expect(await deliver(record(undefined, ann))).toEqual(DONE)

    expect(await itemsOf('users-by-city')).toEqual([
      text({ email: 'ann@example.com', state: 'TX', city: 'Austin' }),
    ])
    expect(await itemsOf('named-users')).toEqual([
      text({ email: 'ann@example.com', state: 'TX', city: 'Austin', zip: '78701' }),
    ])
  })

  it('has an item once, where it now belongs, when its key there has changed', async () => {
    await deliver(record(undefined, ann), record(ann, moved))
    expect(await cities()).toEqual(['Dallas ann@example.com'])

    await deliver(record(moved, ann))
    expect(await cities()).toEqual(['Austin ann@example.com'])
  })

  it.each([
    ['a client', {}],
    ['time to live', { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } }],
  ])('loses what %s has deleted', async (_, identity) => {
    await deliver(record(undefined, ann), { ...record(ann, undefined), ...identity })
    expect(await cities()).toEqual([])
  })

  it('loses attributes that its source has lost', async () => {
    const { zipcode: _, ...without } = ann
    await deliver(record(undefined, ann), record(ann, without))
    expect(await itemsOf('named-users')).toEqual([
      text({ email: 'ann@example.com', state: 'TX', city: 'Austin' }),
    ])
  })

  it('loses an item that has no place any more, and gets it back', async () => {
    const { city: _, ...homeless } = ann
    const comes = record(undefined, ann)
    const leaves = record(ann, homeless)
    await deliver(comes, leaves)
    expect(await cities()).toEqual([])
    expect(await parked()).toEqual([['ann@example.com', 'data', 'record.invalid']])

    await deliver(leaves)
    expect(await parked()).toEqual([['ann@example.com', 'data', 'record.invalid']])

    await deliver(record(homeless, ann))
    expect(await cities()).toEqual(['Austin ann@example.com'])
    expect(await parked()).toEqual([])
  })

  it.each<[string, (records: readonly unknown[]) => (readonly unknown[])[]]>([
    ['twice', (records) => [records, records]],
    ['one by one', (records) => records.map((one) => [one])],
    ['backwards', (records) => [...records].reverse().map((one) => [one])],
    [
      'again from the middle, after the end',
      (records) => [records, records.slice(1, 3), records.slice(0, 2)],
    ],
  ])('is the same when records come %s', async (_, order) => {
    const records = [
      record(undefined, ann),
      record(ann, moved),
      record(moved, undefined),
      record(undefined, bob),
      record(bob, user('bob@example.com', 'Houston')),
    ]
    for (const batch of order(records)) expect(await deliver(...batch)).toEqual(DONE)

    expect(await cities()).toEqual(['Houston bob@example.com'])
  })

  it('keeps a delete deleted although a write from before it comes late', async () => {
    const insert = record(undefined, ann)
    await deliver(record(ann, undefined))
    await deliver(insert)
    expect(await cities()).toEqual([])
    expect(kept.counts.get('users-by-city SkippedAsOlder')).toBe(1)

    await deliver(record(undefined, moved))
    expect(await cities()).toEqual(['Dallas ann@example.com'])
  })

  it('goes by the version that writers count, where they do', async () => {
    const at = (version: number, name: string): Item => ({
      id: { S: '1' },
      name: { S: name },
      version: { N: String(version) },
    })
    const of = { table: 'counted', key: 'id' }
    await deliver(record(at(1, 'a'), at(3, 'c'), of))
    await deliver(record(at(1, 'a'), at(2, 'b'), of))
    expect(await itemsOf('counted-copies')).toEqual([at(3, 'c')])

    await deliver(record(at(3, 'c'), undefined, of))
    await deliver(record(at(2, 'b'), at(3, 'c'), of))
    expect(await itemsOf('counted-copies')).toEqual([])
  })

  describe('whose writers count versions, and step back', () => {
    const of = { table: 'counted', key: 'id' }
    const at = (version: number, name = `v${version}`): Item => ({
      id: { S: '1' },
      name: { S: name },
      version: { N: String(version) },
    })
    const put = async (before: Item | undefined, after: Item): Promise<void> => {
      await ground.put(kept.tables.counted ?? '', after)
      await deliver(record(before, after, of))
    }

    const remove = () =>
      ground.client.send(new DeleteItemCommand({ TableName: kept.tables.counted, Key: { id: { S: '1' } } }))

    it('lists an item that is put anew below its tombstone, until one above comes', async () => {
      await put(undefined, at(5))
      await deliver(record(at(5), undefined, of))
      await put(undefined, at(1))
      expect(await itemsOf('counted-copies')).toEqual([])
      expect(await parked('counted-copies')).toEqual([['1', 'data', 'version.behind']])

      await put(at(1), at(7))
      expect(await itemsOf('counted-copies')).toEqual([at(7)])
      expect(await parked('counted-copies')).toEqual([])
    })

    it('lists other content of the same version, and takes a repeat for one', async () => {
      await put(undefined, at(5))
      await put(at(5), at(5, 'other'))
      expect(await parked('counted-copies')).toEqual([['1', 'data', 'version.conflict']])
      await put(at(5, 'other'), at(5))
      expect(await parked('counted-copies')).toEqual([])
      expect(kept.counts.get('counted-copies SkippedAsOlder')).toBe(1)
    })

    it('lists a delete that the source still means, and does it when it is tried again', async () => {
      await put(undefined, at(5))
      await remove()
      await deliver(record(at(1), undefined, of))
      expect(await parked('counted-copies')).toEqual([['1', 'data', 'version.behind']])

      const heads = [...(await parts.parking.parkedOf('counted-copies')).values()]
      expect(await retryParked(parts, 'counted-copies', heads)).toMatchObject([{ outcome: 'applied' }])
      expect(await itemsOf('counted-copies')).toEqual([])
      expect(await parked('counted-copies')).toEqual([])
    })

    it('knows what is late by its source', async () => {
      const [first, second] = [record(undefined, at(1), of), record(at(1), at(2), of)]
      await ground.put(kept.tables.counted ?? '', at(2))
      for (const one of [first, second, first, second]) await deliver(one)

      expect(await itemsOf('counted-copies')).toEqual([at(2)])
      expect(await parked('counted-copies')).toEqual([])
      expect(kept.counts.get('counted-copies SkippedAsOlder')).toBe(2)
      expect(kept.counts.get('counted-copies Late')).toBe(1)
    })
  })

  it('applies the good of a batch whatever is wrong with the others', async () => {
    const bad = { ...record(undefined, user('carl@example.com', 'Waco')) }
    const broken = { ...bad, dynamodb: { ...bad.dynamodb, NewImage: undefined } }
    expect(
      await deliver(record(undefined, ann), broken, record(undefined, user('dora@example.com', ''))),
    ).toEqual(DONE)

    expect(await cities()).toEqual(['Austin ann@example.com'])
    expect((await parked()).sort()).toEqual([
      ['carl@example.com', 'data', 'record.invalid'],
      ['dora@example.com', 'data', 'record.invalid'],
    ])
  })

  it('parks an item that DynamoDB refuses, and applies those around it', async () => {
    const huge = user('eve@example.com', 'El Paso', { notes: 'x'.repeat(410_000) })
    await deliver(...[ann, huge, user('fred@example.com', 'Fort Worth')].map((one) => record(undefined, one)))

    expect(await cities()).toEqual(['Austin ann@example.com', 'Fort Worth fred@example.com'])
    expect(await parked()).toEqual([['eve@example.com', 'data', 'record.invalid']])
  })

  it('takes more than one transaction holds', async () => {
    const many = Array.from({ length: 333 }, (_, at) => user(`u${at}@example.com`, `City ${at}`))
    await deliver(...many.map((one) => record(undefined, one)))
    expect(await cities()).toHaveLength(333)
    expect(kept.counts.get('users-by-city Applied')).toBe(333)

    await deliver(...many.map((one) => record(one, undefined)))
    expect(await cities()).toEqual([])
  })

  it('ignores what is written after its switch', async () => {
    await deliver(record(undefined, ann))
    await parts.states.finish('users-by-city', 'test', new Date())
    expect(await deliver(record(ann, moved))).toEqual(DONE)

    expect(await cities()).toEqual(['Austin ann@example.com'])
    expect((await itemsOf('named-users')).map(({ city }) => city?.S)).toEqual(['Dallas'])
  })

  it('says how far its stream has come', async () => {
    await deliver(record(undefined, ann))
    expect(await parts.states.read('users-by-city')).toMatchObject({
      state: 'following',
      lastAppliedAt: expect.stringMatching(/^\d{4}-/),
      lastRecordAt: new Date((1_795_316_400 + sequence) * 1000).toISOString(),
    })
  })
})

describe('two items of the source with one target key', () => {
  it('are a collision: the first keeps the place, the other is counted and parked', async () => {
    await ground.put(kept.tables.users ?? '', bob)
    await deliver(record(undefined, ann), record(undefined, bob))

    expect(await cities()).toEqual(['Austin ann@example.com'])
    expect(await parked()).toEqual([['bob@example.com', 'dependency', 'target.taken']])
    expect(kept.counts.get('users-by-city Collisions')).toBe(1)
    // Where the key is the source's own, there is none.
    expect(await itemsOf('named-users')).toHaveLength(2)
  })

  it('are none in a batch in which the first leaves', async () => {
    await deliver(record(undefined, ann))
    await deliver(record(undefined, bob), record(ann, moved))
    expect(await cities()).toEqual(['Austin bob@example.com', 'Dallas ann@example.com'])
    expect(await parked()).toEqual([])
  })

  it.each<[string, Item | undefined]>([
    ['leaves', moved],
    ['is deleted', undefined],
  ])('let the second in when the first %s', async (_, then) => {
    await ground.put(kept.tables.users ?? '', bob)
    await deliver(record(undefined, ann), record(undefined, bob))
    await deliver(record(ann, then))

    expect(await cities()).toContain('Austin bob@example.com')
    expect(await parked()).toEqual([])
  })

  it("don't delete each other", async () => {
    await deliver(record(undefined, ann), record(undefined, bob))
    await deliver(record(bob, undefined))

    expect(await cities()).toEqual(['Austin ann@example.com'])
    expect(await parked()).toEqual([])
  })

  it('keep the deleted one deleted, also where it never had the place', async () => {
    const insert = record(undefined, bob)
    await deliver(record(undefined, ann), insert)
    await deliver(record(bob, undefined))
    await deliver(record(ann, undefined))
    await deliver(insert)

    expect(await cities()).toEqual([])
    expect(await parked()).toEqual([])
  })

  it('stay apart from what somebody else has put there', async () => {
    const foreign = text({ state: 'TX', city: 'Austin', note: 'by hand' })
    await ground.put(kept.tables['users-by-city'] ?? '', foreign)
    await ground.put(kept.tables.users ?? '', ann)
    await deliver(record(undefined, ann))

    expect(await itemsOf('users-by-city')).toEqual([foreign])
    expect(await parked()).toEqual([['ann@example.com', 'dependency', 'target.foreign']])
  })
})

describe('an item that lacks the key of a replica', () => {
  it('is left out and counted, leaves its place when it loses the key, and is parked nowhere', async () => {
    kept = await openKeptTables(ground, [sparse])
    const own = kept
    const ownParts = own.parts()
    const ann = user('ann@example.com', 'Austin')
    const { zipcode: _, ...without } = ann
    const items = async () => (await ground.all(own.tables.sparse ?? '')).length
    const give = (...records: unknown[]) => keepTables({ Records: records }, [sparse], ownParts)

    expect(await give(record(undefined, without), record(without, ann))).toEqual({ batchItemFailures: [] })
    expect(await items()).toBe(1)
    expect(await give(record(ann, without))).toEqual({ batchItemFailures: [] })

    expect(await items()).toBe(0)
    expect(own.counts.get('sparse Ignored')).toBe(2)
    expect((await ownParts.parking.parkedOf('sparse')).size).toBe(0)
  })
})
