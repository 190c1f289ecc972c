import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { findServerBinary } from '../../../../infra/local/mysql/find.ts'
import { howToGetMysql } from '../../../../infra/local/mysql/install.ts'
import { makeFolder, type TemporaryFolder } from '../../../support/folder.ts'

let folder: TemporaryFolder
beforeEach(async () => {
  folder = await makeFolder()
})
afterEach(() => folder.remove())

const place = async (where: string, name: string, mode = 0o755): Promise<string> => {
  const path = join(folder.path, where, name)
  await mkdir(join(folder.path, where), { recursive: true })
  await writeFile(path, '')
  await chmod(path, mode)
  return path
}
const at = (...names: string[]): string[] => names.map((name) => join(folder.path, name))
const find = (path: string[], folders: string[]): Promise<string | undefined> =>
  findServerBinary({ env: { PATH: path.join(delimiter) }, folders })

it('prefers the PATH to the usual folders, and an earlier folder to a later one', async () => {
  const usual = await place('usual', 'mysqld')
  expect(await find(at('nowhere', 'a', 'b'), at('usual'))).toBe(usual)
  const second = await place('b', 'mariadbd')
  expect(await find(at('nowhere', 'a', 'b'), at('usual'))).toBe(second)
  const first = await place('a', 'mariadbd')
  expect(await find(at('nowhere', 'a', 'b'), at('usual'))).toBe(first)
})

it('takes mysqld where a folder has both', async () => {
  await place('a', 'mariadbd')
  const mysqld = await place('a', 'mysqld')
  expect(await find(at('a'), [])).toBe(mysqld)
})

it('passes over folders of that name and files that may not be run', async () => {
  await mkdir(join(folder.path, 'a', 'mysqld'), { recursive: true })
  await place('b', 'mysqld', 0o644)
  expect(await find(at('a', 'b'), [])).toBeUndefined()
})

it('finds nothing where there is nothing, and an empty PATH is no folder', async () => {
  expect(await findServerBinary({ env: {}, folders: [] })).toBeUndefined()
  expect(await findServerBinary({ env: { PATH: '' }, folders: [] })).toBeUndefined()
})

it.each([
  [{ platform: 'darwin', isRoot: false, hasApt: false }, /^brew install mysql$/],
  [{ platform: 'linux', isRoot: false, hasApt: true }, /^sudo apt-get .*mariadb-server-core$/],
  [
    { platform: 'linux', isRoot: false, hasApt: false },
    /^docker run .*mysql:8\.0 && export MYSQL_URL=mysql:/,
  ],
  [{ platform: 'win32', isRoot: false, hasApt: false }, /^docker run .*mysql:8\.0 & set MYSQL_URL=mysql:/],
] as const)('tells %j the one command', (machine, command) => {
  expect(howToGetMysql(machine)).toMatch(command)
  expect(howToGetMysql(machine)).not.toContain('\n')
})
