import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DynamoError } from '../../../../functions/bridge/drivers/dynamo/errors.ts'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { JobBusyError } from '../../../../functions/bridge/jobs/jobs.ts'
import { versionText } from '../../../../functions/bridge/model/change.ts'
import { planFill, runFill } from '../../../../functions/bridge/tables/fill.ts'
import { type Projection, replicate, reshape } from '../../../../functions/bridge/tables/projection.ts'
import { STAMP } from '../../../../functions/bridge/tables/stamp.ts'
import { defineTable } from '../../../../functions/bridge/tables/table.ts'
import { planTableVerify, runTableVerify } from '../../../../functions/bridge/tables/verify.ts'
import { openTestTables, type TestTables } from '../../../support/dynamo-tables.ts'
import { type KeptTables, openKeptTables } from '../../../support/kept-tables.ts'
import { clientMeanwhile, keptParts, verifyKept } from './verify-harness.ts'

const accounts = defineTable({ name: 'accounts', key: { partition: 'id' }, versions: 'counted' })
const counted = reshape({
  from: accounts,
  to: 'accounts-v2',
  map: (item) => {
    if (item.name === 'broken') throw new Error('it has no form')
    return item.name === 'hidden' ? undefined : item
  },
})
const notes = defineTable({ name: 'notes', key: { partition: { name: 'id', type: 'B' }, sort: 'kind' } })
const uncounted = replicate({
  from: notes,
  to: 'notes-by-kind',
  key: { partition: 'kind', sort: { name: 'id', type: 'B' } },
})
const onePerTeam = replicate({ from: accounts, to: 'one-per-team', key: { partition: 'team' } })

let ground: TestTables
let kept: KeptTables
beforeAll(() => {
  ground = openTestTables()
})
afterAll(() => ground.close())
beforeEach(async () => {
  kept = await openKeptTables(ground, [counted, uncounted, onePerTeam])
})

const table = (name: string): string => kept.tables[name] ?? ''
const account = (id: number, more: Item = {}): Item => ({
  id: { S: `a${String(id).padStart(3, '0')}` },
  name: { S: `name ${id}` },
  age: { N: String(id) },
  version: { N: '3' },
  ...more,
})
const note = (id: number, more: Item = {}): Item => ({
  id: { B: Buffer.from([0, id, 255]) },
  kind: { S: `kind ${id % 3}` },
  text: { S: `text ${id}` },
  ...more,
})
const putAll = async (name: string, items: readonly Item[]): Promise<void> => {
  for (const item of items) await ground.put(table(name), item)
}
const fill = async (projection: Projection): Promise<void> => {
  const parts = keptParts(kept)
  await runFill(await planFill(projection, parts, { again: true }), { ...parts, by: 'a test' })
}
const verify = (projection: Projection, more?: Parameters<typeof verifyKept>[2]) =>
  verifyKept(projection, kept, more)
