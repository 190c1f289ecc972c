import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type StatementFunction, startStatementFunction } from '../../../support/statement-function.ts'
import { openTestStack, type TestStack } from '../harness.ts'
import { type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const DISHES = `CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL);
DELIMITER $$
CREATE TRIGGER dish_bi BEFORE INSERT ON dish FOR EACH ROW BEGIN
  SET NEW.n = 7;
END$$
DELIMITER ;
INSERT INTO dish VALUES (1, 0);
`

/** Where the database itself can't be reached from here, as that of a deployed stack. */
describe('backsync migrate up, of a stack with a function that runs statements', () => {
  let stack: TestStack
  let folder: MigrationsFolder
  let started: StatementFunction
  beforeAll(async () => {
    stack = await openTestStack()
    folder = await openMigrationsFolder()
    started = await startStatementFunction(stack.aurora)
    const file = join(stack.home, 'stack.json')
    const facts = JSON.parse(await readFile(file, 'utf8'))
    expect(facts.endpoints).not.toHaveProperty('mysql')
    const outputs = { ...facts.outputs, StatementRunnerName: started.name }
    await writeFile(file, JSON.stringify({ ...facts, outputs }))
    // A command in this process finds it here.
    process.env.AWS_ENDPOINT_URL_LAMBDA = started.endpoint
  }, 60_000)
  afterAll(async () => {
    await started?.close()
    await folder?.remove()
    await stack?.close()
  })

  it('makes triggers by it, each statement recorded', async () => {
    folder.write('0100_dishes', DISHES)
    const answer = await stack.run('migrate', 'up', '--yes', '--folder', folder.path)

    expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining('0100_dishes: applied') })
    const [rows] = await stack.aurora.legacy.query<RowDataPacket[]>('SELECT n FROM dish')
    expect(rows).toEqual([{ n: 7 }])
    const status = await stack.run('migrate', 'status', '--folder', folder.path)
    expect(status.stdout).toMatch(/^0100_dishes +applied +3 of 3/m)
  })

  it('says what the server has against one, and goes on once it is corrected', async () => {
    const bad = 'CREATE TRIGGER dish_au AFTER UPDATE ON nowhere FOR EACH ROW SET @n = 1'
    folder.write('0101_more', bad)
    const refused = await stack.run('migrate', 'up', '--yes', '--folder', folder.path)
    expect([refused.code, refused.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("nowhere' doesn't exist"),
    ])
    expect(refused.code).not.toBe(0)

    folder.write('0101_more', bad.replace('nowhere', 'dish'))
    expect((await stack.run('migrate', 'up', '--yes', '--folder', folder.path)).code).toBe(0)
  })
})
