import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { ownerSignalAnswered } from '../../../../functions/bridge/legacy-function/owner-answer.ts'
import type { Entity } from '../../../../functions/bridge/model/entity.ts'
import type { LegacyFunctionDefinition } from '../../../../functions/bridge/model/legacy-function.ts'
import { meaningOfApi } from '../../../../functions/bridge/model/legacy-meaning.ts'
import type { FunctionCaller } from '../../../../functions/bridge/ports/function-caller.ts'
import { NotTheOwnerError } from '../../../../functions/bridge/ports/store.ts'
import { openTestFunctions, type TestFunctions } from './harness.ts'
import { keyOf, platterOf, platterTables, remove, upsert } from './platters.ts'

/** As a followed table has it: plain SQL is refused on what is DynamoDB's, here any row that says so. */
const refusing = ['INSERT', 'UPDATE'].map(
  (when) => `
  CREATE TRIGGER platters_${when} BEFORE ${when} ON platters FOR EACH ROW
  IF NEW.title LIKE '%DynamoDB%' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'backsync: not-the-owner: DynamoDB owns this platter';
  END IF`,
)

describe('what a function writes, and a trigger refuses since DynamoDB owns it', () => {
  const platter = platterOf()
  let functions: TestFunctions
  beforeAll(async () => {
    functions = await openTestFunctions([platter], { platters: { handler: 'platters.handler', timeout: 3 } })
    for (const statement of [...platterTables, ...refusing]) await functions.aurora.legacy.query(statement)
  })
  afterAll(() => functions.close())
  beforeEach(async () => {
    for (const table of [
      'platters',
      'platter_calls',
      'backsync_tombstones',
      'backsync_records',
      'backsync_calls',
    ])
      await functions.aurora.legacy.query(`DELETE FROM ${table}`)
  })

  const query = async (sql: string): Promise<RowDataPacket[]> =>
    (await functions.aurora.legacy.query<RowDataPacket[]>(sql))[0]
  const titles = async () =>
    (await query('SELECT title FROM platters ORDER BY title')).map(({ title }) => title)
  const claims = () => query('SELECT entity_key FROM backsync_calls')
  const signal = 'backsync: not-the-owner: DynamoDB owns this platter'

  /** Passes on what the function answers in another way, as a handler may that catches all. */
  const answering = (answerOf: (thrown: string) => unknown): FunctionCaller => ({
    invoke: async (...of) => {
      const invoked = await functions.caller.invoke(...of)
      if (invoked.is === 'answered') return invoked
      const answer = answerOf(invoked.text)
      return { is: 'answered', answer, text: JSON.stringify(answer) }
    },
  })

  describe.each([
    ['thrown', functionsOwn],
    ['in a body of 200', (thrown: string) => ({ statusCode: 200, body: `<h1>Error</h1>${thrown}` })],
    ['in a body of 422', (thrown: string) => ({ statusCode: 422, body: JSON.stringify({ thrown }) })],
    ['in a body of 500', (thrown: string) => ({ statusCode: 500, body: thrown })],
    [
      'in a body of 500 as base64',
      (thrown: string) => ({
        ...{ statusCode: 500, isBase64Encoded: true },
        body: Buffer.from(thrown).toString('base64'),
      }),
    ],
    ['in an answer of no shape', (thrown: string) => [thrown]],
  ])('%s', (_, answerOf) => {
    const open = () => functions.open(answerOf === functionsOwn ? {} : { caller: answering(answerOf) })

    it('of a change of the stream: waits, once called, and the good ones pass', async () => {
      const { writer } = open()
      const wish = [upsert(1, 'Before'), upsert(2, 'DynamoDB’s'), upsert(3, 'Behind')]
      const { refused, applied } = await writer.applyIsolating(platter, wish)
      expect(refused).toMatchObject([
        {
          change: { key: keyOf(2) },
          error: { code: 'legacy-function.not-the-owner', kind: 'dependency' },
        },
      ])
      expect(applied).toBe(2)
      expect(await titles()).toEqual(['Before', 'Behind'])
      expect(await query("SELECT n FROM platter_calls WHERE title LIKE 'DynamoDB%'")).toHaveLength(1)
      expect(await claims()).toEqual([])
    })

    it('of a client’s: is not the owner’s', async () => {
      const { writer } = open()
      const wish = [upsert(2, 'DynamoDB’s', 1, { source: 'api' })]
      await expect(writer.apply(platter, wish)).rejects.toBeInstanceOf(NotTheOwnerError)
      await expect(writer.apply(platter, wish)).rejects.toMatchObject({ beside: 'platter' })
      expect(await titles()).toEqual([])
      expect(await claims()).toEqual([])
    })
  })

  describe.each(['late', 'foreign'] as const)('where the key was moved during the call', (authority) => {
    it(`is ${authority}, as the record says, and nothing is parked`, async () => {
      const { writer } = functions.open()
      await writer.applyIsolating(platter, [upsert(1, 'Mine')])
      const moving = functions.open({
        caller: {
          invoke: async (...of) => {
            const epoch = authority === 'late' ? 1 : 0
            await functions.aurora.legacy.query(
              `UPDATE backsync_records SET owner = NULL, epoch = ${epoch} WHERE entity_key = '${keyOf(1)}'`,
            )
            return functions.caller.invoke(...of)
          },
        },
      })
      const wish = [upsert(1, 'DynamoDB’s', 2), upsert(2, 'Beside')]
      const { refused, overruled, applied } = await moving.writer.applyIsolating(platter, wish)
      expect(refused).toEqual([])
      expect(overruled).toMatchObject([{ change: { key: keyOf(1) }, authority, held: { owner: 'aurora' } }])
      expect(applied).toBe(1)
      expect(await titles()).toEqual(['Beside', 'Mine'])
      expect(await claims()).toEqual([])
    })
  })

  it('is told to a client that writes what has become DynamoDB’s meanwhile, with the place to write', async () => {
    const { writer } = functions.open()
    await writer.apply(platter, [upsert(1, 'Mine')])
    const moving = functions.open({
      caller: {
        invoke: async (...of) => {
          await functions.aurora.legacy.query("UPDATE backsync_records SET owner = 'dynamo', epoch = 1")
          return functions.caller.invoke(...of)
        },
      },
    })
    await expect(moving.writer.apply(platter, [upsert(1, 'DynamoDB’s', 2)])).rejects.toMatchObject({
      ...{ code: 'owner.other', owner: 'dynamo', key: keyOf(1), beside: undefined },
    })
  })

  describe('of several that are called for at once', () => {
    const several = (more: Partial<LegacyFunctionDefinition>): Entity =>
      platterOf({
        batch: 10,
        toEvent: (calls) => ({
          several: calls.map(({ op, row, legacyId }) => ({
            ...{ method: op === 'create' ? 'POST' : op === 'replace' ? 'PUT' : 'DELETE' },
            ...{ row, id: Number(legacyId ?? 0) },
          })),
        }),
        ...more,
      })
    const answersOf = (answer: unknown): unknown[] => {
      const answers: unknown = Reflect.get(Object(answer), 'answers')
      return Array.isArray(answers) ? answers : []
    }
    const idOf = (body: unknown): number => Number(Reflect.get(Object(body), 'id'))

    it('is of the one alone that meets it', async () => {
      const entity = several({
        meaning: (answer) => answersOf(answer).map((one) => meaningOfApi(one, idOf)),
        done: async ({ row }) => {
          const [found] = await query(`SELECT id FROM platters WHERE title = '${row?.title}'`)
          return found === undefined ? undefined : { legacyId: found.id }
        },
      })
      const wish = [1, 2, 3, 4].map((n) => upsert(n, n === 3 ? 'DynamoDBs' : `Platter ${n}`))
      const { refused, applied } = await functions.open().writer.applyIsolating(entity, wish)
      expect(refused.map(({ change }) => change.key)).toEqual([keyOf(3)])
      expect(refused[0]?.error).toMatchObject({ code: 'legacy-function.not-the-owner', kind: 'dependency' })
      expect(applied).toBe(3)
      expect(await titles()).toEqual(['Platter 1', 'Platter 2', 'Platter 4'])
    })
  })

  it('is no such thing where the function only repeats what a customer has written', async () => {
    const echoing = functions.open({
      caller: {
        invoke: async (name, event, timeout) => {
          const invoked = await functions.caller.invoke(name, event, timeout)
          return { ...invoked, text: `${invoked.text}${event}` }
        },
      },
    })
    expect(
      await echoing.writer.applyIsolating(platter, [upsert(1, 'backsync: not-the-owner')]),
    ).toMatchObject({
      ...{ applied: 1, refused: [] },
    })
    const answer = { statusCode: 200, body: signal }
    const invoked = { is: 'answered', answer, text: JSON.stringify(answer) } as const
    expect(ownerSignalAnswered(invoked, JSON.stringify({ body: signal }))).toBeUndefined()
    expect(ownerSignalAnswered(invoked, '{}')).toEqual({ entity: 'platter' })
  })

  it('of a delete, too', async () => {
    const { writer } = functions.open()
    await writer.applyIsolating(platter, [upsert(1, 'There')])
    await functions.aurora.legacy.query(
      `CREATE TRIGGER platters_gone BEFORE DELETE ON platters FOR EACH ROW
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${signal}'`,
    )
    try {
      const { refused } = await writer.applyIsolating(platter, [remove(1, 2)])
      expect(refused[0]?.error).toMatchObject({ code: 'legacy-function.not-the-owner' })
      expect(await titles()).toEqual(['There'])
    } finally {
      await functions.aurora.legacy.query('DROP TRIGGER platters_gone')
    }
    expect(await writer.applyIsolating(platter, [remove(1, 2)])).toMatchObject({ applied: 1, refused: [] })
  })
})

/** As the function itself answers. */
function functionsOwn(): unknown {
  return undefined
}
