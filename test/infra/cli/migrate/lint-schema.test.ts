import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { makeFolder } from '../../../support/folder.ts'
import { type Answer, jsonLines, openTestStack, runHere, type TestStack } from '../harness.ts'
import { type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const ONLINE = 'ALGORITHM=INPLACE, LOCK=NONE'

describe('backsync migrate lint --schema', () => {
  let stack: TestStack
  let folder: MigrationsFolder
  beforeAll(async () => {
    stack = await openTestStack()
    const { legacy } = stack.aurora
    await legacy.query('CREATE TABLE dish (id INT PRIMARY KEY, a INT NULL, b INT NULL, KEY by_a (a))')
    await legacy.query('CREATE TABLE side (id INT PRIMARY KEY, dish INT NULL)')
    await legacy.query('INSERT INTO dish VALUES (1, 1, 1), (2, 2, NULL), (3, 2, 3)')
    await legacy.query('INSERT INTO side VALUES (1, 1), (2, 2)')
    await legacy.query('ANALYZE TABLE dish, side')
    await legacy.query(
      'CREATE TRIGGER side_ai AFTER INSERT ON side FOR EACH ROW UPDATE dish SET b = b + 1 WHERE id = NEW.dish',
    )
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    folder = await openMigrationsFolder()
  })
  afterEach(async () => {
    await folder.remove()
    await stack.aurora.legacy.query('DELETE FROM backsync_migrations WHERE id >= 100')
  })
  const lint = async (text: string, ...args: string[]): Promise<unknown[]> => {
    folder.write('0100_dishes', text)
    const { stdout } = await stack.run(
      'migrate',
      'lint',
      '0100_dishes',
      ...args,
      '--json',
      '--folder',
      folder.path,
    )
    return jsonLines(stdout)
  }
  const rules = async (text: string, ...args: string[]): Promise<unknown[]> =>
    (await lint(text, ...args)).map((finding) => Reflect.get(Object(finding), 'rule'))

  it.each([
    [
      'trigger',
      '-- backsync:allow drop-column old\nALTER TABLE dish DROP COLUMN b, ALGORITHM=INSTANT',
      'the trigger side_ai of side names',
    ],
    ['trigger', '-- backsync:allow drop-table old\nDROP TABLE dish', 'the trigger side_ai of side names'],
    [
      'trigger',
      '-- backsync:allow rename old\nALTER TABLE side RENAME COLUMN dish TO d, ALGORITHM=INSTANT',
      'side.dish',
    ],
    [
      'blocks-writers',
      'ALTER TABLE dish MODIFY a BIGINT NULL, ALGORITHM=COPY',
      'COPY of about 3 rows, a guess of 1 s',
    ],
    [
      'refused',
      `ALTER TABLE dish MODIFY a BIGINT NULL, ${ONLINE}`,
      'this server is expected to refuse ALGORITHM=INPLACE',
    ],
    [
      'duplicates',
      `ALTER TABLE dish ADD UNIQUE KEY one_a (a, b), ${ONLINE}`,
      'SELECT a, b, COUNT(*) FROM dish GROUP BY a, b HAVING COUNT(*) > 1',
    ],
    ['duplicates', 'CREATE UNIQUE INDEX one_a ON dish (a)', 'GROUP BY a HAVING'],
    [
      'nulls',
      `ALTER TABLE dish MODIFY b INT NOT NULL, ${ONLINE}`,
      'SELECT COUNT(*) FROM dish WHERE b IS NULL',
    ],
    ['duplicate-index', `ALTER TABLE dish ADD KEY of_a (a), ${ONLINE}`, 'begins with these columns, by_a'],
    [
      'contract',
      '-- backsync:allow drop-column old\nALTER TABLE cheftable DROP COLUMN cheffirst, ALGORITHM=INSTANT',
      'cheftable.cheffirst holds its attribute firstName. Its route is legacy',
    ],
  ])('%s: %.90s', async (rule, text, message) => {
    const found = await lint(text, '--schema')

    expect(found).toContainEqual(expect.objectContaining({ rule, message: expect.stringContaining(message) }))
    const answered = `-- backsync:allow ${rule} it was looked at\n${text}`
    expect(await rules(answered, '--schema')).not.toContain(rule)
    expect(await rules(answered, '--schema')).not.toContain('allow')
  })

  it.each([
    `ALTER TABLE dish ADD COLUMN c INT NULL, ALGORITHM=INSTANT`,
    `ALTER TABLE dish ADD KEY by_b (b), ${ONLINE}`,
    'CREATE TABLE none (id INT PRIMARY KEY, a INT); ALTER TABLE none ADD UNIQUE KEY one_a (a), MODIFY a BIGINT NOT NULL',
    '-- backsync:allow drop-column old\nALTER TABLE dish DROP COLUMN a, ALGORITHM=INPLACE',
  ])('has nothing against: %.90s', async (text) => {
    expect(await rules(text, '--schema')).toEqual([])
  })

  it('asks nothing of the database without it, and takes an answer to what was not asked', async () => {
    const text = `-- backsync:allow duplicates it was looked at\nALTER TABLE dish ADD UNIQUE KEY one_a (a), ${ONLINE}`
    const home = await makeFolder()
    folder.write('0100_dishes', text)
    const { code, stdout } = await runHere(
      home.path,
      'migrate',
      'lint',
      '0100_dishes',
      '--folder',
      folder.path,
    )
    await home.remove()

    expect([code, stdout]).toEqual([0, '1 looked over: 0 errors, 0 warnings\n'])
  })

  it('has nothing against what is applied already', async () => {
    folder.write(
      '0100_dishes',
      `ALTER TABLE side ADD COLUMN c INT NULL, ALGORITHM=INSTANT;\nALTER TABLE side ADD UNIQUE KEY one_c (c), ${ONLINE}`,
    )
    expect((await stack.run('migrate', 'up', '--yes', '--folder', folder.path)).code).toBe(0)
    const { stdout } = await stack.run('migrate', 'lint', '0100_dishes', '--schema', '--folder', folder.path)
    expect(stdout).toBe('1 looked over: 0 errors, 0 warnings\n')
  })

  describe('a contract step', () => {
    const up = (text: string): Promise<Answer> => {
      folder.write('0100_dishes', text)
      return stack.run('migrate', 'up', '--yes', '--folder', folder.path)
    }
    const hasName = async (): Promise<boolean> => {
      const [rows] = await stack.aurora.legacy.query<[]>("SHOW COLUMNS FROM cheftable LIKE 'cheffirst'")
      return rows.length > 0
    }

    it.each([
      [
        'ALTER TABLE cheftable DROP COLUMN cheffirst',
        'drops what chef needs: cheftable.cheffirst holds its attribute firstName',
      ],
      [
        'ALTER TABLE cheftable RENAME COLUMN cheffirst TO title',
        'renames what chef needs: cheftable.cheffirst',
      ],
      ['ALTER TABLE cheftable CHANGE `cheffirst` title VARCHAR(255) NOT NULL', 'renames what chef needs'],
      ['RENAME TABLE cheftable TO chefs', 'renames what chef needs: the table cheftable is its table'],
      ['DROP TABLE IF EXISTS nothing, `cheftable`', 'drops what chef needs'],
      ['ALTER TABLE cheftable DROP backsync_owner', 'holds its version, key or owner'],
      ['ALTER TABLE recipe_ingredients DROP COLUMN name', 'holds a part of its ingredients'],
    ])('is refused by up before anything is done: %s', async (text, message) => {
      const { code, stderr } = await up(`CREATE TABLE before_it (id INT PRIMARY KEY);\n${text}`)

      expect([code, stderr]).toEqual([4, expect.stringContaining(message)])
      expect(stderr).toContain('backsync:allow contract')
      expect(await hasName()).toBe(true)
      const [made] = await stack.aurora.legacy.query<[]>("SHOW TABLES LIKE 'before_it'")
      expect(made).toEqual([])
    })

    it('is sent where the file says why', async () => {
      const { code } = await up(
        '-- backsync:allow contract nobody is served from here\nALTER TABLE cheftable DROP COLUMN cheffirst',
      )
      expect(code).toBe(0)
      expect(await hasName()).toBe(false)
    })
  })
})
