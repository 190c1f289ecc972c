import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'
import { jsonLines, runHere } from '../harness.ts'
import { type MigrationsFolder, openMigrationsFolder } from './harness.ts'

describe('backsync migrate lint', () => {
  let folder: MigrationsFolder
  let home: TemporaryFolder
  beforeEach(async () => {
    folder = await openMigrationsFolder()
    home = await makeFolder()
    folder.write('0100_meals', 'DROP TABLE meal;\n\nCREATE TABLE dish (id INT PRIMARY KEY, price FLOAT);\n')
  })
  afterEach(async () => {
    await folder.remove()
    await home.remove()
  })
  const lint = (...args: string[]) => runHere(home.path, 'migrate', 'lint', ...args, '--folder', folder.path)

  it('needs no stack, says where and what, and ends with 3 where there is an error', async () => {
    const { code, stdout } = await lint('0100_meals')

    expect(code).toBe(3)
    expect(stdout).toMatch(/0100_meals\.up\.sql:1:1 error drop-table: what is dropped/)
    expect(stdout).toMatch(/0100_meals\.up\.sql:3:1 warning float: /)
    expect(stdout).toMatch(/^1 looked over: 1 errors, 1 warnings$/m)
  })

  it('ends with 0 where there are warnings only', async () => {
    folder.write(
      '0100_meals',
      '-- backsync:allow drop-table gone since 2.4\nDROP TABLE meal; CREATE TABLE d (id INT PRIMARY KEY, p FLOAT)',
    )
    expect((await lint('0100_meals')).code).toBe(0)
  })

  it('warns of a migration without a down file where others have one, unless the file says why', async () => {
    const made = 'CREATE TABLE dish (id INT PRIMARY KEY)'
    folder.write('0100_meals', made)
    folder.write('0101_more', made)
    expect((await lint()).stdout).toMatch(/ looked over: 0 errors, 0 warnings$/m)

    rmSync(join(folder.path, '0101_more.down.sql'))
    expect(jsonLines((await lint('--json')).stdout)).toMatchObject([
      { file: expect.stringMatching(/0101_more/), rule: 'no-down', severity: 'warning', line: 1 },
    ])
    folder.write('0101_more', `-- backsync:allow no-down it goes with the next release\n${made}`)
    rmSync(join(folder.path, '0101_more.down.sql'))
    expect(jsonLines((await lint('--json')).stdout)).toEqual([])

    folder.write('0101_more', made)
    for (const file of readdirSync(folder.path).filter((name) => name.endsWith('.down.sql')))
      rmSync(join(folder.path, file))
    expect(jsonLines((await lint('--json')).stdout)).toEqual([])
  })

  it.each([['--json'], ['--format', 'json']])('prints with %s a finding a line', async (...flags) => {
    expect(jsonLines((await lint('0100_meals', ...flags)).stdout)).toMatchObject([
      { line: 1, rule: 'drop-table', severity: 'error' },
      { line: 3, rule: 'float', severity: 'warning' },
    ])
  })

  it('prints annotations with --format github', async () => {
    const { stdout } = await lint('0100_meals', '--format', 'github')
    expect(stdout).toMatch(
      /^::error file=\S*0100_meals\.up\.sql,line=1,col=1,title=drop-table::what is dropped/m,
    )
    expect(stdout).toMatch(/^::warning file=\S*,line=3,col=1,title=float::/m)
  })

  it('refuses a migration that there is not, and a format of its own', async () => {
    expect(await lint('0101_none')).toMatchObject({ code: 2, stderr: expect.stringContaining('0100_meals') })
    expect(await lint('--format', 'xml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('text, json or github'),
    })
  })
})
