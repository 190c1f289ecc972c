import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type Answer, jsonLines, openTestStack, type TestStack } from '../harness.ts'
import { forget, type MigrationsFolder, openMigrationsFolder } from './harness.ts'

describe('changes of a table that is there', () => {
  let stack: TestStack
  let folder: MigrationsFolder
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    folder = await openMigrationsFolder()
    await stack.aurora.legacy.query('CREATE TABLE dish (id INT PRIMARY KEY, a INT NULL, x VARCHAR(20) NULL)')
    await stack.aurora.legacy.query('INSERT INTO dish VALUES (1, 1, NULL), (2, 2, NULL), (3, 3, NULL)')
    await stack.aurora.legacy.query('ANALYZE TABLE dish')
  })
  afterEach(async () => {
    await folder.remove()
    await forget(stack, 'dish')
  })
  const migrate = (command: string, ...args: string[]): Promise<Answer> =>
    stack.run('migrate', command, ...args, '--folder', folder.path)
  const columns = async (): Promise<unknown[]> =>
    (await stack.aurora.legacy.query<RowDataPacket[]>('SHOW COLUMNS FROM dish'))[0].map(({ Field, Type }) =>
      `${Field} ${String(Type).replace(/\(11\)|\(20\)$/, '')}`.trim(),
    )

  const FILE = `ALTER TABLE dish ADD COLUMN n INT NULL;
CREATE INDEX by_a ON dish (a);
ALTER TABLE dish ADD INDEX by_x (x);
UPDATE dish SET n = 1;
ALTER TABLE dish MODIFY a BIGINT NULL;
`

  it('are planned with how they are expected to be done, on how much, and how long that takes', async () => {
    folder.write('0100_dishes', FILE)
    const { code, stdout } = await migrate('plan')

    expect(code).toBe(3)
    expect(stdout).toMatch(
      /^-- {3}expected: INSTANT, LOCK=NONE \(others read and write meanwhile\); at once; about 3 rows, \d\.\d MB, as the server estimates$/m,
    )
    expect(stdout).toMatch(
      /^-- {3}expected: COPY, LOCK=SHARED \(nobody else writes to it meanwhile\); a guess of \d+ s by its size; about 3 rows/m,
    )
    expect(stdout).toContain('statement 1 */ ALTER TABLE dish ADD COLUMN n INT NULL;\n')
    expect(jsonLines((await migrate('plan', '--json')).stdout)).toMatchObject([
      { expected: { algorithm: 'INSTANT', writes: 'nothing', table: 'dish', rows: 3 }, orElse: [] },
      { expected: { algorithm: 'INPLACE', lock: 'NONE', writes: 'index' } },
      { expected: { algorithm: 'INPLACE' } },
      { expected: null },
      { expected: { algorithm: 'COPY', lock: 'SHARED', writes: 'rows' } },
    ])
    expect(await columns()).toHaveLength(3)
  })

  it('say where they ask for what the server is expected to refuse', async () => {
    folder.write('0100_dishes', 'ALTER TABLE dish MODIFY a BIGINT NULL, ALGORITHM=INPLACE')
    expect((await migrate('plan')).stdout).toContain(
      'it asks for ALGORITHM=INPLACE, which the server is expected to refuse',
    )
    expect((await migrate('up', '--yes')).code).toBe(1)
  })

  it('are sent by up as the file has them', async () => {
    folder.write('0100_dishes', FILE)
    expect((await migrate('up', '--yes')).code).toBe(0)
    expect(stack.aurora.statements('ADD COLUMN n INT NULL, ALGORITHM')).toBe(0)
    expect(await columns()).toContain('a bigint')
  })

  it('are shown with --online as they are sent: INSTANT, then INPLACE, and never by a copy', async () => {
    folder.write('0100_dishes', FILE)
    const plan = await migrate('plan', '--online')
    expect(plan.stdout).toContain(
      `ALTER TABLE dish ADD INDEX by_x (x), ALGORITHM=INSTANT;
-- or, where the server refuses that for its ALGORITHM:
/* backsync 0100_dishes, statement 3 */ ALTER TABLE dish ADD INDEX by_x (x), ALGORITHM=INPLACE, LOCK=NONE;
`,
    )
    expect(plan.stdout).toContain('CREATE INDEX by_a ON dish (a) ALGORITHM=INPLACE LOCK=NONE;\n')
    const up = await migrate('up', '--online', '--yes')

    expect(up.code).toBe(1)
    expect(up.stderr).toContain('statement 5 of 5 (line 5) failed')
    expect(up.stderr).toContain('where that may be, write ALGORITHM=COPY')
    expect(await columns()).toEqual(['id int', 'a int', 'x varchar', 'n int'])
    folder.write('0100_dishes', FILE.replace('BIGINT NULL', 'BIGINT NULL, ALGORITHM=COPY'))
    expect((await migrate('up', '--online', '--yes')).code).toBe(0)
    expect(await columns()).toContain('a bigint')
  })

  it('are done once with --online where an answer is lost', async () => {
    folder.write('0100_dishes', 'ALTER TABLE dish ADD INDEX by_x (x); UPDATE dish SET a = a + 1')
    stack.aurora.api.faults.add({ kind: 'drop-after', sql: 'ALGORITHM=INPLACE', times: 1 })

    expect((await migrate('up', '--online', '--yes')).code).toBe(0)
    expect((await stack.aurora.legacy.query<RowDataPacket[]>('SELECT SUM(a) AS a FROM dish'))[0]).toEqual([
      { a: '9' },
    ])
  })
})
