import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { MigrationFilesError, readMigrations } from '../../../../functions/bridge/migrations/files.ts'
import { bridgeSqlFolder, sqlFolder } from '../../../support/aurora.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

describe('a folder of migrations', () => {
  let folder: TemporaryFolder

  beforeEach(async () => {
    folder = await makeFolder()
  })
  afterEach(() => folder.remove())

  const write = async (files: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
  }
  const read = async (files: Record<string, string>) => {
    await write(files)
    return readMigrations(folder.path)
  }

  it('is read in the order of the numbers, each file as its statements', async () => {
    const migrations = await read({
      '0010_third.up.sql': 'CREATE TABLE c (id INT);',
      '0010_third.down.sql': 'DROP TABLE c',
      '0002_second.up.sql': "-- why\nINSERT INTO a VALUES (';');\n\n/* and */ INSERT INTO a VALUES ('--');\n",
      '0002_second.down.sql': 'DELETE FROM a;',
      '0001_first.up.sql': 'CREATE TABLE a (x TEXT)',
      '0001_first.down.sql': 'DROP TABLE a',
    })

    expect(migrations.map(({ id, name, statements }) => [id, name, statements.length])).toEqual([
      [1, '0001_first', 1],
      [2, '0002_second', 2],
      [10, '0010_third', 1],
    ])
    expect(migrations[1]?.statements[0]).toContain("VALUES (';')")
    expect(migrations[1]?.places).toEqual([
      { line: 2, column: 1 },
      { line: 4, column: 11 },
    ])
    expect(migrations[1]?.downStatements).toEqual(['DELETE FROM a'])
  })

  it('has migrations without a way back', async () => {
    await write({ '0001_first.up.sql': 'CREATE TABLE a (x TEXT)' })

    expect(readMigrations(folder.path)).toMatchObject([{ name: '0001_first', downStatements: [] }])
  })

  it('may be empty', () => {
    expect(readMigrations(folder.path)).toEqual([])
  })

  it("may hold nothing but a page and Backsync's own below it, which are not read", async () => {
    await mkdir(join(folder.path, 'bridge'))
    await write({
      'README.md': '# How to write one',
      'bridge/0001_own.up.sql': 'CREATE TABLE backsync_own (id INT)',
      'bridge/0001_own.down.sql': 'DROP TABLE backsync_own',
    })

    expect(readMigrations(folder.path)).toEqual([])
    expect(readMigrations(join(folder.path, 'bridge')).map(({ name }) => name)).toEqual(['0001_own'])
  })

  it.each(['drafts', '0001_a.up.sql'])('is refused with a folder %s', async (name) => {
    await mkdir(join(folder.path, name))

    expect(() => readMigrations(folder.path)).toThrow(
      new MigrationFilesError(`${name}/ is not named NNNN_name.up.sql or NNNN_name.down.sql`),
    )
  })

  it('has a checksum of each up file that line endings do not change, and any other character does', async () => {
    const checksum = async (up: string, down = 'DROP TABLE a'): Promise<string | undefined> =>
      (await read({ '0001_a.up.sql': up, '0001_a.down.sql': down }))[0]?.checksum

    const unix = await checksum('CREATE TABLE a (\n  id INT\n);\n')

    expect(unix).toMatch(/^[0-9a-f]{64}$/)
    expect(await checksum('CREATE TABLE a (\r\n  id INT\r\n);\r\n')).toBe(unix)
    expect(await checksum('CREATE TABLE a (\n  id INT\n);\n', 'DROP TABLE IF EXISTS a')).toBe(unix)
    expect(await checksum('CREATE TABLE a (\n id INT\n);\n')).not.toBe(unix)
  })

  const good = { '0001_a.up.sql': 'SELECT 1', '0001_a.down.sql': 'SELECT 1' }

  it.each<[string, Record<string, string>, string]>([
    [
      'another name',
      { ...good, 'notes.txt': 'x' },
      'notes.txt is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    [
      'too short a number',
      { '001_a.up.sql': 'x' },
      '001_a.up.sql is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    [
      'upper case',
      { '0001_A.up.sql': 'x' },
      '0001_A.up.sql is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    ['no direction', { '0001_a.sql': 'x' }, '0001_a.sql is not named NNNN_name.up.sql or NNNN_name.down.sql'],
    [
      'a backup of an editor',
      { ...good, '0001_a.up.sql~': 'x' },
      '0001_a.up.sql~ is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    [
      'another page',
      { ...good, 'NOTES.md': 'x' },
      'NOTES.md is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    [
      'a file called bridge',
      { ...good, bridge: 'x' },
      'bridge is not named NNNN_name.up.sql or NNNN_name.down.sql',
    ],
    ['nothing but a way back', { '0001_a.down.sql': 'SELECT 1' }, '0001_a.up.sql is missing'],
    [
      'a number twice',
      { ...good, '0001_b.up.sql': 'SELECT 1', '0001_b.down.sql': 'SELECT 1' },
      '0001_a and 0001_b have the same number',
    ],
    ['an empty file', { ...good, '0001_a.up.sql': '' }, '0001_a.up.sql holds no statement'],
    ['nothing but a comment', { ...good, '0001_a.up.sql': '-- later\n' }, '0001_a.up.sql holds no statement'],
    [
      'a quote without an end',
      { ...good, '0001_a.up.sql': "SELECT 1;\n  SELECT 'a;" },
      "0001_a.up.sql, line 2, column 10: the file ends inside the ' that begins here",
    ],
    [
      'a way back that is cut short',
      { ...good, '0001_a.down.sql': 'SELECT 1 /* a' },
      '0001_a.down.sql, line 1, column 10: the file ends inside the comment that begins here',
    ],
    ['an empty way back', { ...good, '0001_a.down.sql': '\n' }, '0001_a.down.sql holds no statement'],
  ])('is refused with %s', async (_, files, message) => {
    await write(files)

    expect(() => readMigrations(folder.path)).toThrow(
      expect.objectContaining({ name: 'MigrationFilesError', message }),
    )
  })

  it('of this repository is in order; the numbers of the bridge are without a gap', () => {
    const bridge = readMigrations(bridgeSqlFolder).map(({ id }) => id)

    expect(bridge).toEqual(bridge.map((_, at) => at + 1))
    expect(bridge.length).toBeGreaterThanOrEqual(3)
    expect(() => readMigrations(sqlFolder)).not.toThrow()
  })
})
