import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../support/folder.ts'
import { until } from '../support/until.ts'
import { runProgram } from './child.ts'
import { enginesOf } from './engines.ts'
import { factorOf, makePlan } from './plan.ts'

const mariadb = { name: 'mariadbd', env: {} }
const mysql = { name: 'mysqld', env: {} }

describe('a plan', () => {
  it.each([
    ['one engine', [mariadb], 10, 5],
    ['two', [mariadb, mysql], 45, 10],
    // Careless writers and the cutover have one of them then; random tests, and those on both sides, the other one.
    ['two in a short time', [mariadb, mysql], 10, 6],
  ])('fills the time with every part, with %s', (_, engines, minutes, parts) => {
    const plan = makePlan({ minutes, engines })
    expect(plan).toHaveLength(parts)
    expect(plan.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(minutes * 60_000)
    const of = (name: string) => plan.filter((part) => part.name === name).map(({ engine }) => engine)
    expect(of('soak')).toEqual(engines)
    expect(of('properties')).toEqual(minutes < 20 ? [mariadb] : engines)
  })

  it('knows the first engine, for what has no SQL in it', () => {
    const plan = makePlan({ minutes: 45, engines: [mariadb, mysql] })
    expect(plan.map(({ engine, first }) => first === (engine === mariadb))).not.toContain(false)
  })

  it('gives one part all of it', () => {
    expect(makePlan({ minutes: 2, engines: [mariadb], only: 'soak' })).toEqual([
      { name: 'soak', engine: mariadb, ms: 120_000, first: true },
    ])
  })
})

describe('a round', () => {
  it.each([
    [10, 1],
    [45, 3],
  ])('of %d minutes has each random test run %d times as often as npm test does', (minutes, factor) => {
    expect(factorOf(minutes)).toBe(factor)
  })
})

describe('the engines', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await makeFolder()
    await writeFile(join(folder.path, 'mariadbd'), '')
    await chmod(join(folder.path, 'mariadbd'), 0o755)
  })
  afterEach(() => folder.remove())
  const names = async (env: NodeJS.ProcessEnv): Promise<readonly string[]> =>
    (await enginesOf({ PATH: folder.path, ...env })).map(
      ({ env: { BACKSYNC_MYSQLD = '' } }) => BACKSYNC_MYSQLD,
    )

  it('are the one that is found, and the one that is named', async () => {
    const found = join(folder.path, 'mariadbd')
    expect(await names({})).toEqual([found])
    expect(await names({ BACKSYNC_MYSQLD: '' })).toEqual([found])
    expect(await names({ BACKSYNC_MYSQLD: found })).toEqual([found])
    await symlink(found, join(folder.path, 'other-name'))
    expect(await names({ BACKSYNC_MYSQLD: join(folder.path, 'other-name') })).toHaveLength(1)
    expect(await names({ BACKSYNC_MYSQLD: '/opt/mysql/mysqld' })).toEqual([found, '/opt/mysql/mysqld'])
  })

  it("are never somebody else's server", async () => {
    for (const { env } of await enginesOf({ PATH: folder.path, MYSQL_URL: 'mysql://root@db' }))
      expect(env).toMatchObject({ MYSQL_URL: '', TEST_MYSQL_URL: '' })
  })
})

describe('a program', () => {
  const run = (script: string, ms: number, signal = new AbortController().signal) =>
    runProgram(['-e', script], { engine: mariadb, env: { WORD: 'heard' }, ms, signal })

  it('gets its variables, and is heard to its end', async () => {
    expect(await run('console.log(process.env.WORD); process.exitCode = 3', 20_000)).toEqual({
      code: 3,
      output: 'heard\n',
      cut: false,
    })
  })

  it('is asked to end when its time is over, or everything is to end', async () => {
    const forever = 'setInterval(() => {}, 1000)'
    expect(await run(forever, 100)).toMatchObject({ cut: true, code: null })
    expect(await run(forever, 60_000, AbortSignal.timeout(100))).toMatchObject({ cut: true })
    expect(await run(forever, 60_000, AbortSignal.abort())).toMatchObject({ cut: true })
  })

  it('is not heard any more once it was asked to end: tests that lose their servers fail', async () => {
    const script = `process.on('SIGTERM', () => { console.log('FAIL'); process.exit(1) })
      setInterval(() => {}, 1000)
      console.log('up')`
    const ended = await run(script, 2_000)
    expect(ended).toEqual({ code: 1, output: 'up\n', cut: true })
  })

  it('takes along what it has started, once it was asked to end', async () => {
    const forever = 'setInterval(() => {}, 1000)'
    const script = `const { pid } = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(forever)}], { stdio: 'ignore' })
      console.log(pid)
      ${forever}`
    const { output, cut } = await run(script, 2_000)
    expect([output, cut]).toEqual([expect.stringMatching(/^\d+\n$/), true])
    await until('it is gone', 10_000, async () => !isThere(Number(output)))
  })
})

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