/** What stands at a place of the kept table of accounts. */
const at = async (id: string): Promise<Item> => {
  const found = (await ground.all(table('accounts-v2'))).find((item) => item.id?.S === id)
  if (found === undefined) throw new Error(`${id} is not there`)
  return found
}
const change = async (id: string, more: Item): Promise<void> =>
  ground.put(table('accounts-v2'), { ...(await at(id)), ...more })
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('verifying a kept table', () => {
  it('finds it equal by the sums alone, without a look at any key', async () => {
    await putAll(
      'accounts',
      numbers(60).map((n) => account(n)),
    )
    await putAll('accounts', [account(99, { name: { S: 'hidden' } })])
    await fill(counted)

    const { equal, source, target, found, looked, unsettled } = await verify(counted)

    expect({ equal, source, target, found, unsettled }).toEqual({
      ...{ equal: true, source: 60, target: 60, found: [], unsettled: 0 },
    })
    expect(looked).toMatchObject({ items: 60, rows: 61, narrow: 0, strays: 0, look: 0 })
  })

  it('tells apart what is only at one side, behind, in conflict, of another type, taken, foreign, and of no form', async () => {
    await putAll(
      'accounts',
      numbers(40).map((n) => account(n)),
    )
    await fill(counted)
    await ground.remove(table('accounts-v2'), { id: { S: 'a001' } })
    await ground.remove(table('accounts'), { id: { S: 'a002' } })
    await putAll('accounts', [account(3, { name: { S: 'later' }, version: { N: '4' } })])
    await putAll('accounts', [account(4, { name: { S: 'restored' }, version: { N: '2' } })])
    await change('a005', { name: { S: 'other' } })
    await change('a006', { age: { S: '6' } })
    await putAll('accounts', [account(7, { name: { S: 'broken' } })])
    await ground.put(table('accounts-v2'), { id: { S: 'z' }, name: { S: 'of nobody' } })
    await change('a008', { [STAMP.source]: { S: 'a009' } })

    const { equal, found, differences, unsettled } = await verify(counted)

    expect([equal, unsettled]).toEqual([false, 0])
    expect(found).toEqual([
      '- of a007: unfit',
      'a001 of a001: onlySource',
      'a002 of a002: onlyTarget',
      'a003 of a003: targetBehind',
      'a004 of a004: sourceBehind',
      'a005 of a005: conflict',
      'a006 of a006: typeOnly',
      'a007 of a007: onlyTarget',
      'a008 of a008: taken',
      'a008 of a009: onlyTarget',
      'z of -: foreign',
    ])
    expect(differences).toMatchObject({ onlySource: 1, onlyTarget: 3, conflict: 1, parked: 0 })
  })

  it('of writers that count no versions tells what differs from what is another type, with keys of bytes', async () => {
    await putAll(
      'notes',
      numbers(30).map((n) => note(n)),
    )
    await fill(uncounted)
    expect((await verify(uncounted, { segments: 3 })).found).toEqual([])
    await putAll('notes', [note(1, { text: { S: 'written since' } })])
    await putAll('notes', [note(2, { text: { N: '2' } })])
    const [, , two] = (await ground.all(table('notes-by-kind'))).toSorted((a, b) =>
      Buffer.compare(Buffer.from(a.id?.B ?? []), Buffer.from(b.id?.B ?? [])),
    )
    await ground.put(table('notes-by-kind'), { ...two, text: { S: '2' } })

    expect((await verify(uncounted)).found).toEqual([
      '["kind 1","AAH/"] of ["AAH/","kind 1"]: targetBehind',
      '["kind 2","AAL/"] of ["AAL/","kind 2"]: typeOnly',
    ])
  })

  it('says of what is parked that it is, and of two that want one place which has it', async () => {
    const team = { team: { S: 'red' } }
    await putAll('accounts', [account(1, team), account(2, team), account(3)])
    await fill(onePerTeam)

    expect((await verify(onePerTeam)).found).toEqual([
      expect.stringMatching(/^red of a00[12]: parked, taken$/),
    ])
  })

  it('raises no alarm for what is on its way, and says of what is written each time that it isn’t known', async () => {
    await putAll(
      'accounts',
      numbers(5).map((n) => account(n)),
    )
    await fill(counted)
    const at4 = numbers(3).map((n) => account(n + 1, { version: { N: '4' } }))
    await putAll('accounts', at4)
    let looks = 0
    const brought = (item: Item): Promise<void> =>
      ground.put(table('accounts-v2'), {
        ...item,
        [STAMP.source]: { S: item.id?.S ?? '' },
        [STAMP.version]: { S: versionText(BigInt(item.version?.N ?? '0')) },
      })
    const client = meanwhile(async () => {
      looks += 1
      const [one = {}, two = {}, three = {}] = at4
      const [last, next] = [{ version: { N: String(3 + looks) } }, { version: { N: String(4 + looks) } }]
      // The first one is late, the second one is written each time and never brought, the third one is brought each time.
      if (looks === 3) await brought(one)
      await putAll('accounts', [
        { ...two, ...next },
        { ...three, ...next },
      ])
      await brought({ ...three, ...last })
    })

    const { found, equal, unsettled } = await verify(counted, { sync: kept.parts({ client }), looks: 3 })

    expect([found, equal, unsettled]).toEqual([['a002 of a002: unsettled'], false, 1])
    expect(looks).toBeGreaterThan(3)
  })

  it('goes on where it was interrupted, and counts each item once; beside somebody else it isn’t done', async () => {
    await putAll(
      'accounts',
      numbers(40).map((n) => account(n)),
    )
    await fill(counted)
    await change('a005', { name: { S: 'other' } })
    const stop = new AbortController()
    const first = await verify(counted, {
      ...{ signal: stop.signal, segments: 4, concurrency: 1 },
      onProgress: (step) => void (step === 'rows' && stop.abort()),
    })
    expect([first.done, first.source]).toEqual([false, undefined])

    const rest = await verify(counted, { segments: 9 })

    expect([rest.plan.todo, rest.looked.items, rest.source, rest.target]).toEqual([
      'go on',
      undefined,
      40,
      40,
    ])
    expect(rest.found).toEqual(['a005 of a005: conflict'])

    const parts = { ...keptParts(kept), by: 'another' }
    const plan = await planTableVerify(counted, parts)
    const other: unknown[] = []
    await runTableVerify(plan, {
      ...{ ...parts, patience: 10 },
      onBegin: () => void other.push(verify(counted).catch((error: unknown) => error)),
    })
    expect(await Promise.all(other)).toEqual([expect.any(JobBusyError)])
  })

  it('ends with the error of a table that is down, and goes on once it is there', async () => {
    await putAll(
      'accounts',
      numbers(20).map((n) => account(n)),
    )
    await fill(counted)
    await ground.remove(table('accounts-v2'), { id: { S: 'a001' } })
    let isDown = true
    const client = meanwhile(async () => {
      if (isDown) throw Object.assign(new Error('refused'), { name: 'ResourceNotFoundException' })
    })

    await expect(verify(counted, { sync: kept.parts({ client }) })).rejects.toThrow(DynamoError)
    isDown = false
    const { plan, found } = await verify(counted)

    expect([plan.todo, plan.division.items, found]).toEqual(['go on', 2, ['a001 of a001: onlySource']])
  })

  /** A client that does something before each look at items of the source. */
  const meanwhile = (work: () => Promise<void>): DynamoDBClient => {
    const reads = { command: 'BatchGetItemCommand', table: table('accounts') }
    const client = clientMeanwhile(ground.endpoint, reads, work)
    clients.push(client)
    return client
  }
  const clients: DynamoDBClient[] = []
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
})
