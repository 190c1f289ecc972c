import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { toItem } from '../../../../functions/bridge/dynamo/items.ts'
import { retryParked } from '../../../../functions/bridge/sync/retry-parked.ts'
import { counted, createOwnCode, emptyOwnCode, ownCodes } from '../../fixtures/own-code/index.ts'
import { streamRecord } from '../../fixtures/stream-events.ts'
import { openTestSync, type TestSync } from './harness.ts'

const AT = '2026-11-22T03:00:00.123Z'
const nothing = { batchItemFailures: [] }
/** Those of whose items the key is an attribute of its own. */
const shown = ownCodes.filter(([, { entity }]) => entity.keyParts.length === 0)

describe.each(shown)('the way back of an entity with code of its own for %s', (_, own) => {
  const { entity, key, row } = own
  let sync: TestSync
  let last = 0

  beforeAll(async () => {
    sync = await openTestSync([entity], { [entity.item.table]: entity.item.table })
    await createOwnCode(sync.aurora.legacy, own)
  })
  afterAll(() => sync.close())
  beforeEach(async () => {
    await emptyOwnCode(sync.aurora.legacy, own)
    sync.takeLifted()
  })

  const item = (of: string, version: number, name = `v${version}`): Record<string, AttributeValue> => {
    const content = row(of, name)
    const change = { entity: entity.name, key: of, source: 'stream', at: AT, version: BigInt(version) }
    return toItem(entity, { ...change, op: 'upsert', row: content }, content)
  }
  const record = (
    now: Record<string, AttributeValue>,
    { removes = false, before = now }: { readonly removes?: boolean; readonly before?: typeof now } = {},
  ) => {
    last += 1
    const made = streamRecord({
      table: entity.item.table,
      sequence: String(last),
      eventName: removes ? 'REMOVE' : 'MODIFY',
      ...(removes ? { oldImage: now } : { newImage: now, oldImage: before }),
    })
    return { ...made, dynamodb: { ...made.dynamodb, Keys: { [entity.keyName]: now[entity.keyName] } } }
  }
  const get = async (of: string) => {
    const stored = await sync.aurora.store.get(entity, of)
    return stored && [stored.version, stored.row.name]
  }
  const settle = async (): Promise<void> => {
    for (const lifted of sync.takeLifted()) await sync.deliver(record(lifted.item))
  }

  it('makes rows of items, follows them, and takes them away', async () => {
    await sync.deliver(record(item(key(1), 1)), record(item(key(2), 1)))
    expect(await sync.deliver(record(item(key(1), 2)), record(item(key(2), 1), { removes: true }))).toEqual(
      nothing,
    )
    expect([await get(key(1)), await get(key(2))]).toEqual([[2n, 'v2'], undefined])
    // All of it once more, and late.
    await sync.deliver(record(item(key(1), 1)), record(item(key(2), 1)), record(item(key(1), 2)))
    expect([await get(key(1)), await get(key(2))]).toEqual([[2n, 'v2'], undefined])
    expect([await sync.parked(entity.name), await counted(sync.aurora.legacy, own.undone)]).toEqual([[], 0])
  })

  it('lifts what steps back, made anew behind a delete among it, so that both stores end equal', async () => {
    await sync.put(entity, item(key(3), 5))
    await sync.deliver(record(item(key(3), 5)))
    await sync.remove(entity, key(3))
    await sync.deliver(record(item(key(3), 5), { removes: true }))
    expect(await get(key(3))).toBeUndefined()
    await sync.put(entity, item(key(3), 1, 'anew'))
    await sync.deliver(record(item(key(3), 1, 'anew')))
    await settle()

    expect(await get(key(3))).toEqual([7n, 'anew'])
    expect((await sync.item(entity, key(3)))?.version?.N).toBe('7')
    expect(await sync.parked(entity.name)).toEqual([])
  })

  it('lifts an item that is written anew at the version that it has', async () => {
    await sync.put(entity, item(key(4), 1, 'A'))
    await sync.deliver(record(item(key(4), 1, 'A'), { before: item(key(4), 0, 'A') }))
    await sync.put(entity, item(key(4), 1, 'B'))
    await sync.deliver(record(item(key(4), 1, 'B'), { before: item(key(4), 1, 'A') }))
    await settle()

    expect([await get(key(4)), (await sync.item(entity, key(4)))?.version?.N]).toEqual([[2n, 'B'], '2'])
  })

  it('sets aside by name what can not be written, and applies the rest', async () => {
    const bad = item(key(7), 1, 'x'.repeat(41))
    await sync.put(entity, bad)
    const answer = await sync.deliver(record(item(key(6), 1)), record(bad), record(item(key(8), 1)))

    expect(answer).toEqual(nothing)
    expect((await sync.parked(entity.name)).length).toBe(1)
    expect([await get(key(6)), await get(key(8))]).toEqual([
      [1n, 'v1'],
      [1n, 'v1'],
    ])
    const heads = [...(await sync.parts.parking.parkedOf(entity.name)).values()]
    expect(heads.map((head) => head.key)).toEqual([key(7)])
    await retryParked(sync.parts, entity.name, heads)
    expect(await sync.parked(entity.name)).toHaveLength(1)
    await sync.deliver(record(item(key(7), 2)))
    expect(await sync.parked(entity.name)).toEqual([])
  })
})
