import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { versionText } from '../../../../functions/bridge/model/change.ts'
import { TableNotReadyError } from '../../../../functions/bridge/tables/errors.ts'
import { planFill, runFill } from '../../../../functions/bridge/tables/fill.ts'
import { keepTables } from '../../../../functions/bridge/tables/keep-tables.ts'
import { type Projection, replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { type Mended, planTableRepair, runTableRepair } from '../../../../functions/bridge/tables/repair.ts'
import { STAMP } from '../../../../functions/bridge/tables/stamp.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type KeptTables, openKeptTables } from '../../../support/kept-tables.ts'
import { clientMeanwhile, keptParts, verifyKept } from './verify-harness.ts'

const accounts = defineTable({ name: 'accounts', key: { partition: 'id' }, versions: 'counted' })
const counted = reshape({
  from: accounts,
  to: 'accounts-v2',
  map: (item) => {
    if (item.name === 'broken') throw new Error('it has no form')
    return item
  },
})
const plain = defineTable({ name: 'plain', key: { partition: 'id' } })
const moved = replicate({ from: plain, to: 'plain-by-city', key: { partition: 'city' } })
const projections = [counted, moved]

let ground: TestTables
let kept: KeptTables
beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())
beforeEach(async () => {
  kept = await openKeptTables(ground, projections)
})

const table = (name: string): string => kept.tables[name] ?? ''
const account = (id: number, more: Item = {}): Item => ({
  id: { S: `a${id}` },
  name: { S: `name ${id}` },
  age: { N: String(id) },
  version: { N: '3' },
  ...more,
})
const put = (name: string, ...items: readonly Item[]): Promise<unknown> =>
  Promise.all(items.map((item) => ground.put(table(name), item)))
const fill = async (projection: Projection): Promise<void> => {
  const parts = keptParts(kept)
  await runFill(await planFill(projection, parts, { again: true }), { ...parts, by: 'a test' })
}
const found = async (projection: Projection): Promise<readonly string[]> =>
  (await verifyKept(projection, kept)).found
const at = async (name: string, attribute: string, value: string): Promise<Item> => {
  const there = (await ground.all(table(name))).find((item) => item[attribute]?.S === value)
  if (there === undefined) throw new Error(`${value} is not there`)
  return there
}
const repair = async (projection: Projection, more: Partial<Parameters<typeof runTableRepair>[1]> = {}) => {
  const parts = keptParts(kept)
  const mended: Mended[] = []
  const tally = await runTableRepair(await planTableRepair(projection, parts), {
    ...{ ...parts, by: 'a test', onMended: async (one: Mended) => void mended.push(one) },
    ...more,
  })
  const { done, already, repaired, left } = tally
  return { tally: { done, already, repaired, left }, mended }
}
/** A record of the stream that says so. @param created seconds since 1970 */
const deliver = (name: string, before: Item | undefined, after: Item | undefined, created = 1_795_304_400) =>
  keepTables(
    {
      Records: [
        {
          eventName: before === undefined ? 'INSERT' : after === undefined ? 'REMOVE' : 'MODIFY',
          eventSource: 'aws:dynamodb',
          eventSourceARN: `arn:aws:dynamodb:us-east-1:123456789012:table/${table(name)}/stream/2026`,
          dynamodb: {
            ApproximateCreationDateTime: created,
            Keys: { id: (after ?? before)?.id },
            ...(before && { OldImage: before }),
            ...(after && { NewImage: after }),
            SequenceNumber: '1',
          },
        },
      ],
    },
    projections,
    kept.parts(),
  )

