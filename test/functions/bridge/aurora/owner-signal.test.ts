import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { serve } from '../../../../functions/bridge/api/serve.ts'
import { recordOwners } from '../../../../functions/bridge/aurora/owners.ts'
import { outcomeOfSignal } from '../../../../functions/bridge/aurora/signalled.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity } from '../../../../functions/bridge/model/entity.ts'
import type { Hooks } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement } from '../../../../functions/bridge/model/identity.ts'
import { nothingApplied } from '../../../../functions/bridge/model/outcome.ts'
import { normaliseApiEvent } from '../../../../functions/bridge/normalise/api.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { silent } from '../../../support/log.ts'
import { adopted } from '../../fixtures/specimen.ts'

const AT = '2026-11-22T03:00:00.123Z'
const entityOf = (name: string, table: string, write?: Hooks) =>
  defineEntity({
    name,
    plural: table,
    keyName: `${name}Id`,
    table,
    identity: autoIncrement('id'),
    attributes: { label: text({ column: 'label', maxLength: 40 }) },
    ...(write && { write }),
    example: { label: 'Blue' },
  })
const crate = entityOf('crate', 'crates')
const keyOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`
const upsert = (entity: string, n: number, label: string, version = 1): Change => ({
  ...{ entity, key: keyOf(n), version: BigInt(version), source: 'stream', at: AT },
  ...{ op: 'upsert', row: { label } },
})

/** As a followed table has it: plain SQL, which makes no version larger, is refused on what DynamoDB owns. */
const refusing = (when: string, condition: string) => `
  CREATE TRIGGER crates_${when} BEFORE ${when} ON crates FOR EACH ROW
  IF ${condition} THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'backsync: not-the-owner: DynamoDB owns this crate';
  END IF`

describe('what a trigger refuses since DynamoDB owns it', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora({ owned: ['crate', 'parcel'] })
    for (const statement of [
      `CREATE TABLE crates (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(40), ${adopted()})`,
      `CREATE TABLE parcels (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(40), ${adopted()})`,
      refusing('UPDATE', "OLD.backsync_owner = 'dynamo' AND OLD.backsync_version = NEW.backsync_version"),
      refusing('DELETE', "OLD.backsync_owner = 'dynamo'"),
    ])
      await aurora.legacy.query(statement)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    await aurora.legacy.query(
      'UPDATE crates SET backsync_owner = NULL, backsync_version = backsync_version + 1',
    )
    for (const table of ['crates', 'parcels', 'backsync_tombstones'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
    await aurora.writer.apply(crate, [upsert('crate', 1, 'DynamoDB’s')], 'dynamo')
    await aurora.writer.apply(crate, [upsert('crate', 2, 'Aurora’s')], 'aurora')
  })

  const labels = async (table: string): Promise<string[]> => {
    const [rows] = await aurora.legacy.query<RowDataPacket[]>(`SELECT label FROM ${table} ORDER BY id`)
    return rows.map(({ label }) => label)
  }
  /** What an entity's own code writes with each parcel: the crate that its label names, by plain SQL. */
  const inCrate =
    (
      catching: (error: unknown) => void = (error) => {
        throw error
      },
    ): NonNullable<Hooks['after']> =>
    async ({ changes, transaction }) => {
      for (const change of changes) {
        const label = 'row' in change ? String(change.row.label) : 'DynamoDB’s'
        await sql`UPDATE crates SET label = ${`${label}, full`} WHERE label = ${label}`
          .execute(transaction)
          .catch(catching)
      }
    }
  let calls = 0
  const call = async (entity: ReturnType<typeof entityOf>, method: string, path: string, label?: string) => {
    calls += 1
    const event = {
      ...{ version: '2.0', rawPath: `/aurora${path}`, requestContext: { http: { method } } },
      headers: { 'content-type': 'application/json', 'idempotency-key': `once-${calls}` },
      ...(label !== undefined && { body: JSON.stringify({ label }) }),
    }
    const made = normaliseApiEvent(event, {
      ...{ entities: [entity], base: 'aurora', now: () => new Date(AT), newKey: () => keyOf(9) },
    })
    if (made === undefined) throw new Error('no call')
    const { statusCode, body } = await serve(made, aurora.store, { requestId: 'r', log: silent })
    return { status: statusCode, ...JSON.parse(body || '{}') }
  }
  const refused = {
    ...{ status: 409, type: expect.stringMatching(/not-the-owner$/) },
    detail:
      'DynamoDB owns a crate that this write of a parcel changes. An operator moves it: npx backsync key crate KEY --claim aurora',
  }

  describe.each([
    ['as it is', undefined],
    [
      'wrapped in an error of its own',
      (cause: unknown) => {
        throw new RangeError('no room', { cause })
      },
    ],
    [
      'as a text of its own',
      (error: unknown) => {
        throw new Error(`save failed: ${error instanceof Error ? String(error.cause) : ''}`)
      },
    ],
  ])('met by an entity’s own code, which passes it on %s', (_, catching) => {
    it.each(['before', 'after'] as const)(
      'in %s: is a client’s 409, and nothing was written',
      async (name) => {
        const parcel = entityOf('parcel', 'parcels', { [name]: inCrate(catching) })
        expect(await call(parcel, 'POST', '/parcels', 'DynamoDB’s')).toMatchObject(refused)
        expect(await labels('parcels')).toEqual([])
        expect(await labels('crates')).toEqual(['DynamoDB’s', 'Aurora’s'])
        expect(await call(parcel, 'POST', '/parcels', 'Aurora’s')).toMatchObject({ status: 201 })
        expect(await labels('crates')).toEqual(['DynamoDB’s', 'Aurora’s, full'])
      },
    )

    it('in instead: is a client’s 409, of a delete too', async () => {
      const fill = inCrate(catching)
      const parcel = entityOf('parcel', 'parcels', {
        instead: {
          upsert: async ({ changes, transaction }) => {
            await fill({
              changes: changes.map((one) => ({ ...one, legacyId: '', primaryKey: {} })),
              transaction,
            })
            return {}
          },
          delete: fill,
        },
      })
      expect(await call(parcel, 'POST', '/parcels', 'DynamoDB’s')).toMatchObject(refused)
      await aurora.writer.apply(entityOf('parcel', 'parcels'), [upsert('parcel', 1, 'There')])
      expect(await call(parcel, 'DELETE', `/parcels/${keyOf(1)}`)).toMatchObject(refused)
      expect(await aurora.store.get(parcel, keyOf(1))).toMatchObject({ version: 1n })
      expect(await aurora.store.tombstone(parcel, keyOf(1))).toBeUndefined()
    })

    it('of a batch of the stream: waits, alone, until that key is moved', async () => {
      const parcel = entityOf('parcel', 'parcels', { after: inCrate(catching) })
      const wish = [
        upsert('parcel', 1, 'None'),
        upsert('parcel', 2, 'DynamoDB’s'),
        upsert('parcel', 3, 'Nor'),
      ]
      const { refused, applied } = await aurora.writer.applyIsolating(parcel, wish)
      expect(refused.map(({ change }) => change.key)).toEqual([keyOf(2)])
      expect(refused[0]?.error).toMatchObject({ code: 'owner.beside', kind: 'dependency' })
      expect(refused[0]?.error.message).toContain('DynamoDB owns a crate')
      expect(applied).toBe(2)
      expect(await labels('parcels')).toEqual(['None', 'Nor'])

      await aurora.legacy.query(
        'UPDATE crates SET backsync_owner = NULL, backsync_version = backsync_version + 1',
      )
      expect(await aurora.writer.applyIsolating(parcel, wish)).toMatchObject({ applied: 1, refused: [] })
      expect(await labels('crates')).toEqual(['DynamoDB’s, full', 'Aurora’s'])
    })
  })

  it('met by the bridge’s own statements is a client’s 409: the record isn’t known to be DynamoDB’s', async () => {
    const box = entityOf('box', 'crates')
    const before = await aurora.store.get(box, keyOf(1))
    await aurora.legacy.query('DROP TRIGGER crates_UPDATE')
    try {
      await aurora.legacy.query(refusing('UPDATE', "OLD.backsync_owner = 'dynamo'"))
      const answer = await call(box, 'PUT', `/crates/${keyOf(1)}`, 'Mine')
      expect(answer).toMatchObject({ status: 409, type: refused.type })
      await recordOwners(aurora.db, box)
      expect(await call(box, 'PUT', `/crates/${keyOf(1)}`, 'Mine')).toMatchObject({
        ...{ status: 409, type: refused.type },
        detail: expect.stringContaining(`/dynamo/crates/${keyOf(1)}`),
      })
      expect(await aurora.store.get(box, keyOf(1))).toEqual(before)
    } finally {
      await aurora.legacy.query('DROP TRIGGER crates_UPDATE')
      await aurora.legacy.query(
        refusing('UPDATE', "OLD.backsync_owner = 'dynamo' AND OLD.backsync_version = NEW.backsync_version"),
      )
    }
  })

  describe('of a change whose key somebody has moved in between', () => {
    const change = upsert('crate', 1, 'x', 2)
    const refusal = { signal: { entity: 'crate' }, cause: new Error('refused') }
    const held = { version: 3n, op: 'upsert', row: async () => undefined } as const

    it('is late or foreign, as the record says whose it is now', () => {
      const overruled = { change, held, authority: 'late' } as const
      expect(outcomeOfSignal(crate, change, { is: 'overruled', overruled }, 'dynamo', refusal)).toEqual({
        ...nothingApplied,
        skipped: 1,
        overruled: [overruled],
      })
    })

    it('is settled, where the store holds it by now', () => {
      expect(outcomeOfSignal(crate, change, undefined, 'dynamo', refusal)).toEqual({
        ...nothingApplied,
        skipped: 1,
      })
    })
  })

  it('is no such thing where a customer’s value says so', async () => {
    const words = 'backsync: not-the-owner'
    const parcel = entityOf('parcel', 'parcels', {
      after: async ({ transaction }) => {
        await sql`INSERT INTO crates (id, backsync_key) VALUES (NULL, ${words})`.execute(transaction)
      },
    })
    await aurora.legacy.query('INSERT INTO crates (backsync_key) VALUES (?)', [words])
    const { refused: [first] = [] } = await aurora.writer.applyIsolating(parcel, [upsert('parcel', 1, 'a')])
    expect(first?.error).toMatchObject({ code: 'mysql.1062' })
    const answer = await call(parcel, 'POST', '/parcels', 'b')
    expect(answer).toMatchObject({ status: 409, type: expect.stringMatching(/conflict$/) })
  })
})
