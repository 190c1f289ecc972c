import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import * as z from 'zod'
import type { Item } from '../../../../functions/bridge/drivers/dynamo/items.ts'
import { DynamoRecords } from '../../../../functions/bridge/dynamo/dynamo-records.ts'
import { EntitySink } from '../../../../functions/bridge/dynamo/entity-sink.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { Tables } from '../../../../functions/bridge/runtime/tables.ts'
import { chef } from '../../../fixtures/entities/chef.ts'
import { silent } from '../../../support/log.ts'
import { openDynamo, openTestTables } from './tables.ts'

const AT = '2026-11-29T10:00:00.000Z'

/** What Aurora held of a key at each of its versions: there is one content for each. */
type Step =
  /** A relay writes what it has read at some version, by then or long ago. */
  | { readonly do: 'relay'; readonly version: number; readonly which: 0 | 1 }
  /** Two relays at once. */
  | { readonly do: 'both'; readonly versions: readonly [number, number] }
  /**
   * DynamoDB has something of its own: the key was `moved` there; somebody has `put` an item whole; or has `changed` one and left
   * what the mirror says of it.
   */
  | { readonly do: 'theirs'; readonly how: 'moved' | 'put' | 'changed' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('relay' as const),
      version: fc.integer({ min: 1, max: 8 }),
      which: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('both' as const),
      versions: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('theirs' as const),
      how: fc.constantFrom('moved' as const, 'put' as const, 'changed' as const),
    }),
  },
)

/** What writes, and what it writes in the same page. */
type Sinks = { readonly sink: EntitySink; readonly beside?: () => readonly Change[] }

const statements = z.object({
  Statements: z.array(
    z.object({
      Statement: z.string(),
      Parameters: z.array(z.custom<Item[string]>((value) => value !== undefined)),
    }),
  ),
})