describe('repairing a kept table', () => {
  it('brings what the source has, also over the same version or a later one, and takes away what it hasn’t', async () => {
    await put('accounts', ...[1, 2, 3, 4, 5, 6, 7, 8].map((id) => account(id)))
    await fill(counted)
    await ground.remove(table('accounts-v2'), { id: { S: 'a1' } })
    await ground.remove(table('accounts'), { id: { S: 'a2' } })
    await put('accounts', account(3, { name: { S: 'later' }, version: { N: '4' } }))
    await put('accounts', account(4, { name: { S: 'restored' }, version: { N: '2' } }))
    await put('accounts-v2', { ...(await at('accounts-v2', 'id', 'a5')), name: { S: 'other' } })
    await put('accounts-v2', { ...(await at('accounts-v2', 'id', 'a6')), age: { S: '6' } })
    await put('accounts-v2', { id: { S: 'z' } })
    await put('accounts', account(9, { name: { S: 'broken' } }))
    const before = await found(counted)
    expect(before).toHaveLength(8)

    const { tally, mended } = await repair(counted)

    expect(tally).toEqual({ done: true, already: 0, repaired: 6, left: 2 })
    expect(await found(counted)).toEqual(['- of a9: unfit', 'z of -: foreign'])
    const [five] = mended.filter(({ looked }) => looked.pair.place === 'a5')
    expect([five?.looked.kept?.row?.name, five?.after.kept?.row?.name]).toEqual(['other', 'name 5'])
    // The stream goes on from the version that the source has.
    await deliver('accounts', account(4, { version: { N: '2' } }), account(4, { name: { S: 'next' } }))
    expect(await at('accounts-v2', 'id', 'a4')).toMatchObject({ name: { S: 'next' } })
    // What comes late doesn't bring back what was taken away.
    await deliver('accounts', undefined, account(2))
    expect((await ground.all(table('accounts-v2'))).map(({ id }) => id?.S)).not.toContain('a2')
  })

  it('never steps back a version of the stream: what was before it could come once more', async () => {
    const [old, now] = [
      { id: { S: 'p' }, city: { S: 'Ulm' }, text: { S: 'old' } },
      { id: { S: 'p' }, city: { S: 'Ulm' }, text: { S: 'now' } },
    ]
    const created = Math.floor(Date.now() / 1_000)
    await deliver('plain', undefined, now, created)
    const stamp = (await at('plain-by-city', 'city', 'Ulm'))[STAMP.version]?.S ?? ''
    await put('plain', now)
    await put('plain-by-city', { ...(await at('plain-by-city', 'city', 'Ulm')), text: { S: 'spoilt' } })
    expect(await found(moved)).toEqual(['Ulm of p: targetBehind'])

    expect((await repair(moved)).tally).toMatchObject({ repaired: 1, left: 0 })

    const [item] = await ground.all(table('plain-by-city'))
    expect(item).toMatchObject({ text: { S: 'now' }, [STAMP.version]: { S: stamp } })
    await deliver('plain', undefined, old, created - 60)
    expect(await at('plain-by-city', 'city', 'Ulm')).toMatchObject({ text: { S: 'now' } })
  })

  it('frees the place of another one first', async () => {
    await put('plain', { id: { S: 'p' }, city: { S: 'Ulm' } })
    await fill(moved)
    await put('plain', { id: { S: 'p' }, city: { S: 'Bonn' } }, { id: { S: 'q' }, city: { S: 'Ulm' } })
    expect(await found(moved)).toEqual(['Bonn of p: onlySource', 'Ulm of p: onlyTarget', 'Ulm of q: taken'])

    expect((await repair(moved)).tally).toMatchObject({ repaired: 3, left: 0 })

    expect(await found(moved)).toEqual([])
  })

  it('writes over nothing that has come since it was looked at', async () => {
    await put('accounts', account(1))
    await fill(counted)
    await put('accounts-v2', { ...(await at('accounts-v2', 'id', 'a1')), name: { S: 'other' } })
    expect(await found(counted)).toEqual(['a1 of a1: conflict'])
    const next = account(1, { name: { S: 'newer' }, version: { N: '4' } })
    let writes = 0
    const client = clientMeanwhile(
      ground.endpoint,
      { command: 'PutItemCommand', table: table('accounts-v2') },
      async () => {
        writes += 1
        await put('accounts', next)
        await deliver('accounts', account(1), next)
      },
    )

    await repair(counted, { sync: kept.parts({ client }) })
    client.destroy()

    expect(writes).toBe(1)
    expect(await at('accounts-v2', 'id', 'a1')).toMatchObject({
      name: { S: 'newer' },
      [STAMP.version]: { S: versionText(4n) },
    })
    expect(await found(counted)).toEqual([])
  })

  it('is refused where no verification says what differs', async () => {
    await expect(planTableRepair(counted, keptParts(kept))).rejects.toThrow(TableNotReadyError)
  })
})
