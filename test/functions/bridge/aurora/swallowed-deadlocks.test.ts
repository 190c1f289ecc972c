import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { type Kysely, sql } from 'kysely'
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Hooks } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { untilItWaits } from '../../../support/waits.ts'
import { adopted } from '../../fixtures/specimen.ts'

const jug = (write: Hooks): Entity =>
  defineEntity({
    ...{ name: 'jug', plural: 'jugs', keyName: 'jugId', table: 'jugs' },
    identity: autoIncrement('id'),
    attributes: { label: text({ column: 'label', maxLength: 20 }) },
    // A deadlock is a matter of two sessions and of whoever looks on: on a busy machine that takes its time.
    write: { ...write, timeout: 15 },
    example: { label: 'Blue' },
  })
const upsert = (key: string): Change => ({
  ...{ entity: 'jug', key, version: 1n, source: 'stream', at: '2026-11-22T03:00:00.123Z' },
  ...{ op: 'upsert', row: { label: key } },
})

describe('a deadlock that an entity’s own code keeps to itself', () => {
  let aurora: TestAurora
  let other: Connection

  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['jug'] })
    for (const statement of [
      `CREATE TABLE jugs (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20), ${adopted()})`,
      'CREATE TABLE shelf (place INT PRIMARY KEY, filled INT NOT NULL)',
      'CREATE TABLE ballast (n INT)',
      'CREATE TABLE noted (note VARCHAR(40))',
      `CREATE PROCEDURE fill(IN its_place INT)
        BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
        UPDATE shelf SET filled = filled + 1 WHERE place = its_place; END`,
    ])
      await aurora.legacy.query(statement)
    const url = new URL(process.env.TEST_MYSQL_URL ?? '')
    other = await mysql.createConnection({
      ...{ host: url.hostname, port: Number(url.port || 3306), database: aurora.database },
      ...{ user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) },
    })
  })
  afterAll(async () => {
    await other.end()
    await aurora.close()
  })
  beforeEach(async () => {
    // Of a case that was given up it may hold what the next one needs.
    await other.query('ROLLBACK')
    for (const table of ['jugs', 'shelf', 'ballast', 'noted'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
    await aurora.legacy.query('INSERT INTO shelf VALUES (1, 0), (2, 0)')
  })

  const rows = async (query: string): Promise<unknown[][]> => {
    const [found] = await aurora.legacy.query<RowDataPacket[]>(query)
    return found.map((row) => Object.values(row))
  }

  /**
   * Meets a deadlock in a transaction, and is its victim: the other one has done more. Then that goes on to its end.
   *
   * @param second the statement that is refused
   */
  const meet = async (
    transaction: Kysely<unknown>,
    second = sql`UPDATE shelf SET filled = filled + 1 WHERE place = 2`,
  ): Promise<unknown> => {
    await other.query('BEGIN')
    await other.query(`INSERT INTO ballast VALUES ${Array.from({ length: 300 }, () => '(1)').join()}`)
    await other.query('UPDATE shelf SET filled = filled + 10 WHERE place = 2')
    await sql`UPDATE shelf SET filled = filled + 1 WHERE place = 1`.execute(transaction)
    const crossing = other.query('UPDATE shelf SET filled = filled + 10 WHERE place = 1')
    await untilItWaits(
      aurora.legacy,
      aurora.database,
      'UPDATE shelf SET filled = filled + 10 WHERE place = 1',
    )
    const met = await second.execute(transaction).catch((error: unknown) => error)
    await crossing
    await other.query('COMMIT')
    return met
  }
  const note = (what: string, transaction: Kysely<unknown>) =>
    sql`INSERT INTO noted VALUES (${what})`.execute(transaction)

  /** @param goOn what a hook does behind a deadlock. */
  const swallowing = (goOn: (met: unknown, transaction: Kysely<unknown>) => Promise<unknown>) => {
    let first = true
    const attempts: unknown[] = []
    const doing: NonNullable<Hooks['before']> = async ({ transaction }) => {
      attempts.push(1)
      if (first) {
        first = false
        const met = await meet(transaction)
        await goOn(met, transaction)
      } else await sql`UPDATE shelf SET filled = filled + 1`.execute(transaction)
      await note('done', transaction).catch(() => undefined)
    }
    return { doing, attempts }
  }

  const ends: readonly (readonly [
    string,
    (met: unknown, transaction: Kysely<unknown>) => Promise<unknown>,
  ])[] = [
    ['goes on', async () => undefined],
    ['writes something else', (_, transaction) => note('half', transaction)],
    [
      'writes something else, whose refusal it keeps too',
      (_, transaction) => note('half', transaction).catch(() => 0),
    ],
    ['throws an error of its own', () => Promise.reject(new RangeError('not saved'))],
    ['throws it as a cause', (met) => Promise.reject(new Error('not saved', { cause: met }))],
  ]
  it.each(
    ends.flatMap(([how, goOn]) => (['before', 'after'] as const).map((name) => [how, name, goOn] as const)),
  )('and %s, in %s: all is done once, and nothing by halves', async (_, name, goOn) => {
    const { doing, attempts } = swallowing(goOn)
    const { applied, refused } = await aurora.writer.applyIsolating(jug({ [name]: doing }), [upsert('a')])

    expect([applied, refused]).toEqual([1, []])
    expect(attempts).toHaveLength(2)
    expect(await rows('SELECT filled FROM shelf')).toEqual([[11], [11]])
    expect(await rows('SELECT note FROM noted')).toEqual([['done']])
    expect(await rows('SELECT backsync_key, backsync_version FROM jugs')).toEqual([['a', '1']])
    expect(await rows("SELECT entity FROM backsync_records WHERE entity = '!'")).toEqual([])
  })

  it('is said again to whatever is sent in that transaction: on some servers it would stay', async () => {
    const said: unknown[] = []
    const { doing } = swallowing(async (_, transaction) => {
      said.push(await note('half', transaction).catch((error: unknown) => error))
    })
    await aurora.writer.applyIsolating(jug({ before: doing }), [upsert('a')])
    expect(said).toMatchObject([{ errno: 1213, kind: 'transient' }])
  })

  it('of a batch: every change is applied', async () => {
    const { doing } = swallowing(async () => undefined)
    const wish = [upsert('a'), upsert('b'), upsert('c')]
    expect(await aurora.writer.applyIsolating(jug({ before: doing }), wish)).toMatchObject({
      ...{ applied: 3, refused: [] },
    })
    expect(await rows('SELECT note FROM noted')).toEqual([['done']])
  })

  it('in a procedure that handles it: the change is applied, once', async () => {
    let first = true
    const entity = jug({
      before: async ({ transaction }) => {
        if (first) {
          first = false
          await meet(transaction, sql`CALL fill(2)`)
        } else await sql`CALL fill(2)`.execute(transaction)
      },
    })
    expect(await aurora.writer.applyIsolating(entity, [upsert('a')])).toMatchObject({
      applied: 1,
      refused: [],
    })
    expect(await rows('SELECT filled FROM shelf ORDER BY place')).toEqual([[10], [11]])
    expect(await rows('SELECT backsync_key, backsync_version FROM jugs')).toEqual([['a', '1']])
  })

  it('of a client’s write: is done once, and answered', async () => {
    const { doing } = swallowing((_, transaction) => note('half', transaction))
    expect(await aurora.writer.apply(jug({ after: doing }), [upsert('a')])).toMatchObject({ applied: 1 })
    expect(await rows('SELECT note FROM noted')).toEqual([['done']])
  })
})
