import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type Answer, jsonLines, openTestStack, type TestStack } from '../harness.ts'
import { forget, type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const DISHES = `-- why
CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL);

INSERT INTO dish VALUES (1, 0);
UPDATE dish SET n = n + 1;
`

describe('backsync migrate', () => {
  let stack: TestStack
  let folder: MigrationsFolder
  let direct: string

  beforeAll(async () => {
    stack = await openTestStack()
    direct = `mysql://root@${stack.aurora.host}:${stack.aurora.port}`
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    folder = await openMigrationsFolder()
  })
  afterEach(async () => {
    await folder.remove()
    await forget(stack, 'dish', 'later')
  })

  const migrate = (command: string, ...args: string[]): Promise<Answer> =>
    stack.run('migrate', command, ...args, '--folder', folder.path)
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await stack.aurora.legacy.query<RowDataPacket[]>(query))[0]
  const dish = (): Promise<RowDataPacket[]> => rows('SELECT id, n FROM dish')
  const tables = async (): Promise<unknown[]> =>
    (await rows('SHOW TABLES')).map((row) => Object.values(row)[0])
  const lineOf = ({ stdout }: Answer, name: string): string =>
    stdout.split('\n').find((line) => line.startsWith(name)) ?? ''

  describe('status', () => {
    it('has both ledgers, and ends with 0 where all is applied', async () => {
      const answer = await migrate('status')

      expect(answer).toMatchObject({ code: 0, stderr: '' })
      expect(lineOf(answer, 'bridge/0001_tombstones')).toMatch(/applied +1 of 1/)
      expect(lineOf(answer, '0001_legacy_chefs')).toMatch(/applied/)
    })

    it('shows what is pending, and ends with 3; nothing is touched', async () => {
      folder.write('0100_dishes', DISHES)
      const answer = await migrate('status')

      expect(answer.code).toBe(3)
      expect(lineOf(answer, '0100_dishes')).toMatch(/pending +0 of 3/)
      expect(await tables()).not.toContain('dish')
    })

    it('shows each statement of what was interrupted, with its line and what to do', async () => {
      folder.write('0100_dishes', DISHES.replace('UPDATE dish', 'UPDATE dishes'))
      expect((await migrate('up', '--yes')).code).toBe(1)
      const answer = await migrate('status')

      expect(lineOf(answer, '0100_dishes')).toMatch(/interrupted +2 of 3/)
      expect(answer.stdout).toMatch(/^0100_dishes +2, line 4 +done +INSERT INTO dish/m)
      expect(answer.stdout).toMatch(/^0100_dishes +3, line 5 +not begun +UPDATE dishes/m)
      expect(answer.stdout).toContain('0100_dishes: npx backsync migrate up goes on with it\n')
    })

    it('says which statement was changed since it was done', async () => {
      folder.write('0100_dishes', DISHES)
      await migrate('up', '--yes')
      folder.write('0100_dishes', DISHES.replace('(1, 0)', '(1, 7)'))
      const answer = await migrate('status')

      expect(lineOf(answer, '0100_dishes')).toMatch(/changed +3 of 3/)
      expect(answer.stdout).toMatch(/^0100_dishes +2, line 4 +changed/m)
      expect(answer.stdout).toContain('0100_dishes: restore statement 2, and add a new migration instead\n')
      const up = await migrate('up', '--yes')
      expect(up.code).toBe(1)
      expect(up.stderr).toContain('was changed after it was applied, in its statement 2 (line 4)')
    })

    it('says what is out of order, and what is applied and has no file', async () => {
      folder.write('0101_later', 'CREATE TABLE later (id INT PRIMARY KEY)')
      await migrate('up', '--yes')
      await folder.remove()
      folder = await openMigrationsFolder()
      folder.write('0100_dishes', DISHES)
      const found = jsonLines((await migrate('status', '--json')).stdout)

      expect(found).toContainEqual(
        expect.objectContaining({ migration: '0100_dishes', state: 'out of order' }),
      )
      expect(found).toContainEqual(expect.objectContaining({ migration: '0101_later', state: 'missing' }))
    })
  })

  describe('new', () => {
    const create = (...args: string[]): Promise<Answer> => migrate('new', ...args)

    it('takes the next number, and makes both files', async () => {
      folder.write('0100_dishes', DISHES)
      const { code, stdout } = await create('add_sides')

      expect([code, stdout]).toEqual([
        0,
        `${join(folder.path, '0101_add_sides.up.sql')}\n${join(folder.path, '0101_add_sides.down.sql')}\n`,
      ])
      expect(existsSync(join(folder.path, '0101_add_sides.up.sql'))).toBe(true)
      expect((await create('more', '--json', '--dry-run')).stdout).toContain('0102_more')
      expect(readdirSync(folder.path)).not.toContain('0102_more.up.sql')
    })

    it.each([
      ['Add Dishes', 'say add_dishes'],
      ['0003_dishes', 'say dishes'],
      ['../dishes', 'say dishes'],
      ['...', 'say add_dishes'],
    ])('refuses the name %s, and says another', async (name, say) => {
      const { code, stderr } = await create(name)

      expect(code).toBe(2)
      expect(stderr).toContain(say)
    })

    it('refuses a folder that is not there, and a number beyond the last', async () => {
      folder.write('9999_last', DISHES)
      expect((await create('one')).stderr).toContain('no number is left')
      const away = await stack.run('migrate', 'new', 'one', '--folder', '/nowhere/at/all')
      expect([away.code, away.stderr]).toEqual([
        1,
        expect.stringContaining('there is no folder /nowhere/at/all'),
      ])
    })
  })

  describe('plan', () => {
    it('shows exactly what up sends then, and touches nothing', async () => {
      folder.write('0100_dishes', DISHES.replaceAll('dish', 'later'))
      const before = await rows('SELECT * FROM backsync_migration_lock')
      const { code, stdout } = await migrate('plan', '--json')
      const steps = jsonLines(stdout)

      expect(code).toBe(3)
      expect(steps).toMatchObject([
        {
          statement: 1,
          of: 3,
          place: { line: 2, column: 1 },
          kind: 'schema',
          sql: expect.stringMatching(/^.. backsync 0100_dishes, statement 1 .. CREATE TABLE later/),
          sharesTransaction: false,
        },
        { statement: 2, kind: 'rows', sharesTransaction: true, sql: 'INSERT INTO later VALUES (1, 0)' },
        { statement: 3, kind: 'rows', sharesTransaction: true, state: 'not begun' },
      ])
      expect(await rows('SELECT * FROM backsync_migration_lock')).toEqual(before)
      expect(await tables()).not.toContain('later')
      await migrate('up', '--yes')
      for (const step of steps) expect(stack.aurora.statements(String(Object(step).sql))).toBe(1)
    })

    it('says of each statement what becomes of it should its answer be lost', async () => {
      folder.write('0100_dishes', `${DISHES}TRUNCATE dish;`)
      const { stdout } = await migrate('plan')

      expect(stdout).toContain(
        '-- 0100_dishes, statement 2 of 4, line 4: in one transaction with its record\nINSERT',
      )
      expect(stdout).toMatch(/statement 4 of 4, line 6: recorded behind it; should its answer be lost/)
    })

    it('has nothing to say where nothing is pending', async () => {
      expect(await migrate('plan')).toMatchObject({ code: 0, stdout: 'nothing is pending\n' })
    })
  })

  describe('up', () => {
    it('shows the plan and asks: without a terminal and --yes nothing is done', async () => {
      folder.write('0100_dishes', DISHES)
      const { code, stderr, stdout } = await migrate('up')

      expect([code, stdout]).toEqual([4, ''])
      expect(stderr).toContain('INSERT INTO dish VALUES (1, 0);\n')
      expect(stderr).toContain('not confirmed: Applying 3 statements of 1 migration to the local stack')
      expect(await tables()).not.toContain('dish')
    })

    it('applies, tells of each statement, and has nothing to do then', async () => {
      folder.write('0100_dishes', DISHES)
      const { code, stdout, stderr } = await migrate('up', '--yes')

      expect([code, stdout]).toEqual([0, '0100_dishes: applied\n'])
      expect(stderr.match(/^0100_dishes, statement \d of 3: done in \d+ s$/gm)).toHaveLength(3)
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
      expect(await migrate('up', '--yes')).toMatchObject({ code: 0, stdout: 'nothing is pending\n' })
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
    })

    it('ends with --to before the others, and refuses a number that there is not', async () => {
      folder.write('0100_dishes', DISHES)
      folder.write('0101_more', 'UPDATE dish SET n = n + 10')
      expect((await migrate('up', '--to', '100', '--yes')).stdout).toBe('0100_dishes: applied\n')
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
      const wrong = await migrate('up', '--to', '77', '--yes')
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        expect.stringContaining('has no migration of that number'),
      ])
      await migrate('up', '--yes')
      expect(await dish()).toEqual([{ id: 1, n: 11 }])
    })

    it('goes on behind what is done, once a statement that failed is corrected', async () => {
      folder.write('0100_dishes', DISHES.replace('UPDATE', 'UPDAET'))
      const failed = await migrate('up', '--yes')
      expect([failed.code, failed.stderr]).toEqual([
        1,
        expect.stringContaining('statement 3 of 3 (line 5) failed'),
      ])
      folder.write('0100_dishes', DISHES)

      expect((await migrate('up', '--yes')).code).toBe(0)
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
    })

    it('ends between two statements where it is interrupted, and goes on from there', async () => {
      folder.write('0100_dishes', DISHES)
      const interrupt = new AbortController()
      // While the second statement is on its way.
      stack.aurora.api.faults.onHit(() => interrupt.abort())
      stack.aurora.api.faults.add({ kind: 'delay', sql: 'INSERT INTO dish', times: 1, ms: 50 })
      const { code, stderr } = await stack.runWith(
        { interrupt: interrupt.signal },
        ...['migrate', 'up', '--yes', '--folder', folder.path],
      )
      stack.aurora.api.faults.onHit(() => undefined)

      expect([code, stderr]).toEqual([130, expect.stringContaining('go on with: npx backsync migrate up')])
      expect((await migrate('up', '--yes')).code).toBe(0)
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
    })

    const PROGRAMS = `${DISHES}
DELIMITER $$
CREATE TRIGGER dish_bi BEFORE INSERT ON dish FOR EACH ROW BEGIN
  SET NEW.n = NEW.n + 1;
  SET NEW.n = NEW.n + 1;
END$$
DELIMITER ;
INSERT INTO dish VALUES (2, 0);
`

    it('refuses a trigger before anything is done where the database itself is not known', async () => {
      folder.write('0100_dishes', PROGRAMS)
      const { code, stderr } = await migrate('up', '--yes')

      expect(code).toBe(4)
      expect(stderr).toContain("0100_dishes, statement 4: the Data API can't run it")
      expect(stderr).toContain('--direct mysql://HOST:3306')
      expect(await tables()).not.toContain('dish')
    })

    it('makes triggers over the direct connection, in their place among the others', async () => {
      folder.write('0100_dishes', PROGRAMS)
      expect(await migrate('up', '--yes', '--direct', direct)).toMatchObject({ code: 0 })
      expect(await dish()).toEqual([
        { id: 1, n: 1 },
        { id: 2, n: 2 },
      ])
    })

    const hold = (lease: string): Promise<unknown> =>
      stack.aurora.legacy.query(
        `UPDATE backsync_migration_lock SET owner = 'ada', leased_until = NOW(3) + INTERVAL ${lease}`,
      )

    it('waits for another run, says for whose, and takes over where its lease has ended', async () => {
      folder.write('0100_dishes', DISHES)
      await hold('2 SECOND')
      const { code, stderr } = await migrate('up', '--yes')

      expect(code).toBe(0)
      expect(stderr).toContain('waiting for the run of ada\n')
    })

    it('does all once where two run at the same moment', async () => {
      folder.write('0100_dishes', DISHES)
      const both = await Promise.all([migrate('up', '--yes'), migrate('up', '--yes')])

      expect(both.map(({ code }) => code)).toEqual([0, 0])
      expect(await dish()).toEqual([{ id: 1, n: 1 }])
    })
  })

  describe('repair', () => {
    const CLEARED = `${DISHES}TRUNCATE dish;\nINSERT INTO dish VALUES (3, 3);\n`
    const lose = async (): Promise<void> => {
      folder.write('0100_dishes', CLEARED)
      stack.aurora.api.faults.add({ kind: 'drop-after', sql: 'TRUNCATE dish', times: 1 })
      expect((await migrate('up', '--yes')).code).toBe(4)
    }
    const notes = async (): Promise<unknown[]> =>
      (await rows('SELECT notes FROM backsync_migrations WHERE id >= 100 AND notes IS NOT NULL')).flatMap(
        ({ notes: text }) => jsonLines(String(text)),
      )

    it('has nothing to ask where nothing is unknown', async () => {
      expect(await migrate('repair')).toMatchObject({ code: 0, stdout: 'no statement waits for an answer\n' })
    })

    it('shows the evidence of each that is, and what to type; nothing is touched', async () => {
      await lose()
      const status = await migrate('status')
      const { code, stdout } = await migrate('repair')

      expect(lineOf(status, '0100_dishes')).toMatch(/unknown +3 of 5/)
      expect(status.stdout).toContain('0100_dishes: npx backsync migrate repair 0100_dishes 4\n')
      expect(code).toBe(3)
      expect(stdout).toMatch(/^statement +4, line 6 \(4 of 5\)$/m)
      expect(stdout).toMatch(/^begun +by \S+@\S+, process \d+, in a run of /m)
      expect(stdout).toMatch(/^running +no$/m)
      expect(stdout).toContain('\nTRUNCATE dish;\n')
      expect(stdout).toMatch(/^table dish +- +\d{4}-/m)
      expect(stdout).toContain("npx backsync migrate repair 0100_dishes 4 --not-done --why '...'")
      expect(await notes()).toEqual([])
    })

    it.each([
      ['--done', 1],
      ['--not-done', 2],
    ])(
      'records with %s who knows it and why, and up goes on: TRUNCATE is sent so often in all: %i',
      async (flag, times) => {
        const before = stack.aurora.statements('TRUNCATE dish')
        await lose()
        const unasked = await migrate('repair', '0100_dishes', '4', flag, '--why', 'dish is empty')
        expect(unasked).toMatchObject({ code: 4, stdout: '' })
        expect(unasked.stderr).toContain('TRUNCATE dish;')
        expect((await migrate('up', '--yes')).code).toBe(4)
        const said = await migrate('repair', '0100_dishes', '4', flag, '--why', 'dish is empty', '--yes')

        expect(said).toMatchObject({ code: 0 })
        expect(await notes()).toEqual([
          expect.objectContaining({
            statement: 4,
            outcome: flag.slice(2),
            why: 'dish is empty',
            by: expect.stringContaining('@'),
          }),
        ])
        expect((await migrate('up', '--yes')).code).toBe(0)
        expect(await dish()).toEqual([{ id: 3, n: 3 }])
        expect(stack.aurora.statements('TRUNCATE dish')).toBe(before + times)
      },
    )

    it('records what was run past the Data API, once what is before it is done', async () => {
      folder.write('0100_dishes', DISHES)
      folder.write('0101_more', 'DROP TRIGGER IF EXISTS nothing;\nUPDATE dish SET n = n + 1')
      const say = () => migrate('repair', '0101_more', '1', '--done', '--why', 'run in a client', '--yes')
      expect((await say()).stderr).toContain('0100_dishes before it isn')
      await migrate('up', '--to', '100', '--yes')
      expect((await say()).code).toBe(0)
      expect((await migrate('up', '--yes')).code).toBe(0)
      expect(await dish()).toEqual([{ id: 1, n: 2 }])
    })

    it.each([
      [
        'a statement that is done',
        ['0100_dishes', '3', '--not-done', '--why', 'x', '--yes'],
        1,
        '3 of 3 are done',
      ],
      [
        'a migration that there is not',
        ['0109_none', '1', '--done', '--why', 'x', '--yes'],
        1,
        'There is no migration 0109_none',
      ],
      [
        'both outcomes',
        ['0100_dishes', '3', '--done', '--not-done', '--why', 'x'],
        2,
        'either --done or --not-done',
      ],
      ['no reason', ['0100_dishes', '3', '--done'], 2, '--why'],
      ['an outcome of nothing', ['--done', '--why', 'x'], 2, 'name the migration'],
      ['no number', ['0100_dishes', 'two'], 2, '"two" is no number of a statement'],
    ] as const)('refuses %s', async (_, args, code, message) => {
      folder.write('0100_dishes', DISHES)
      await migrate('up', '--yes')

      expect(await migrate('repair', ...args)).toMatchObject({
        code,
        stderr: expect.stringContaining(message),
      })
    })
  })

  describe('baseline', () => {
    const why = ['--why', 'made by the former tool']

    it('records what the database had before, sends nothing of it, and up goes on behind it', async () => {
      await stack.aurora.legacy.query('CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL)')
      await stack.aurora.legacy.query('INSERT INTO dish VALUES (1, 1)')
      folder.write('0100_dishes', DISHES)
      folder.write('0101_more', 'UPDATE dish SET n = n + 10')
      expect((await migrate('baseline', '--to', '100', ...why)).code).toBe(4)
      const dry = await migrate('baseline', '--to', '100', ...why, '--dry-run')
      expect(dry).toMatchObject({ code: 0, stdout: '0100_dishes: would be recorded as applied\n' })
      const made = await migrate('baseline', '--to', '100', ...why, '--yes')
      expect(made).toMatchObject({ code: 0, stdout: '0100_dishes: recorded as applied\n' })

      expect((await migrate('up', '--yes')).stdout).toBe('0101_more: applied\n')
      expect(await dish()).toEqual([{ id: 1, n: 11 }])
      const [row] = await rows('SELECT notes FROM backsync_migrations WHERE id = 100')
      expect(jsonLines(String(row?.notes))).toMatchObject([
        { outcome: 'baseline', why: 'made by the former tool' },
      ])
    })

    it('refuses what is half done', async () => {
      folder.write('0100_dishes', DISHES.replace('UPDATE', 'UPDAET'))
      await migrate('up', '--yes')
      const { code, stderr } = await migrate('baseline', '--to', '100', ...why, '--yes')

      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining('0100_dishes is half done (2 of 3 statements)'),
      ])
    })
  })
})
