import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import type { RowDataPacket } from 'mysql2/promise'
import { GuardedWriter } from '../../../../functions/bridge/aurora/guarded-writer.ts'
import { reference } from '../../../../functions/bridge/model/attributes/reference.ts'
import { text } from '../../../../functions/bridge/model/attributes/text.ts'
import type { Change } from '../../../../functions/bridge/model/change.ts'
import { defineEntity, type Entity } from '../../../../functions/bridge/model/entity.ts'
import type { Hooks } from '../../../../functions/bridge/model/hooks.ts'
import { autoIncrement, natural } from '../../../../functions/bridge/model/identity.ts'
import { Deadline } from '../../../../functions/bridge/runtime/deadline.ts'
import { openTestAurora, type TestAurora } from '../../../support/aurora.ts'
import { RECORD } from '../../fixtures/adopted.ts'
import { adopted } from '../../fixtures/specimen.ts'

const AT = '2026-11-22T03:00:00.123Z'
const shelf = defineEntity({
  name: 'shelf',
  plural: 'shelves',
  keyName: 'shelfId',
  table: 'shelves',
  identity: autoIncrement('id'),
  attributes: { label: text({ column: 'label', maxLength: 20 }) },
  example: { label: 'Top' },
})
const mug = (write: Hooks): Entity =>
  defineEntity({
    name: 'mug',
    plural: 'mugs',
    keyName: 'mugId',
    table: 'mugs',
    identity: autoIncrement('id'),
    attributes: {
      label: text({ column: 'label', maxLength: 20 }),
      shelf: reference({ column: 'shelf_id', to: shelf, optional: true }),
    },
    write,
    example: { label: 'Blue' },
  })
const slot = (write: Hooks): Entity =>
  defineEntity({
    name: 'slot',
    plural: 'slots',
    keyName: 'slotKey',
    table: 'slots',
    identity: natural(['shelf_id', 'place'], { collation: 'utf8mb4_bin' }),
    attributes: {
      shelf: reference({ column: 'shelf_id', to: shelf }),
      place: text({ column: 'place', maxLength: 9 }),
    },
    write,
    example: { shelf: '1', place: 'a' },
  })

const upsert = (key: string, version: number, label = `v${version}`): Change => ({
  ...{ entity: 'mug', key, version: BigInt(version), source: 'stream', at: AT },
  op: 'upsert',
  row: { label, shelf: null },
})
const remove = (key: string, version: number): Change => ({
  ...{ entity: 'mug', key, version: BigInt(version), source: 'stream', at: AT },
  op: 'delete',
})

/** Procedures that end the transaction in which they are called. */
const ENDINGS = {
  'a COMMIT': 'BEGIN INSERT INTO noted VALUES (its_key); COMMIT; END',
  'a COMMIT behind which another transaction begins':
    'BEGIN INSERT INTO noted VALUES (its_key); COMMIT; START TRANSACTION; INSERT INTO noted VALUES (its_key); END',
  'a ROLLBACK': 'BEGIN INSERT INTO noted VALUES (its_key); ROLLBACK; END',
  'a ROLLBACK behind which another transaction begins': 'BEGIN ROLLBACK; START TRANSACTION; END',
  DDL: 'BEGIN INSERT INTO noted VALUES (its_key); TRUNCATE TABLE emptied; END',
  'a COMMIT, and then fails':
    "BEGIN INSERT INTO noted VALUES (its_key); COMMIT; SIGNAL SQLSTATE '45000'; END",
} as const
const endings = Object.entries(ENDINGS).map(([name, body], at) => ({ name, body, routine: `ending_${at}` }))

