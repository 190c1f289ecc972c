import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeFolder, type TemporaryFolder } from '../folder.ts'

/** Finds all as it was at first, and spoils it. There are two of it: whichever comes second finds what the first did. */
const SPOILING = `
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeEach, expect, it, jest } from '@jest/globals'
import { shared } from './shared.ts'

jest.setTimeout(20_000)
const calls = []
beforeEach(() => calls.push('of this file'))
it('finds all as it was', () => {
  expect(calls).toEqual(['of this file'])
  expect(process.env.SPOILT).toBeUndefined()
  expect(process.env.HOME).not.toBe('spoilt')
  expect(process.exitCode).toBeUndefined()
  expect(JSON.stringify(1)).toBe('1')
  expect(Date.now()).toBeGreaterThan(1_000_000)
})
it('shares modules with other files, in the realm of Node itself', async () => {
  appendFileSync(new URL('users.log', import.meta.url), String(++shared.users))
  const failure = await new Promise((done) => createServer().once('error', done).listen(0, '203.0.113.1'))
  expect(failure).toBeInstanceOf(Error)
  expect(structuredClone(new Date(0))).toBeInstanceOf(Date)
})
it('has functions of its own, which read its own environment', async () => {
  process.env.SETTING = import.meta.url
  expect((await import('./functions/operations/task.ts')).setting).toBe(import.meta.url)
})
afterAll(() => {
  process.env.SPOILT = 'yes'
  process.env.HOME = 'spoilt'
  process.exitCode = 3
  globalThis.JSON = { stringify: () => 'spoilt' }
  jest.useFakeTimers({ now: 0, doNotFake: ['nextTick', 'setTimeout', 'setImmediate'] })
})
`
const LEAVING = `
import { createServer } from 'node:net'
import { it } from '@jest/globals'
it('passes', () => void createServer().listen(0, '127.0.0.1').ref())
`
const SLOW = `
import { it } from '@jest/globals'
it('waits for ever', () => new Promise(() => {}), 50)
it('throws later', async () => {
  setTimeout(() => { throw new Error('thrown where nobody waits') })
  await new Promise((done) => setTimeout(done, 50))
})
`
const FILES = {
  'package.json': '{ "type": "module" }',
  'shared.ts': 'export const shared: { users: number } = { users: 0 }\n',
  'functions/operations/task.ts': 'export const setting: string | undefined = process.env.SETTING\n',
  'first.test.ts': SPOILING,
  'second.test.ts': SPOILING,
  'leaving.test.ts': LEAVING,
  'slow.test.ts': SLOW,
}

const PATIENT = `
import { it } from '@jest/globals'
it('waits a little', () => new Promise((done) => setTimeout(done, 50)), 2 ** 31 - 1)
`

type Results = {
  readonly [file: string]: { readonly tests: readonly string[]; readonly message: string }
}

/** Runs jest in one process over the files of a folder. */
const runJest = (folder: TemporaryFolder, runs = '1', ...files: string[]) => {
  const config = {
    rootDir: folder.path,
    injectGlobals: false,
    transform: {},
    runtime: resolve('test/support/realm/runtime.cjs'),
    testEnvironment: resolve('test/support/realm/environment.ts'),
  }
  const jest = resolve('node_modules/jest/bin/jest.js')
  const args = [jest, '--config', JSON.stringify(config), '--runInBand', '--json', '--forceExit', ...files]
  return spawnSync(process.execPath, args, {
    ...{ cwd: folder.path, encoding: 'utf8', timeout: 60_000 },
    // Not of the run that this test is in, which may be a proof, and has a place for it.
    env: { ...process.env, BACKSYNC_RUNS: runs, BACKSYNC_PLACES: undefined },
  })
}

/** One run over the files above. */
describe('test files that one worker runs', () => {
  let folder: TemporaryFolder
  let code: number | null
  let results: Results
  beforeAll(async () => {
    folder = await makeFolder()
    mkdirSync(join(folder.path, 'functions', 'operations'), { recursive: true })
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder.path, name), text)
    const { status, stdout } = runJest(folder)
    code = status
    const files: { name: string; message: string; assertionResults: { status: string }[] }[] =
      JSON.parse(stdout).testResults
    results = Object.fromEntries(
      files.map(({ name, message, assertionResults }) => [
        name.replace(/.*[\\/]/, ''),
        { message, tests: assertionResults.map(({ status }) => status) },
      ]),
    )
  }, 90_000)
  afterAll(() => folder.remove())

  it.each(['first.test.ts', 'second.test.ts'])('find the process as it was at first: %s', (file) => {
    expect(results[file]).toEqual({ message: '', tests: ['passed', 'passed', 'passed'] })
  })

  it('share the modules that they import', () => {
    expect(readFileSync(join(folder.path, 'users.log'), 'utf8')).toBe('12')
  })

  it('fail for what they leave behind, and name it', () => {
    const message = results['leaving.test.ts']?.message
    expect(message).toMatch(/this file leaves behind a listening socket at 127\.0\.0\.1:\d+, made later/)
    expect(code).toBe(1)
  })

  it('fail for what takes too long, and for what is thrown where nobody waits', () => {
    const { tests, message = '' } = results['slow.test.ts'] ?? {}
    expect(tests).toEqual(['failed', 'failed'])
    expect(message).toContain('Exceeded timeout of 50 ms')
    expect(message).toContain('thrown where nobody waits')
  })

  it('have as much more time as a proof has more runs, where they say how much', () => {
    const { stdout } = runJest(folder, '3', 'slow.test.ts')
    expect(JSON.parse(stdout).testResults[0]?.message).toContain('Exceeded timeout of 150 ms')
  })

  it('have no less of it where they have all that a timer can wait', () => {
    writeFileSync(join(folder.path, 'patient.test.ts'), PATIENT)
    const { stdout } = runJest(folder, '3', 'patient.test.ts')
    expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 1, numFailedTests: 0 })
  })
})