describe('what the mirror writes, whatever comes twice, late, in another order or beside it', () => {
  let tables: Awaited<ReturnType<typeof openTestTables>>
  beforeAll(async () => {
    tables = await openTestTables('chef', 'chefId')
  })
  afterAll(() => tables.close())

  /** @param rewrite of the conditions of calls that write */
  const sinkOver = (rewrite: (condition: string) => string = (condition) => condition) => {
    const client = openDynamo()
    client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'UpdateItemCommand' && hasCondition(args.input))
          args.input.ConditionExpression = rewrite(args.input.ConditionExpression)
        return next(args)
      },
      { step: 'initialize', name: 'rewrite' },
    )
    return { client, sink: new EntitySink({ ...partsOf(), client, entities: [chef] }) }
  }
  /**
   * As a fill writes, or the relay: many together, of which another key is always new.
   *
   * @param guarded whether items are made only where there are none
   */
  const sinkOf = (of: 'pages' | 'births', guarded = true) => {
    const client = openDynamo()
    if (!guarded)
      client.middlewareStack.add(
        (next, context) => async (args) =>
          context.commandName === 'BatchExecuteStatementCommand'
            ? { output: await putInstead(args.input), response: undefined }
            : next(args),
        { step: 'initialize', name: 'unguarded' },
      )
    const sink = new EntitySink({ ...partsOf(), client, entities: [chef], together: { of, log: silent } })
    return { client, sink, beside: (): readonly Change[] => [born(), born()] }
  }
  const born = (): Change => ({
    ...{ entity: 'chef', key: randomUUID(), op: 'upsert', source: 'log', at: AT, version: 1n },
    row: { firstName: 'New', lastName: 'Test' },
  })
  /** Puts what was to be made, whatever is there. */
  const putInstead = async (input: object) => {
    const { Statements } = statements.parse(input)
    for (const { Statement, Parameters } of Statements) {
      const names = [...Statement.matchAll(/'([^']*)': \?/g)].map(([, name = '']) => name)
      await tables.put(Object.fromEntries(names.map((name, at) => [name, Parameters[at] ?? { NULL: true }])))
    }
    return { Responses: Statements.map(() => ({})), $metadata: { attempts: 1 } }
  }
  const partsOf = () => ({
    client: tables.client,
    tables: new Tables({ chef: tables.TableName }),
    deadline: new Deadline(),
  })

  const run = async (
    steps: readonly Step[],
    deleted: readonly boolean[],
    { sink, beside = () => [] }: Sinks,
  ) => {
    const key = randomUUID()
    const records = new DynamoRecords(partsOf())
    const at = (version: number): Change => ({
      ...{ entity: 'chef', key, source: 'log', at: AT, version: BigInt(version) },
      ...(deleted[version] === true
        ? { op: 'delete' }
        : { op: 'upsert', row: { firstName: `v${version}`, lastName: 'Test' } }),
    })
    const write = (version: number) => sink.applyIsolating('chef', [at(version), ...beside()])
    let largest = 0
    let theirs: Item | undefined
    for (const one of steps) {
      if (one.do === 'theirs') {
        theirs ??= await own(key, records, one.how)
        continue
      }
      const versions = one.do === 'relay' ? [one.version] : one.versions
      await Promise.all(versions.map(write))
      if (theirs === undefined) largest = Math.max(largest, ...versions)
    }
    const item = await tables.item(key)
    if (theirs !== undefined) return expect(item).toEqual(theirs)
    if (largest === 0) return expect(item).toBeUndefined()
    const wanted = deleted[largest] === true ? undefined : { S: `v${largest}` }
    expect([item?.version?.N, item?.backsync_mirrored?.N, item?.firstName]).toEqual([
      ...[String(largest), String(largest), wanted],
    ])
    expect(item?.backsync_deleted !== undefined).toBe(deleted[largest] === true)
  }

  /** @returns the item as somebody else than the mirror has made it */
  const own = async (
    key: string,
    records: DynamoRecords,
    how: 'moved' | 'put' | 'changed',
  ): Promise<Item | undefined> => {
    if (how === 'moved') {
      await records.release(chef, key, { owner: 'aurora', epoch: 1n }, { was: 0n, above: 0n })
      const { version } = await records.read(chef, key)
      const row = { firstName: 'Theirs', lastName: 'Test' }
      const last = {
        key,
        state: 'held',
        row,
        version: version + 1n,
        at: AT,
        owner: 'aurora',
        epoch: 1n,
      } as const
      await records.take(chef, last, { owner: 'dynamo', epoch: 2n })
    } else
      await tables.put({
        ...(how === 'changed' && { backsync_owner: { S: 'aurora' }, backsync_mirrored: { N: '0' } }),
        ...{ chefId: { S: key }, firstName: { S: 'Theirs' }, lastName: { S: 'Test' }, version: { N: '1' } },
      })
    return tables.item(key)
  }

  const property = (sink: Sinks) =>
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 10 }),
      fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
      (steps, deleted) => run(steps, deleted, sink),
    )

  it('ends with the largest version, and never writes over what DynamoDB owns', async () => {
    const sink = sinkOver()
    await fc.assert(property(sink), { numRuns: 60 })
    sink.client.destroy()
  })

  it.each(['pages', 'births'] as const)('ends with the same where %s are written', async (of) => {
    const sink = sinkOf(of)
    await fc.assert(property(sink), { numRuns: 60 })
    sink.client.destroy()
  })

  it.each(['pages', 'births'] as const)(
    'needs that of %s only those items are made that are not there',
    async (of) => {
      const sink = sinkOf(of, false)
      await expect(fc.assert(property(sink), { numRuns: 300 })).rejects.toThrow('Property failed')
      sink.client.destroy()
    },
  )

  const OWNER = '#owner = :aurora'
  it.each([
    ['version', '(attribute_not_exists(#version) OR #version < :version)', '#version = #version'],
    ['owner', OWNER, `(${OWNER} OR attribute_not_exists(#owner))`],
    ['epoch', `${OWNER} AND (attribute_not_exists(#epoch) OR #epoch <= :epoch)`, '#owner = #owner'],
    ['stamp', '(attribute_not_exists(#mirrored) OR #mirrored = #version)', '#key = #key'],
  ])('needs its condition on the %s', async (_, guard, without) => {
    const sink = sinkOver((condition) => condition.replace(guard, without))
    await expect(fc.assert(property(sink), { numRuns: 300 })).rejects.toThrow('Property failed')
    sink.client.destroy()
  })
})

const hasCondition = (input: object): input is { ConditionExpression: string } =>
  'ConditionExpression' in input && typeof input.ConditionExpression === 'string'
