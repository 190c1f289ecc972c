import { randomUUID } from 'node:crypto'
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { EntitySink } from '../../../../functions/bridge/dynamo/entity-sink.ts'
import { json } from '../../../../functions/bridge/model/attributes/json.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change, Row } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { openDynamo, openTestTables } from './tables.ts'

const AT = '2026-11-29T10:00:00.000Z'
/** More than one call makes. */
const PAGE = 60
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
    colour: text({ column: 'colour', as: "it's", maxLength: 20, optional: true }),
    notes: json({ column: 'notes', optional: true }),
  },
  example: { name: 'Soup' },
})
const ROW: Row = { name: 'Soup', colour: null, notes: null }
const ROWS: [string, Row][] = [
  ['what is NULL is left out', ROW],
  ['all of it', { name: 'Soup', colour: 'blue', notes: { a: ['two', null, { "it's": '"quoted" ?' }] } }],
  ['no text', { ...ROW, name: '', colour: '' }],
]

describe('a page of records for DynamoDB', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  let client: DynamoDBClient
  let pages: EntitySink
  let single: EntitySink
  let calls: string[]
  let warned: string[]
  /** What is done before, or instead of, a call of this name; once. */
  let instead: { readonly call: string; work(go: () => Promise<unknown>): Promise<unknown> } | undefined

  beforeAll(async () => {
    tables = await openTestTables('plate', 'plateId')
  })
  afterAll(async () => {
    client.destroy()
    await tables.close()
  })
  beforeEach(() => {
    client?.destroy()
    client = openDynamo()
    calls = []
    warned = []
    instead = undefined
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const name = (context.commandName ?? '').replace(/Command$/, '')
        calls.push(name)
        if (instead?.call !== name) return next(args)
        const { work } = instead
        instead = undefined
        let answer: Awaited<ReturnType<typeof next>> | undefined
        await work(async () => {
          answer = await next(args)
          return answer
        })
        return answer ?? next(args)
      },
      { step: 'initialize', name: 'told' },
    )
    pages = new EntitySink({
      ...parts(),
      together: { of: 'pages', log: { warn: (message) => warned.push(message) } },
    })
    single = new EntitySink(parts())
  })

  const parts = () => ({
    client,
    entities: [plate],
    tables: new Tables({ plate: tables.TableName }),
    deadline: new Deadline(),
  })

  const upsert = (version: number, row: Row, key: string = randomUUID()): Change => ({
    ...{ entity: 'plate', key, op: 'upsert', source: 'log', at: AT },
    ...{ version: BigInt(version), epoch: 2n, row },
  })
  const page = (version = 1): readonly Change[] =>
    Array.from({ length: PAGE }, (_, at) => upsert(version, { ...ROW, name: `Plate ${at}` }))
  const item = (change: Change | undefined) => tables.item(change?.key ?? '')
  const told = (): Readonly<Record<string, number>> =>
    Object.fromEntries(
      Array.from(
        Map.groupBy(calls.splice(0), (name) => name),
        ([name, of]) => [name, of.length],
      ),
    )
  const apply = (changes: readonly Change[]) => pages.applyIsolating('plate', changes)

  it('makes what is not there with a call for 25 items', async () => {
    const changes = page()

    expect(await apply(changes)).toMatchObject({
      applied: PAGE,
      skipped: 0,
      refused: [],
      overruled: [],
      repeated: false,
    })
    expect(told()).toEqual({ BatchExecuteStatement: 3 })
    for (const change of changes) expect(await item(change)).toMatchObject({ version: { N: '1' } })
  })

  it.each(ROWS)('makes the same item as the one conditional call: %s', async (_, row) => {
    const [one, other] = [upsert(3, row), upsert(3, row)]
    await single.applyIsolating('plate', [one])
    await apply([other, ...page()])

    expect(told()).not.toHaveProperty('GetItem')
    expect(await item(other)).toEqual({ ...(await item(one)), plateId: { S: other.key } })
  })

  it('makes of what was just written what is new with a call for 25 items, and looks for nothing', async () => {
    const births = new EntitySink({ ...parts(), together: { of: 'births', log: { warn: () => {} } } })
    const [young, old] = [page(1), page(3).slice(0, 10)]

    expect(await births.applyIsolating('plate', [...young, ...old])).toMatchObject({ applied: PAGE + 10 })
    expect(told()).toEqual({ BatchExecuteStatement: 3, UpdateItem: 10 })
    // What another relay has made meanwhile is known by the call that each has.
    expect(await births.applyIsolating('plate', young)).toMatchObject({
      applied: 0,
      skipped: PAGE,
      refused: [],
    })
    expect(told()).toEqual({ BatchExecuteStatement: 3, UpdateItem: PAGE })
    // One alone is as well made alone.
    expect(await births.applyIsolating('plate', page(1).slice(0, 1))).toMatchObject({ applied: 1 })
    expect(told()).toEqual({ UpdateItem: 1 })
  })

  it('writes nothing of what is there as it should be', async () => {
    const changes = page()
    await apply(changes)
    told()

    expect(await apply(changes)).toMatchObject({ applied: 0, skipped: PAGE, refused: [], overruled: [] })
    // It was begun with making, and none was made.
    expect(told()).toEqual({ BatchExecuteStatement: 3, BatchGetItem: 1 })
    expect(await apply(changes)).toMatchObject({ applied: 0, skipped: PAGE })
    expect(told()).toEqual({ BatchGetItem: 1 })
    // And what is new after that is made all the same.
    expect(await apply(page())).toMatchObject({ applied: PAGE })
    expect(told()).toEqual({ BatchGetItem: 1, BatchExecuteStatement: 3 })
    expect(await apply(page())).toMatchObject({ applied: PAGE })
    expect(told()).toEqual({ BatchExecuteStatement: 3 })
  })

  it('says of what else is there what the one call says of it, and leaves it', async () => {
    const changes = page(5)
    const [foreign, later, earlier, moved, gone, taken] = changes
    const put = (change: Change | undefined, more: Item) =>
      tables.put({ plateId: { S: change?.key ?? '' }, kind: { S: 'Plate' }, name: { S: 'Theirs' }, ...more })
    const ours = (version: string, epoch = '0'): Item => ({
      ...{ version: { N: version }, backsync_mirrored: { N: version } },
      ...{ backsync_owner: { S: 'aurora' }, backsync_epoch: { N: epoch } },
    })
    await put(foreign, { version: { N: '1' } })
    await put(later, ours('9'))
    await put(earlier, ours('4'))
    await put(moved, { ...ours('1', '7'), backsync_owner: { S: 'dynamo' } })
    await put(gone, { ...ours('9'), backsync_deleted: { S: AT } })
    await put(taken, { kind: { S: 'Fork' } })
    const before = await Promise.all([foreign, later, moved, gone, taken].map(item))

    const { applied, skipped, overruled, refused } = await apply(changes)

    expect({ applied, skipped }).toEqual({ applied: PAGE - 5, skipped: 4 })
    expect(new Set(overruled.map(({ change }) => change))).toEqual(new Set([foreign, later, moved, gone]))
    expect(overruled.find(({ change }) => change === foreign)).toMatchObject({ authority: 'foreign' })
    expect(refused.map(({ change, error }) => [change, error.name])).toEqual([[taken, 'ItemTakenError']])
    expect(await Promise.all([foreign, later, moved, gone, taken].map(item))).toEqual(before)
    expect(await item(earlier)).toMatchObject({ version: { N: '5' }, name: { S: 'Plate 2' } })
  })

  it.each(['first', 'after looking'])(
    'does not write over what somebody makes just before it makes its own: %s',
    async (when) => {
      const changes = page()
      const theirs = {
        ...{ plateId: { S: changes[7]?.key ?? '' }, kind: { S: 'Plate' } },
        ...{ name: { S: 'Theirs' }, version: { N: '1' } },
      }
      // Looking comes first where the page before was there.
      if (when === 'after looking') for (const _ of [1, 2]) await apply(changes.slice(40))
      instead = { call: 'BatchExecuteStatement', work: () => tables.put(theirs) }

      const { overruled } = await apply(changes)

      expect(overruled.map(({ change, authority }) => [change, authority])).toEqual([[changes[7], 'foreign']])
      expect(await item(changes[7])).toEqual(theirs)
    },
  )

  it('knows its own again where an answer was lost', async () => {
    const changes = page().slice(0, 20)
    instead = {
      call: 'BatchExecuteStatement',
      work: async (go) => {
        await go()
        throw Object.assign(new Error('the answer is lost'), { name: 'TimeoutError' })
      },
    }

    const outcome = await apply(changes)

    expect(outcome).toMatchObject({ applied: 0, skipped: 20, refused: [], overruled: [], repeated: true })
    for (const change of changes) expect(await item(change)).toMatchObject({ version: { N: '1' } })
  })

  it('makes them one by one, and says so once, where many at once are not allowed', async () => {
    const denied = () => Promise.reject(Object.assign(new Error('no'), { name: 'AccessDeniedException' }))
    instead = { call: 'BatchExecuteStatement', work: denied }

    expect(await apply(page().slice(0, 20))).toMatchObject({ applied: 20, refused: [] })
    expect(await apply(page().slice(0, 20))).toMatchObject({ applied: 20, refused: [] })
    expect(told()).toEqual({ BatchExecuteStatement: 1, BatchGetItem: 1, UpdateItem: 40 })
    expect(warned).toEqual([expect.stringContaining('dynamodb:PartiQLInsert')])
  })

  it('deletes beside it, and parks what no item can hold', async () => {
    const [one, two, three] = page(3)
    if (one === undefined || two === undefined || three === undefined) throw new Error('no page')
    await apply([one, two])
    const huge = upsert(4, { ...ROW, name: 'x'.repeat(500_000) })
    const { row: _, ...rest } = { row: undefined, ...one }
    const gone: Change = { ...rest, op: 'delete', version: 4n }

    const { applied, refused } = await apply([gone, huge, two, three])

    expect({ applied, refused: refused.map(({ error }) => error.name) }).toEqual({
      applied: 2,
      refused: ['ItemTooLargeError'],
    })
    expect(await item(one)).toHaveProperty('backsync_deleted')
  })
})
