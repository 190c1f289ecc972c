import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import mysql from 'mysql2/promise'
import { runCommand } from '../../infra/local/processes/command.ts'
import { copyCheckout } from '../support/checkout.ts'
import type { TemporaryFolder } from '../support/folder.ts'
import { call, type RunningStack, runStack } from '../support/stack.ts'

/** All of it, in a copy of this checkout: the sample goes, and what is left passes and runs. */
describe('a checkout without the sample', () => {
  const database = `init_${randomUUID().replaceAll('-', '')}`
  const server = process.env.TEST_MYSQL_URL ?? ''
  let folder: TemporaryFolder
  let stack: RunningStack | undefined

  const home = (): string => join(folder.path, '.backsync')
  const run = (args: readonly string[]) =>
    runCommand(process.execPath, args, {
      withinMs: 240_000,
      cwd: folder.path,
      env: { ...process.env, NODE_OPTIONS: '', BACKSYNC_HOME: home() },
    })
  const backsync = (...args: string[]) => run([join(folder.path, 'infra/cli/main.ts'), ...args])

  beforeAll(async () => {
    folder = await copyCheckout()
    expect(await backsync('init', '--yes')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/the sample is gone; README\.md says what to do next$/),
    })
  }, 60_000)
  afterAll(async () => {
    await stack?.stop()
    const connection = await mysql.createConnection(server)
    await connection.query(`DROP DATABASE IF EXISTS ${database}`)
    await connection.end()
    await folder?.remove()
  }, 30_000)

  it('has nothing left of it', async () => {
    expect(await backsync('init')).toEqual({ code: 0, output: 'the sample is gone: nothing to do' })
    const { scripts } = JSON.parse(await readFile(join(folder.path, 'package.json'), 'utf8'))
    expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining(['walkthrough']))
    expect(Object.keys(scripts)).toContain('start')
  })

  it('passes the type check, and the lists are as the formatter has them', async () => {
    const modules = join(folder.path, 'node_modules')
    expect(await run([join(modules, 'typescript/bin/tsc'), '--noEmit'])).toEqual({ code: 0, output: '' })
    const lists = ['functions/entities', 'functions/tables', 'infra/extensions.ts', 'package.json']
    const biome = [
      join(modules, '@biomejs/biome/bin/biome'),
      'check',
      '--vcs-enabled=false',
      '--error-on-warnings',
    ]
    expect(await run([...biome, ...lists])).toMatchObject({ code: 0 })
  }, 500_000)

  it('passes tests of the product, which have lists of their own', async () => {
    const script = join(folder.path, 'node_modules/jest/bin/jest.js')
    const some = [
      'test/sample-apart.test.ts',
      'test/readme.test.ts',
      'test/functions/bridge/model/entity.test.ts',
      'test/functions/bridge/aurora/aurora-store.test.ts',
      'test/infra/cli/init',
    ]
    const { code, output } = await run([script, '--runInBand', ...some])
    expect([code, output]).toEqual([0, expect.stringMatching(/Tests: +\d+ passed, \d+ total/)])
  }, 250_000)

  it('starts with nothing to serve, and says what to do next', async () => {
    const env = { MYSQL_URL: `${server.replace(/\/$/, '')}/${database}` }
    stack = await runStack(home(), env, { app: 'infra/app.ts', repository: folder.path })

    expect(stack.output()).toContain('no entity yet: README.md says what to do next')
    const { status, json } = await call(`${stack.url}/aurora`)
    expect([status, json().migrations]).toEqual([200, expect.not.arrayContaining([{ state: 'pending' }])])
    for (const path of ['/users', '/aurora/chefs', '/dynamo/chefs'])
      expect([path, (await call(stack.url + path)).status]).toEqual([path, 404])
  }, 150_000)

  it('has commands that work with no entity and no table', async () => {
    expect(await backsync('parked', 'list')).toEqual({ code: 0, output: 'nothing is parked' })
    expect((await backsync('parked', 'retry', '--yes')).code).toBe(0)
    expect((await backsync('replicate', 'status')).code).toBe(0)
    expect((await backsync('reshape', 'status', '--json')).code).toBe(0)
    expect(await backsync('replicate', 'fill', 'users-by-city')).toMatchObject({
      code: 2,
      output: expect.stringContaining('unknown table users-by-city; none is declared'),
    })
    expect(await backsync('parked', 'list', '--entity', 'chef')).toMatchObject({
      code: 2,
      output: expect.stringContaining('unknown entity chef; none is defined'),
    })
  }, 120_000)
})