describe('code of an entity’s own', () => {
  let aurora: TestAurora

  beforeAll(async () => {
    aurora = await openTestAurora({ owned: [] })
    for (const statement of [
      `CREATE TABLE shelves (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20), ${adopted()})`,
      `CREATE TABLE mugs (id BIGINT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(20) NULL, shelf_id BIGINT NULL, ${adopted()})`,
      `CREATE TABLE slots (shelf_id BIGINT, place VARCHAR(9) COLLATE utf8mb4_bin, ${RECORD}, PRIMARY KEY (shelf_id, place))`,
      'CREATE TABLE noted (note VARCHAR(20) NOT NULL)',
      'CREATE TABLE emptied (id INT)',
      ...endings.map(({ routine, body }) => `CREATE PROCEDURE ${routine}(IN its_key VARCHAR(20)) ${body}`),
    ])
      await aurora.legacy.query(statement)
  })
  afterAll(() => aurora.close())
  beforeEach(async () => {
    for (const table of ['slots', 'mugs', 'shelves', 'noted', 'backsync_tombstones', 'backsync_records'])
      await aurora.legacy.query(`DELETE FROM ${table}`)
  })
  afterEach(() => aurora.api.faults.clear())

  const rows = async (query: string): Promise<string[][]> => {
    const [found] = await aurora.legacy.query<RowDataPacket[]>(query)
    return found.map((row) => Object.values(row).map(String))
  }
  const mugs = () => rows('SELECT backsync_key, backsync_version FROM mugs ORDER BY id')
  const noted = () => rows('SELECT note FROM noted ORDER BY note')
  const note = (of: string) => sql`INSERT INTO noted VALUES (${of})`
  /** Makes rows as an `instead` would that does it right. */
  const makeRows: NonNullable<NonNullable<Hooks['instead']>['upsert']> = async ({ changes, transaction }) => {
    const made = new Map<string, bigint>()
    for (const { key, legacyId, row } of changes)
      if (legacyId === undefined) {
        const { insertId } = await sql`INSERT INTO mugs (label) VALUES (${row.label})`.execute(transaction)
        made.set(key, insertId ?? 0n)
      } else await sql`UPDATE mugs SET label = ${row.label} WHERE id = ${legacyId}`.execute(transaction)
    return made
  }

  describe('gets what it needs of the changes', () => {
    it('with the id of each row that is there, and of its references, before and behind the statements', async () => {
      const seen: unknown[] = []
      const { writer } = aurora
      await writer.apply(shelf, [{ ...upsert('top', 1), entity: 'shelf' }])
      const [[its = ''] = []] = await rows('SELECT id FROM shelves')
      const see =
        (when: string) =>
        async ({ changes }: Parameters<NonNullable<Hooks['before']>>[0]) => {
          for (const one of changes)
            seen.push([when, one.op, one.key, one.legacyId, 'references' in one && one.references])
        }
      const entity = mug({ before: see('before'), after: see('after') })
      await writer.apply(entity, [upsert('a', 1)])
      const [[id] = []] = await rows('SELECT id FROM mugs')
      expect(seen).toEqual([
        ['before', 'upsert', 'a', undefined, { shelf_id: null }],
        ['after', 'upsert', 'a', id, { shelf_id: null }],
      ])
      seen.length = 0
      const [change] = [upsert('a', 2)]
      if (change?.op === 'upsert')
        await writer.apply(entity, [{ ...change, row: { label: 'x', shelf: 'top' } }, upsert('b', 1)])
      await writer.apply(entity, [remove('a', 3), remove('never', 1)])
      const [[other] = []] = await rows('SELECT id FROM mugs')

      expect(seen).toEqual([
        ['before', 'upsert', 'a', id, { shelf_id: BigInt(its) }],
        ['before', 'upsert', 'b', undefined, { shelf_id: null }],
        ['after', 'upsert', 'a', id, { shelf_id: BigInt(its) }],
        ['after', 'upsert', 'b', other, { shelf_id: null }],
        ['before', 'delete', 'a', id, false],
        ['after', 'delete', 'a', id, false],
      ])
    })

    it('with the columns of a primary key that is the key', async () => {
      const seen: unknown[] = []
      await aurora.writer.apply(shelf, [{ ...upsert('top', 1), entity: 'shelf' }])
      const [[its = ''] = []] = await rows('SELECT id FROM shelves')
      const see = async ({ changes }: Parameters<NonNullable<Hooks['before']>>[0]) => {
        for (const one of changes) seen.push([one.op, one.legacyId, one.primaryKey])
      }
      const entity = slot({ before: see, after: see })
      const change: Change = {
        ...{ entity: 'slot', key: 'top,a', version: 1n, source: 'stream', at: AT, op: 'upsert' },
        row: { shelf: 'top', place: 'a' },
      }
      const primaryKey = { shelf_id: BigInt(its), place: 'a' }
      await aurora.writer.apply(entity, [change])
      await aurora.writer.apply(entity, [{ ...change, op: 'delete', version: 2n }])

      expect(seen).toEqual([
        ['upsert', undefined, undefined],
        ['upsert', 'top,a', primaryKey],
        ['delete', 'top,a', primaryKey],
        ['delete', 'top,a', primaryKey],
      ])
    })
  })

  it('is given nothing to make where a row is there, whatever its version', async () => {
    const birth = { ...upsert('a', 5), birth: true } as const
    await aurora.writer.apply(mug({ before: async () => {} }), [upsert('a', 1)])
    const seen: string[] = []
    const see: Hooks['before'] = async ({ changes }) => {
      seen.push(...changes.map(({ key }) => key))
    }
    const remove = async () => {}
    for (const write of [
      { before: see, after: see },
      { after: see, instead: { upsert: makeRows, delete: remove } },
    ]) {
      const outcome = await aurora.writer.apply(mug(write), [birth, upsert('b', 1)])
      expect(outcome).toMatchObject({ applied: 1, skipped: 1 })
      expect(await mugs()).toEqual([
        ['a', '1'],
        ['b', '1'],
      ])
      expect(new Set(seen.splice(0))).toEqual(new Set(['b']))
      await aurora.legacy.query("DELETE FROM mugs WHERE backsync_key = 'b'")
    }
  })

  describe('that ends the transaction that it runs in', () => {
    const hooks = ['before', 'after', 'instead.upsert', 'instead.delete'] as const
    const withEnding = (hook: (typeof hooks)[number], routine: string | undefined): Entity => {
      const call = async ({ changes, transaction }: Parameters<NonNullable<Hooks['before']>>[0]) => {
        for (const { key } of changes)
          if (routine !== undefined && key !== 'good')
            await sql`CALL ${sql.ref(routine)}(${key})`.execute(transaction)
      }
      if (hook === 'before') return mug({ before: call })
      if (hook === 'after') return mug({ after: call })
      return mug({
        instead: {
          upsert: async (input) => {
            if (hook === 'instead.upsert') await call(input)
            return makeRows(input)
          },
          delete: async (input) => {
            if (hook === 'instead.delete') await call(input)
          },
        },
      })
    }

    it.each(hooks.flatMap((hook) => endings.map((one) => [hook, one.name, one.routine] as const)))(
      'is told of it: %s with %s',
      async (hook, _, routine) => {
        const change = hook === 'instead.delete' ? remove('a', 2) : upsert('a', 2)
        await aurora.writer.apply(withEnding('before', undefined), [upsert('a', 1)])

        await expect(aurora.writer.apply(withEnding(hook, routine), [change])).rejects.toMatchObject({
          code: 'hook.transaction-ended',
          kind: 'configuration',
          message: expect.stringContaining(`write.${hook} of mug `),
        })

        // The bridge goes no further: nothing says that the change was applied.
        expect(await rows('SELECT entity FROM backsync_records')).toEqual([])
        if (hook !== 'after') expect(await mugs()).toEqual([['a', '1']])
        await aurora.writer.apply(withEnding(hook, undefined), [change])
        expect(await aurora.store.get(withEnding(hook, undefined), 'a')).toEqual(
          change.op === 'delete' ? undefined : expect.objectContaining({ version: 2n }),
        )
      },
    )

    it('is parked for that, and the good ones beside it are applied', async () => {
      for (const { routine } of endings) {
        await aurora.legacy.query('DELETE FROM mugs')
        const { applied, refused } = await aurora.writer.applyIsolating(withEnding('before', routine), [
          upsert('good', 1),
          upsert('bad', 1),
        ])

        expect([
          applied,
          refused.map(({ change, error }) => [change.key, 'code' in error && error.code]),
        ]).toEqual([1, [['bad', 'hook.transaction-ended']]])
        expect(await mugs()).toEqual([['good', '1']])
      }
    })
  })

  describe('that fails', () => {
    it.each(['before', 'after', 'instead'] as const)(
      'has its change parked alone, with what was thrown by its class: %s',
      async (hook) => {
        const fail = async ({ changes }: { readonly changes: readonly Change[] }) => {
          if (changes.some(({ key }) => key.startsWith('bad'))) throw new RangeError('hunter2 is no colour')
        }
        const entity = mug(
          hook === 'instead'
            ? {
                instead: {
                  upsert: async (input) => {
                    const made = await makeRows(input)
                    await fail(input)
                    return made
                  },
                },
              }
            : { [hook]: fail },
        )
        const { applied, refused } = await aurora.writer.applyIsolating(entity, [
          upsert('a', 1),
          upsert('bad', 1),
          upsert('b', 1),
        ])

        expect([applied, refused.map(({ change }) => change.key)]).toEqual([2, ['bad']])
        expect(refused[0]?.error).toMatchObject({
          code: 'hook.failed',
          message: `write.${hook === 'instead' ? 'instead.upsert' : hook} of mug has failed: RangeError`,
          causeQuotesData: true,
        })
        expect((await mugs()).map(([key]) => key)).toEqual(['a', 'b'])
        // Where none passes they are to blame all the same: the rest of the stream must not wait for it.
        const all = await aurora.writer.applyIsolating(entity, [upsert('bad1', 1), upsert('bad2', 1)])
        expect(all.refused).toHaveLength(2)
      },
    )

    it('is what the database says, where it was that', async () => {
      const entity = mug({
        after: async ({ changes, transaction }) => {
          for (const { key } of changes) await note(key === 'bad' ? 'x'.repeat(21) : key).execute(transaction)
        },
      })
      const { refused } = await aurora.writer.applyIsolating(entity, [upsert('a', 1), upsert('bad', 1)])

      expect(refused).toMatchObject([{ change: { key: 'bad' }, error: { code: 'mysql.1406', kind: 'data' } }])
      expect(await noted()).toEqual([['a']])
    })

    it('is set aside also where it alone fails, of rows of which the bridge knows no column', async () => {
      const jar = defineEntity({
        ...{ name: 'jar', plural: 'jars', keyName: 'jarId', table: 'mugs' },
        identity: autoIncrement('id'),
        attributes: { size: text({ column: 'no_such_column', maxLength: 9 }) },
        write: {
          instead: {
            upsert: async ({ transaction }) => {
              await sql`CALL no_such_procedure()`.execute(transaction)
              return {}
            },
            delete: async () => {},
          },
        },
        example: { size: 'S' },
      })
      const change: Change = { ...upsert('a', 1), entity: 'jar', op: 'upsert', row: { size: 'S' } }
      const { refused } = await aurora.writer.applyIsolating(jar, [change])

      expect(refused).toMatchObject([{ error: { code: 'mysql.1305' } }])
    })
  })

  describe('that does not end', () => {
    /** So much time is left, in ms, whatever else needs more. */
    class Hurried extends Deadline {
      left = 1_500 + 250
      override remaining(): number {
        return this.left
      }
      override require(): void {}
    }

    it('is given up in time, its transaction undone, and nothing that it does later lands anywhere', async () => {
      const late = Promise.withResolvers<unknown>()
      const deadline = new Hurried()
      const entity = mug({
        after: async ({ transaction }) => {
          deadline.left = 0
          await note('in time').execute(transaction)
          // Several at once: those that wait for their turn must not get it outside of the transaction.
          const all = [sql`SELECT SLEEP(0.6)`, note('late'), note('later')]
          await Promise.allSettled(all.map((one) => one.execute(transaction))).then(async (settled) => {
            const last = await Promise.allSettled([note('last').execute(transaction)])
            late.resolve([...settled, ...last].map(({ status }) => status).slice(1))
          })
          await new Promise(() => {})
        },
      })
      const writer = new GuardedWriter(aurora.db, deadline)

      await expect(writer.apply(entity, [upsert('a', 1)])).rejects.toMatchObject({
        code: 'deadline.exceeded',
      })
      expect(await late.promise).toEqual(['rejected', 'rejected', 'rejected'])
      expect([await mugs(), await noted()]).toEqual([[], []])
    })
  })

  describe('in place of the bridge’s statements', () => {
    type Upsert = NonNullable<NonNullable<Hooks['instead']>['upsert']>
    const instead = (upsertInstead: Upsert) => mug({ instead: { upsert: upsertInstead } })
    const readMade = async (input: Parameters<Upsert>[0]): Promise<(readonly [string, string])[]> => {
      const made = await makeRows(input)
      return input.changes.flatMap(({ key }) => {
        const id = made instanceof Map ? made.get(key) : undefined
        return id === undefined ? [] : [[key, String(id)] as const]
      })
    }
    /** As code that nobody has checked for types. */
    const untyped = (made: unknown): Awaited<ReturnType<Upsert>> => JSON.parse(JSON.stringify(made))
    /** Does it right but for one key, of which it returns something else. */
    const returning =
      (other: unknown): Upsert =>
      async (input) => {
        const made = await readMade(input)
        return untyped(Object.fromEntries(made.map(([key, id]) => [key, key === 'bad' ? other : id])))
      }

    const faults: readonly (readonly [string, string, unknown])[] = [
      ['is missing', 'instead.id-missing', undefined],
      ['is none', 'instead.id-invalid', 'seven'],
      ['is negative', 'instead.id-invalid', -7],
      ['is a fraction', 'instead.id-invalid', 1.5],
      ['is an object', 'instead.id-invalid', { id: 1 }],
      ['has no row', 'instead.no-row', 4_000_000],
      ['is of a row that has a key', 'instead.id-taken', 500],
      ['is of a row of the legacy application', 'instead.id-taken', 501],
      ['is of one of those that was written since', 'instead.id-taken', 502],
    ]
    it.each(faults)('is told of an id that %s: %s', async (_, code, other) => {
      await aurora.legacy.query("INSERT INTO mugs (id, backsync_key) VALUES (500, 'named')")
      await aurora.legacy.query('INSERT INTO mugs (id) VALUES (501)')
      await aurora.legacy.query('INSERT INTO mugs (id, backsync_version) VALUES (502, 9)')
      const before = await mugs()
      const { applied, refused } = await aurora.writer.applyIsolating(instead(returning(other)), [
        upsert('a', 1),
        upsert('bad', 1),
        upsert('b', 1),
      ])

      expect([applied, refused.map(({ change }) => change.key)]).toEqual([2, ['bad']])
      expect(refused[0]?.error).toMatchObject({ code, message: expect.stringMatching(/of mug .*"bad"$/) })
      expect(await mugs()).toEqual([...before, ['a', '1'], ['b', '1']])
    })

    it('is told of an id that it returns twice, of one for a key that was not asked, and of a row that moves', async () => {
      const twice = instead(async (input) => {
        const made = await readMade(input)
        return new Map(made.map(([key]) => [key, made[0]?.[1] ?? '']))
      })
      await expect(aurora.writer.apply(twice, [upsert('a', 1), upsert('b', 1)])).rejects.toMatchObject({
        code: 'instead.id-twice',
      })
      const stranger = instead(
        async (input) => new Map([...(await readMade(input)), ['other', '7'] as const]),
      )
      await expect(aurora.writer.apply(stranger, [upsert('a', 1)])).rejects.toMatchObject({
        code: 'instead.id-invalid',
        message: expect.stringContaining('"other"'),
      })
      await aurora.writer.apply(instead(makeRows), [upsert('a', 1)])
      const moving = instead(async () => ({ a: 4_000_000 }))
      await expect(aurora.writer.apply(moving, [upsert('a', 2)])).rejects.toMatchObject({
        code: 'instead.id-moved',
      })
      expect(await mugs()).toEqual([['a', '1']])
    })

    it('is told of a row that it has taken away, and stamps no other', async () => {
      await aurora.writer.apply(instead(makeRows), [upsert('a', 1)])
      const losing = instead(async ({ transaction }) => {
        await sql`DELETE FROM mugs`.execute(transaction)
        return {}
      })
      await expect(aurora.writer.apply(losing, [upsert('a', 2)])).rejects.toMatchObject({
        code: 'instead.no-row',
      })
      expect(await mugs()).toEqual([['a', '1']])
    })

    it('may use a row again whose key was deleted, and no other', async () => {
      const soft: Hooks['instead'] = {
        upsert: async ({ changes, transaction }) => {
          const { rows: former } = await sql<{ id: bigint }>`SELECT id FROM mugs ORDER BY id LIMIT 1`.execute(
            transaction,
          )
          const [one] = former
          return one === undefined
            ? makeRows({ changes, transaction })
            : Object.fromEntries(changes.map(({ key }) => [key, one.id]))
        },
        delete: async () => {},
      }
      const entity = mug({ instead: soft })
      await aurora.writer.apply(entity, [upsert('a', 1)])
      await aurora.writer.apply(entity, [remove('a', 2)])
      await aurora.writer.apply(entity, [upsert('other', 1)])
      expect(await mugs()).toEqual([['other', '1']])
      await expect(aurora.writer.apply(entity, [upsert('third', 1)])).rejects.toMatchObject({
        code: 'instead.id-taken',
      })
    })

    it('deletes softly beside the bridge’s own upserts: the key comes back in a row of its own', async () => {
      const entity = mug({
        instead: {
          delete: async ({ changes, transaction }) => {
            for (const { legacyId } of changes)
              await sql`UPDATE mugs SET label = 'gone' WHERE id = ${legacyId}`.execute(transaction)
          },
        },
      })
      await aurora.legacy.query("INSERT INTO mugs (id, label) VALUES (77, 'legacy')")
      await aurora.writer.apply(entity, [upsert('a', 1), upsert('77', 2)])
      await aurora.writer.apply(entity, [remove('a', 2), remove('77', 3)])
      expect(await aurora.store.list(entity, { limit: 9, position: undefined })).toMatchObject({ items: [] })
      expect(await aurora.writer.apply(entity, [upsert('a', 1), upsert('77', 3)])).toMatchObject({
        applied: 0,
      })
      await aurora.writer.apply(entity, [upsert('a', 3), upsert('77', 4)])

      const { items } = await aurora.store.list(entity, { limit: 9, position: undefined })
      expect(items.map(({ key, version }) => [key, version])).toEqual([
        ['a', 3n],
        ['77', 4n],
      ])
      expect(await rows("SELECT label FROM mugs WHERE label = 'gone'")).toHaveLength(2)
    })

    it('may take the row away itself', async () => {
      const entity = mug({
        instead: {
          delete: async ({ changes, transaction }) => {
            for (const { legacyId } of changes)
              await sql`DELETE FROM mugs WHERE id = ${legacyId}`.execute(transaction)
          },
        },
      })
      await aurora.writer.apply(entity, [upsert('a', 1), upsert('b', 1)])
      expect(await aurora.writer.apply(entity, [remove('a', 2)])).toMatchObject({ applied: 1 })
      expect(await mugs()).toEqual([['b', '1']])
      expect(await aurora.writer.apply(entity, [upsert('a', 3)])).toMatchObject({ applied: 1 })
    })
  })
})
