import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RowDataPacket } from 'mysql2/promise'
import { type Answer, openTestStack, type TestStack } from '../harness.ts'
import { forget, type MigrationsFolder, openMigrationsFolder } from './harness.ts'

const UP = 'CREATE TABLE dish (id INT PRIMARY KEY, n INT NOT NULL);\nINSERT INTO kept VALUES (1);\n'
const DOWN = 'UPDATE kept SET n = n + 10;\nDROP TABLE dish;\n'

describe('backsync migrate down', () => {
  let stack: TestStack
  let folder: MigrationsFolder
  beforeAll(async () => {
    stack = await openTestStack()
  }, 60_000)
  afterAll(() => stack.close())
  beforeEach(async () => {
    folder = await openMigrationsFolder()
    folder.write('0100_dishes', UP, DOWN)
    await stack.aurora.legacy.query('CREATE TABLE kept (n INT NOT NULL)')
    expect((await migrate('up', '--yes')).code).toBe(0)
  })
  afterEach(async () => {
    await folder.remove()
    await forget(stack, 'dish', 'kept', 'later', 'backsync_reverts')
  })
  const migrate = (command: string, ...args: string[]): Promise<Answer> =>
    stack.run('migrate', command, ...args, '--folder', folder.path)
  const rows = async (query: string): Promise<RowDataPacket[]> =>
    (await stack.aurora.legacy.query<RowDataPacket[]>(query))[0]
  const kept = async (): Promise<unknown[]> => (await rows('SELECT n FROM kept')).map(({ n }) => n)
  const recorded = async (): Promise<unknown[]> =>
    (await rows('SELECT id FROM backsync_migrations WHERE id >= 100')).map(({ id }) => id)
  const hasDish = async (): Promise<boolean> => (await rows("SHOW TABLES LIKE 'dish'")).length > 0

  it('shows what it would send, undoes the last one, and forgets it: up applies it again', async () => {
    const dry = await migrate('down', '--dry-run')
    expect(dry).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('-- 0100_dishes.down, statement 2 of 2'),
    })
    expect(await kept()).toEqual([1])
    expect((await migrate('down')).code).toBe(4)

    expect(await migrate('down', '--yes')).toMatchObject({ code: 0, stdout: '0100_dishes: undone\n' })
    expect([await kept(), await hasDish(), await recorded()]).toEqual([[11], false, []])
    expect((await migrate('up', '--yes')).stdout).toBe('0100_dishes: applied\n')
    expect([await kept(), await hasDish()]).toEqual([[11, 1], true])
  })

  it('undoes with --to all behind a number, the last first', async () => {
    folder.write(
      '0101_later',
      'CREATE TABLE later (id INT PRIMARY KEY)',
      'DROP TABLE later; UPDATE dish SET n = 1',
    )
    await migrate('up', '--yes')
    const { code, stdout } = await migrate('down', '--to', '8', '--yes')

    expect([code, stdout]).toEqual([0, '0101_later: undone\n0100_dishes: undone\n'])
    expect(await recorded()).toEqual([])
  })

  it('refuses before anything is done where one of them has no down file, and says which', async () => {
    folder.write('0101_later', 'CREATE TABLE later (id INT PRIMARY KEY)', 'DROP TABLE later')
    await migrate('up', '--yes')
    rmSync(join(folder.path, '0100_dishes.down.sql'))
    const { code, stderr } = await migrate('down', '--to', '8', '--yes')

    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no 0100_dishes.down.sql')])
    expect(await recorded()).toEqual([100, 101])
    expect((await migrate('status')).code).toBe(0)
  })

  it('refuses one that is half done, and one whose file is not here', async () => {
    folder.write('0101_later', 'CREATE TABLE later (id INT PRIMARY KEY); SELEKT 1', 'DROP TABLE later')
    await migrate('up', '--yes')
    expect((await migrate('down', '--yes')).stderr).toContain('0101_later is half done (1 of 2 statements)')
    folder.write('0101_later', 'CREATE TABLE later (id INT PRIMARY KEY)', 'DROP TABLE later')
    rmSync(join(folder.path, '0101_later.up.sql'))
    rmSync(join(folder.path, '0101_later.down.sql'))
    expect((await migrate('down', '--yes')).stderr).toContain("its file isn't here")
    expect(await kept()).toEqual([1])
  })

  it.each(['drop-before', 'drop-after'] as const)(
    'goes on where it ended, each statement once (%s); up refuses until it has',
    async (kind) => {
      stack.aurora.api.faults.add({ kind, sql: 'UPDATE kept', times: 1 })
      expect((await migrate('down', '--yes')).code).not.toBe(0)
      expect((await migrate('up', '--yes')).stderr).toContain('0100_dishes.down is being undone')
      const status = await migrate('status')
      expect([status.code, status.stdout]).toEqual([
        3,
        expect.stringContaining('0100_dishes.down: npx backsync migrate down goes on with it'),
      ])
      stack.aurora.api.faults.add({ kind, sql: 'DROP TABLE dish', times: 1 })

      expect((await migrate('down', '--yes')).code).toBe(0)
      expect([await kept(), await hasDish(), await recorded()]).toEqual([[11], false, []])
      expect((await migrate('status')).code).toBe(3)
    },
  )

  it('asks by repair where nobody can tell, and goes on with the answer', async () => {
    folder.write('0101_later', 'CREATE TABLE later (id INT PRIMARY KEY)', 'TRUNCATE kept; DROP TABLE later')
    await migrate('up', '--yes')
    stack.aurora.api.faults.add({ kind: 'drop-after', sql: 'TRUNCATE kept', times: 1 })
    expect((await migrate('down', '--yes')).code).toBe(4)
    expect((await migrate('repair')).stdout).toContain('npx backsync migrate repair 0101_later.down 1 --done')
    const said = await migrate('repair', '0101_later.down', '1', '--done', '--why', 'kept is empty', '--yes')
    expect(said.stdout).toContain('npx backsync migrate down goes on behind it')
    await stack.aurora.legacy.query('INSERT INTO kept VALUES (5)')

    expect((await migrate('down', '--yes')).code).toBe(0)
    expect([await kept(), await recorded()]).toEqual([[5], [100]])
  })

  it('has nothing to undo where nothing is applied', async () => {
    await stack.aurora.legacy.query('CREATE TABLE aside AS SELECT * FROM backsync_migrations')
    await stack.aurora.legacy.query('DELETE FROM backsync_migrations')
    const answer = await migrate('down', '--yes')
    await stack.aurora.legacy.query('INSERT INTO backsync_migrations SELECT * FROM aside')
    await stack.aurora.legacy.query('DROP TABLE aside')
    expect(answer).toMatchObject({ code: 0, stdout: 'nothing is applied that could be undone\n' })
  })
})
