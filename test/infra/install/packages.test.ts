import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { type CommandOutcome, runCommand } from '../../../infra/local/processes/command.ts'
import { makeFolder, type TemporaryFolder } from '../../support/folder.ts'

const packages = new URL('../../../infra/install/packages.mjs', import.meta.url).href

let folder: TemporaryFolder
beforeEach(async () => {
  folder = await makeFolder()
  await place('package-lock.json', lockfile({ a: '1.0.0' }))
})
afterEach(() => folder.remove())

const at = (path: string): string => join(folder.path, path)
const place = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(at(path)), { recursive: true })
  await writeFile(at(path), text)
}
const lockfile = (versions: Record<string, string>, optional: Record<string, string> = {}): string =>
  JSON.stringify({
    packages: {
      '': { name: 'x' },
      ...Object.fromEntries(
        Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }]),
      ),
      ...Object.fromEntries(
        Object.entries(optional).map(([name, version]) => [
          `node_modules/${name}`,
          { version, optional: true },
        ]),
      ),
    },
  })

/** Stands in for `npm ci`: removes node_modules, makes it anew, and notes that it ran. */
const npm = `
  const fs = require('fs')
  fs.appendFileSync('runs', 'x')
  if (fs.existsSync('busy')) { console.log('two at once'); process.exit(9) }
  fs.writeFileSync('busy', '')
  fs.rmSync('node_modules', { recursive: true, force: true })
  fs.mkdirSync('node_modules/node/bin', { recursive: true })
  setTimeout(() => {
    if (fs.existsSync('broken')) { console.log('npm error code EBROKEN'); fs.rmSync('busy'); process.exit(1) }
    fs.writeFileSync('node_modules/node/bin/node', '')
    fs.rmSync('busy')
  }, 100)`

/** Runs ensurePackages in a process of its own, as start.mjs does. */
const ensure = (): Promise<CommandOutcome> =>
  runCommand(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { ensurePackages } from ${JSON.stringify(packages)}
       const options = { root: ${JSON.stringify(folder.path)}, log: console.log, command: process.execPath, args: ['-e', ${JSON.stringify(npm)}] }
       try { await ensurePackages(options) } catch (error) { console.log(error.code, error.output); process.exitCode = 1 }`,
    ],
    { withinMs: 25_000 },
  )
const runs = async (): Promise<number> =>
  (await readdir(folder.path)).includes('runs') ? (await readFile(at('runs'), 'utf8')).length : 0

it('installs what is missing, says so, and does nothing the next time', async () => {
  expect(await ensure()).toMatchObject({
    code: 0,
    output: expect.stringContaining('the packages are missing'),
  })
  expect(await ensure()).toEqual({ code: 0, output: '' })

  expect(await runs()).toBe(1)
})

it('installs again when the lockfile has changed', async () => {
  await ensure()
  await place('package-lock.json', lockfile({ a: '1.0.1' }))

  expect(await ensure()).toMatchObject({
    code: 0,
    output: expect.stringContaining('the packages are out of date'),
  })
  expect(await runs()).toBe(2)
})

it('shows what npm said when it fails, and tries again the next time', async () => {
  await ensure()
  await place('package-lock.json', lockfile({ a: '2.0.0' }))
  await place('broken', '')

  expect(await ensure()).toMatchObject({
    code: 1,
    output: expect.stringContaining('install.failed npm error code EBROKEN'),
  })
  await rm(at('broken'))
  expect((await ensure()).code).toBe(0)
  expect(await runs()).toBe(3)
})

it('does not take an installation that was cut short for a whole one', async () => {
  await place('node_modules/node/bin/node', '')
  await place('node_modules/a/package.json', '{}')

  await ensure()

  expect(await runs()).toBe(1)
})

it('lets one install when two start at once, and the other wait', async () => {
  const outcomes = await Promise.all([ensure(), ensure(), ensure()])

  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(await runs()).toBe(1)
})

it('takes the word of npm for an installation made by hand', async () => {
  await place('package-lock.json', lockfile({ a: '1.0.0' }, { elsewhere: '1.0.0' }))
  await place('node_modules/node/bin/node', '')
  await place('node_modules/.package-lock.json', lockfile({ a: '1.0.0' }))
  expect(await ensure()).toEqual({ code: 0, output: '' })
  expect(await runs()).toBe(0)

  await place('node_modules/.package-lock.json', lockfile({ a: '0.9.0' }))
  await ensure()
  expect(await runs()).toBe(1)
})

it.each([
  ['a package less', lockfile({})],
  ['a cut-off list', '{"packages":'],
])('does not where it has %s', async (_, hidden) => {
  await place('node_modules/node/bin/node', '')
  await place('node_modules/.package-lock.json', hidden)

  await ensure()

  expect(await runs()).toBe(1)
})
